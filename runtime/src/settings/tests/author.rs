//! What the author of a service demands of settings, and sets by code.

use super::secrets::{Vault, vault};
use super::*;
use crate::settings::{Author, Invalid, Required, Secret, load::load_from};

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
    Author::default().accept(&loaded).map(|_| loaded)
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
