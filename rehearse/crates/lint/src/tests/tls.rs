//! Files of TLS: what brings them to where the service looks for them.

use super::{NOTHING, in_file, with};

/// The good manifest of a service that speaks TLS, with this mount of this volume.
fn over_tls(mount: &str, volume: &str) -> String {
    let variables = "value: 30s
            - {name: LASTCALL__HTTP__TLS__CERTIFICATE, value: /tls/tls.crt}
            - {name: LASTCALL__HTTP__TLS__KEY, value: /tls/tls.key}";
    let mounts = format!("volumeMounts:\n            - {mount}");
    let volumes = format!("      volumes:\n        - {volume}");
    with("value: 30s", variables)
        .replace("volumeMounts:", &mounts)
        .replace("      volumes:", &volumes)
}

const MOUNT: &str = "{name: tls, mountPath: /tls}";
const VOLUME: &str = "{name: tls, secret: {secretName: hello-tls}}";

#[test]
fn a_secret_that_is_mounted_is_believed_to_be_there() {
    assert_eq!(in_file(&over_tls(MOUNT, VOLUME)), NOTHING);
}

#[test]
fn a_file_that_nothing_brings_there_is_a_finding() {
    let elsewhere = over_tls("{name: tls, mountPath: /elsewhere}", VOLUME);
    let by_sub_path = over_tls("{name: tls, mountPath: /tls, subPath: a}", VOLUME);
    let no_volume = over_tls(MOUNT, "{name: other, secret: {secretName: a}}");
    for (manifest, wrong) in [
        (elsewhere, "no volume is mounted there"),
        (
            by_sub_path,
            "mounted by subPath, it would never be renewed: mount the folder",
        ),
        (no_volume, "there is no volume tls"),
    ] {
        let finding = |variable: &str, file: &str| {
            let variable = format!("LASTCALL__HTTP__TLS__{variable} = /tls/{file}");
            format!("hello.yaml: Deployment hello: {variable}: {wrong}")
        };
        let due = [finding("CERTIFICATE", "tls.crt"), finding("KEY", "tls.key")];
        assert_eq!(in_file(&manifest), due);
    }
}

#[test]
fn a_secret_of_tls_has_its_own_keys() {
    let misnamed = over_tls(MOUNT, VOLUME).replace("/tls/tls.key", "/tls/key.pem");
    let finding = "LASTCALL__HTTP__TLS__KEY = /tls/key.pem: of a Secret of the type \
                   kubernetes.io/tls it must be tls.key";
    assert_eq!(
        in_file(&misnamed),
        [format!("hello.yaml: Deployment hello: {finding}")]
    );
}
