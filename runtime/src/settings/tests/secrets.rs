//! Secrets, values from files, and settings that have no default.

use super::*;
use crate::settings::{Author, Invalid, Required, Secret, load::load_from};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Vault {
    password: Secret<String>,
    pin: Secret<u16>,
    other: Option<Secret<String>>,
    keys: Vec<Secret<u16>>,
    greeting: String,
    cert_file: String,
    nested: Option<Nested>,
    port: Option<u16>,
    tried: Option<Tried>,
}

/// Its types are tried one by one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Tried {
    Number(Secret<u16>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nested {
    token: Secret<String>,
    host: String,
}

fn vault(variables: &[(&str, &str)]) -> Result<Loaded<Vault>, SettingsError> {
    let defaults = Vault {
        password: Secret::new("by default".to_owned()),
        pin: Secret::new(1234),
        ..Vault::default()
    };
    let named = |(key, value): &(&str, &str)| (format!("LASTCALL__{key}"), (*value).to_owned());
    load_from(Settings::new(defaults).with_variables(variables.iter().map(named)))
}

fn refusal(variables: &[(&str, &str)]) -> String {
    one_line(vault(variables).unwrap_err())
}

#[test]
fn a_secrets_default_keeps_its_value_and_any_setting_of_one_is_revealed_to_code_alone() {
    let loaded = vault(&[("SERVICE__OTHER", "s3cret"), ("SERVICE__KEYS", "[41, 42]")]).unwrap();
    let service = &loaded.settings.service;
    assert_eq!(service.password.reveal(), "by default");
    assert_eq!(service.pin.reveal(), &1234);
    assert_eq!(service.other.as_ref().unwrap().reveal(), "s3cret");
    assert_eq!(service.keys[1].reveal(), &42);
    let seen = [
        print(&loaded, None),
        format!("{loaded:?}"),
        serde_json::to_string(&loaded.settings).unwrap(),
    ];
    for text in &seen {
        for value in ["by default", "1234", "s3cret", "41", "42"] {
            assert!(!text.contains(value), "{value} in:\n{text}");
        }
        assert!(text.contains("***"), "{text}");
    }
    assert!(seen[0].contains("other = \"***\"  # LASTCALL__SERVICE__OTHER\n"));
}

#[test]
fn a_bad_value_of_a_secret_is_not_shown() {
    for (key, value, told) in [
        (
            "SERVICE__PIN",
            "hunter2",
            "service.pin = *** (…PIN): must be a whole number from 0 to 65535",
        ),
        (
            "SERVICE__PIN",
            "[\"hunter2\"]",
            "service.pin = *** (…PIN): must be a whole number from 0 to 65535",
        ),
        (
            "SERVICE__KEYS",
            "[1,\"hunter2\"]",
            "service.keys[1] = *** (…KEYS): must be a whole number from 0 to 65535",
        ),
        (
            "SERVICE__TRIED",
            "hunter2",
            "service.tried = \"***\" (…TRIED): \
             data did not match any variant of untagged enum Tried",
        ),
    ] {
        let told = told.replace('…', "LASTCALL__SERVICE__");
        assert_eq!(refusal(&[(key, value)]), told);
    }
}

#[test]
fn nor_within_a_group_that_has_one() {
    let token = ("SERVICE__NESTED__TOKEN", "hunter2");
    assert_eq!(
        refusal(&[token]),
        "service.nested = {\"token\":\"***\"} (LASTCALL__SERVICE__NESTED__TOKEN): \
         missing field `host`"
    );
    let misspelt = ("SERVICE__NESTED__TOKNE", "hunter2");
    assert_eq!(
        refusal(&[misspelt]),
        "unknown setting service.nested.tokne (LASTCALL__SERVICE__NESTED__TOKNE)"
    );
}

#[cfg(unix)]
#[test]
fn nor_where_it_is_no_text() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    let told = |key: &str| {
        let bytes = OsString::from_vec(b"hunter2\xff".to_vec());
        let settings = Settings::new(Vault::default());
        let error = load_from(settings.with_variables([(key, bytes)])).unwrap_err();
        one_line(error)
    };
    for key in ["PASSWORD", "OTHER", "NESTED__TOKEN"] {
        let told = told(&format!("LASTCALL__SERVICE__{key}"));
        assert!(told.contains(" = *** (LASTCALL__SERVICE__"), "{told}");
    }
    assert!(told("LASTCALL__SERVICE__GREETING").contains("hunter2"));
}

#[test]
fn nor_where_the_file_is_no_toml() {
    let file = TempFile::new("[service]\npassword = \"hunter2\ngreeting = \"Hi\"\n");
    let told = one_line(load::<Vault>(Some(&file.0), [("A", "b")]).unwrap_err());
    assert!(
        told.contains("line 2") && !told.contains("hunter2"),
        "{told}"
    );
}

#[test]
fn what_is_set_by_code_or_environment_is_not_shown_by_debug() {
    let settings = Settings::new(()).set("service.password", "hunter2");
    let settings = settings.with_variables([("LASTCALL__SERVICE__PASSWORD", "hunter2")]);
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn a_file_that_a_variable_names_has_the_value_of_any_setting() {
    for (text, value) in [
        ("s3cret", "s3cret"),
        ("s3cret\n", "s3cret"),
        ("s3cret\r\n", "s3cret"),
        (" s3cret \n\n", " s3cret \n"),
        ("", ""),
    ] {
        let file = TempFile::new(text);
        let path = file.0.to_str().unwrap();
        let loaded = vault(&[("SERVICE__PASSWORD_FILE", path)]).unwrap();
        assert_eq!(loaded.settings.service.password.reveal(), value);
    }
    let [pin, time, token] = ["99\n", "7s\n", "s3cret\n"].map(TempFile::new);
    let [pin, time, token] = [&pin, &time, &token].map(|file| file.0.to_str().unwrap());
    let loaded = vault(&[
        ("SERVICE__PIN_FILE", pin),
        ("SERVICE__PORT_FILE", pin),
        ("HTTP__KEEP_ALIVE_FILE", time),
        ("SERVICE__NESTED__TOKEN_FILE", token),
        ("SERVICE__NESTED__HOST", "db"),
    ])
    .unwrap();
    let service = &loaded.settings.service;
    assert_eq!((service.pin.reveal(), service.port), (&99, Some(99)));
    let nested = service.nested.as_ref().unwrap();
    assert_eq!(nested.token.reveal(), "s3cret", "where others are unknown");
    let text = print(&loaded, None);
    let line = "keep_alive = \"7s\"  # LASTCALL__HTTP__KEEP_ALIVE_FILE\n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn a_setting_that_really_has_such_a_name_wins() {
    let loaded = vault(&[("SERVICE__CERT_FILE", "/etc/cert.pem")]).unwrap();
    assert_eq!(loaded.settings.service.cert_file, "/etc/cert.pem");
}

#[test]
fn a_file_wins_over_the_settings_file_and_not_over_another_variable() {
    let settings = TempFile::new("service.greeting = \"from TOML\"");
    let [greeting, missing] = [TempFile::new("from a file"), TempFile::new("")];
    let [greeting, missing] = [&greeting, &missing].map(|file| file.0.to_str().unwrap().to_owned());
    let variables = [("LASTCALL__SERVICE__GREETING_FILE", &greeting)];
    let loaded = load::<Vault>(Some(&settings.0), variables).unwrap();
    assert_eq!(loaded.settings.service.greeting, "from a file");
    assert_eq!(
        refusal(&[
            ("SERVICE__GREETING", "from the variable"),
            ("SERVICE__GREETING_FILE", &missing),
        ]),
        "LASTCALL__SERVICE__GREETING and LASTCALL__SERVICE__GREETING_FILE are both set: \
         must be only one of them"
    );
}

#[test]
fn a_file_that_cannot_be_used_is_named_and_its_content_is_not_shown() {
    assert_eq!(
        refusal(&[("SERVICE__PASSWORD_FILE", "/no/such/file")]),
        "LASTCALL__SERVICE__PASSWORD_FILE = /no/such/file: cannot read the file: \
         No such file or directory (os error 2)"
    );
    let file = TempFile::new("hunter2");
    let path = file.0.to_str().unwrap();
    assert_eq!(
        refusal(&[("SERVICE__PORT_FILE", path)]),
        "service.port = *** (LASTCALL__SERVICE__PORT_FILE): must be a whole number from 0 to 65535"
    );
    assert_eq!(
        refusal(&[("SERVICE__COLOUR_FILE", path)]),
        "unknown setting service.colour (LASTCALL__SERVICE__COLOUR_FILE): must be one of \
         cert_file, greeting, keys, nested, other, password, pin, port, tried"
    );
    assert_eq!(
        refusal(&[("SERVICE__COLOUR_FILE_FILE", path)]),
        "unknown setting service.colour_file (LASTCALL__SERVICE__COLOUR_FILE_FILE): must be one \
         of cert_file, greeting, keys, nested, other, password, pin, port, tried"
    );
    let told = refusal(&[("DRAIN_FILE", path)]);
    assert!(told.starts_with("unknown setting drain_file (LASTCALL__DRAIN_FILE)"));
    let told = refusal(&[("SERVICE__NESTED_FILE", path)]);
    assert!(told.starts_with("service.nested = *** ("), "{told}");
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Needy {
    database: Required<String>,
    token: Required<Secret<String>>,
    port: Required<u16>,
    replica: Option<Replica>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Replica {
    name: String,
    address: Required<String>,
}

fn needy(variables: &[(&str, &str)]) -> Result<Loaded<Needy>, SettingsError> {
    let loaded = load::<Needy>(None, variables.iter().copied())?;
    Author::default().accept(&loaded).map(|()| loaded)
}

#[test]
fn all_that_is_required_and_not_set_is_named_with_its_variable() {
    let port = ("LASTCALL__SERVICE__PORT", "80");
    let replica = ("LASTCALL__SERVICE__REPLICA__NAME", "b");
    assert_eq!(
        one_line(needy(&[port, replica]).unwrap_err()),
        "must be set: service.database (LASTCALL__SERVICE__DATABASE), \
         service.replica.address (LASTCALL__SERVICE__REPLICA__ADDRESS), \
         service.token (LASTCALL__SERVICE__TOKEN)"
    );
}

#[test]
fn what_is_required_is_set_as_any_other() {
    let file = TempFile::new("s3cret\n");
    let loaded = needy(&[
        ("LASTCALL__SERVICE__DATABASE", "sqlite::memory:"),
        ("LASTCALL__SERVICE__TOKEN_FILE", file.0.to_str().unwrap()),
        ("LASTCALL__SERVICE__PORT", "80"),
    ])
    .unwrap();
    let service = &loaded.settings.service;
    assert_eq!(service.database.as_str(), "sqlite::memory:");
    assert_eq!(
        (service.token.reveal().as_str(), *service.port),
        ("s3cret", 80)
    );
    assert!(print(&loaded, None).contains("token = \"***\""));
    let bad = needy(&[("LASTCALL__SERVICE__PORT", "ssh")]).unwrap_err();
    assert_eq!(
        one_line(bad),
        "service.port = \"ssh\" (LASTCALL__SERVICE__PORT): must be a whole number from 0 to 65535"
    );
}

fn author(check: impl Fn(&Vault) -> Result<(), Invalid> + Send + 'static) -> Author<Vault> {
    Author {
        checks: vec![Box::new(check)],
        ..Author::default()
    }
}

#[test]
fn what_the_author_finds_invalid_is_told_with_its_value_and_origin() {
    let loaded = vault(&[("SERVICE__PORT", "5"), ("SERVICE__PASSWORD", "hunter2")]).unwrap();
    assert!(author(|_| Ok(())).accept(&loaded).is_ok());
    for (key, told) in [
        (
            "service.port",
            "service.port = 5 (LASTCALL__SERVICE__PORT): must be prime",
        ),
        (
            "service.password",
            "service.password = \"***\" (LASTCALL__SERVICE__PASSWORD): must be prime",
        ),
        (
            "service.greeting",
            "service.greeting = \"\" (default): must be prime",
        ),
        ("service.other", "service.other (not set): must be prime"),
        (
            "service.nothing",
            "service.nothing (not set): must be prime",
        ),
    ] {
        let found = author(move |_| Err(Invalid::new(key, "must be prime")));
        assert_eq!(one_line(found.accept(&loaded).unwrap_err()), told);
    }
}

#[test]
fn the_authors_defaults_lie_under_everything_else() {
    let author = |key: &'static str, value: &str| Author::<Vault> {
        defaults: vec![("http.keep_alive", "9s".into()), (key, value.into())],
        ..Author::default()
    };
    let source = Settings::new(Vault::default())
        .set("drain.min", "1s")
        .with_variables([("LASTCALL__DRAIN__QUIET", "2s")]);
    let loaded = author("drain.min", "3s").load(source.clone()).unwrap();
    let drain = &loaded.settings.drain;
    assert_eq!((drain.min.as_secs(), drain.quiet.as_secs()), (1, 2));
    let line = "keep_alive = \"9s\"  # set by the program\n";
    assert!(print(&loaded, None).contains(line));
    let loaded = author("drain.quiet", "3s").load(source.clone()).unwrap();
    assert_eq!(loaded.settings.drain.quiet.as_secs(), 2);

    for (key, value, told) in [
        (
            "http.head_timeout",
            "soon",
            "http.head_timeout = \"soon\" (set by the program): \
             must be a duration such as \"3s\" or \"500ms\"",
        ),
        (
            "http.keepalive",
            "9s",
            "unknown setting http.keepalive (set by the program): must be one of",
        ),
    ] {
        let error = author(key, value).load(source.clone()).unwrap_err();
        assert_eq!(error.exit(), Exit::Software, "the author's mistake");
        assert!(error.to_string().starts_with(told), "{error}");
    }
}

#[test]
fn a_group_by_code_is_merged_as_one_in_the_file_is() {
    let group = serde_json::json!({"min": "1s", "jitter": "0s"});
    let loaded = load_from(Settings::new(()).set("drain", group)).unwrap();
    assert_eq!(loaded.settings.drain.min.as_secs(), 1);
    assert_eq!(
        loaded.settings.drain.quiet.as_secs(),
        1,
        "as it is by default"
    );
}

#[test]
fn a_probe_needs_none_of_the_services_own_settings() {
    let variables = [
        ("LASTCALL__SERVICE__PORT", "ssh"),
        ("LASTCALL__SERVICE__PASSWORD_FILE", "/no/such/file"),
        ("LASTCALL__GRACE_PERIOD", "9s"),
    ];
    let author = Author::<Needy> {
        defaults: vec![("admin.address", "127.0.0.1:1".into())],
        ..Author::default()
    };
    let file = TempFile::new("[service]\ncolour = \"red\"\n");
    let source = Settings::new(serde_json::Value::Null).with_file(Some(file.0.clone()));
    let probe = author.load(source.with_variables(variables));
    let settings = probe.unwrap().settings;
    assert_eq!(settings.admin.address.port(), 1);
    assert_eq!(settings.grace_period.as_secs(), 9);
}
