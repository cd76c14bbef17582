//! Values from files that variables name.

use super::secrets::{Vault, refusal, vault};
use super::*;

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
