//! Certificates, and the folder that they are mounted in.

use std::fs;

use super::{Authority, Mounted, NotTrusted, Trust};

#[test]
fn a_certificate_is_exchanged_at_one_stroke_and_the_folder_goes_with_its_owner() {
    let authority = Authority::new().unwrap();
    let [old, new] = [(), ()].map(|()| authority.issue(&["lastcall.test"]).unwrap());
    assert_ne!(old.crc32, new.crc32);
    let mounted = Mounted::new("rehearse-tls-exchanged", &old).unwrap();
    let (certificate, key) = (mounted.certificate(), mounted.key());
    assert_eq!(fs::read_to_string(&certificate).unwrap(), old.certificate);
    assert_eq!(fs::read_to_string(&key).unwrap(), old.key);
    mounted.exchange(&new).unwrap();
    assert_eq!(fs::read_to_string(&certificate).unwrap(), new.certificate);
    assert_eq!(fs::read_to_string(&key).unwrap(), new.key);
    drop(mounted);
    assert!(!certificate.parent().unwrap().exists());
}

#[test]
fn whom_to_trust_must_be_said() {
    let authority = Authority::new().unwrap();
    assert!(Trust::new("lastcall.test", authority.pem()).is_ok());
    assert!(matches!(
        Trust::new("no name", authority.pem()),
        Err(NotTrusted::Name(_))
    ));
    assert!(matches!(
        Trust::new("lastcall.test", "nothing"),
        Err(NotTrusted::Empty)
    ));
}
