//! Secrets, which nobody is shown.

use super::*;
use crate::settings::{Secret, load::load_from};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Vault {
    pub(super) password: Secret<String>,
    pub(super) pin: Secret<u16>,
    pub(super) other: Option<Secret<String>>,
    pub(super) keys: Vec<Secret<u16>>,
    pub(super) greeting: String,
    pub(super) cert_file: String,
    pub(super) nested: Option<Nested>,
    pub(super) port: Option<u16>,
    pub(super) tried: Option<Tried>,
}

/// Its types are tried one by one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Tried {
    Number(Secret<u16>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nested {
    pub(super) token: Secret<String>,
    pub(super) host: String,
}

pub(super) fn vault(variables: &[(&str, &str)]) -> Result<Loaded<Vault>, SettingsError> {
    let defaults = Vault {
        password: Secret::new("by default".to_owned()),
        pin: Secret::new(1234),
        ..Vault::default()
    };
    let named = |(key, value): &(&str, &str)| (format!("LASTCALL__{key}"), (*value).to_owned());
    load_from(Settings::new(defaults).with_variables(variables.iter().map(named)))
}

pub(super) fn refusal(variables: &[(&str, &str)]) -> String {
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
