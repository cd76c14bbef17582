//! Certificates: those that cannot be served with, and those that come later.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    client::{ask, connect},
    common, pki, serve, settings,
};

#[actix_web::test]
async fn what_cannot_be_served_with_is_one_clear_error() {
    let pki = pki();
    pki.place("other", 2999);
    pki.place("expired", 2021);
    pki.write("text", "no PEM");
    let path = |name: &str| pki.path(name).to_str().unwrap().to_owned();
    for (key, value, problem) in [
        (
            "certificate",
            "missing",
            "cannot read the file: No such file or directory (os error 2)",
        ),
        ("certificate", "text", "must hold certificates in PEM"),
        (
            "certificate",
            "current/key.pem",
            "must hold certificates in PEM",
        ),
        (
            "certificate",
            "expired/certificate.pem",
            "must not have expired, as it has at 2021-12-31T00:00:00Z",
        ),
        ("key", "text", "must hold a private key in PEM"),
        (
            "key",
            "other/key.pem",
            "must be the key of http.tls.certificate",
        ),
        (
            "client_ca",
            "missing",
            "cannot read the file: No such file or directory (os error 2)",
        ),
        ("client_ca", "text", "must hold certificates in PEM"),
    ] {
        let key = format!("http.tls.{key}");
        let settings = settings(&pki).set(&key, path(value));
        let error = lastcall::service!().bind(settings).await.unwrap_err();
        let shown = path(value);
        let told = format!("{key} = \"{shown}\" (set by the program): {problem}");
        assert_eq!(error.to_string(), told);
        assert_eq!(
            format!("{:?}", error.exit_code()),
            format!("{:?}", std::process::ExitCode::from(64))
        );
    }
}

#[actix_web::test]
async fn half_of_what_is_needed_is_an_error_too() {
    let pki = pki();
    let path = |name: &str| pki.path(name).to_str().unwrap().to_owned();
    for (key, file, told) in [
        (
            "certificate",
            "current/certificate.pem",
            "http.tls.key (not set): must be set with http.tls.certificate",
        ),
        (
            "key",
            "current/key.pem",
            "http.tls.certificate (not set): must be set with http.tls.key",
        ),
        (
            "client_ca",
            "ca.pem",
            "must not be set without http.tls.certificate and http.tls.key",
        ),
    ] {
        let settings = common::quick().set(&format!("http.tls.{key}"), path(file));
        let error = lastcall::service!().bind(settings).await.unwrap_err();
        assert!(error.to_string().ends_with(told), "{error}");
    }
}

/// The issuer's name for the certificate that is shown to a new connection.
async fn shown(serving: &lastcall::Serving, pki: &crate::pki::Pki) -> Vec<u8> {
    let connection = connect(serving.http_address(), &pki.client(None, &[])).await;
    connection.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

/// Looks until a new connection is shown another certificate than this one.
async fn shown_after(serving: &lastcall::Serving, pki: &crate::pki::Pki, before: &[u8]) -> Vec<u8> {
    let since = Instant::now();
    loop {
        let now = shown(serving, pki).await;
        if now != before {
            return now;
        }
        assert!(
            since.elapsed() < Duration::from_secs(10),
            "the old one is still shown"
        );
        sleep(Duration::from_millis(50)).await;
    }
}

#[actix_web::test]
async fn a_new_certificate_is_shown_to_new_connections_and_ends_none() {
    let pki = pki();
    let serving = serve(settings(&pki)).await;
    let mut kept = connect(serving.http_address(), &pki.client(None, &[])).await;
    ask(&mut kept, "/").await;
    let first = shown(&serving, &pki).await;
    pki.place("second", 2998);
    pki.lead_to("second");
    let second = shown_after(&serving, &pki, &first).await;
    ask(&mut kept, "/").await;
    // A file that is written over in its place, too.
    let (certificate, key) = pki.issue("third", 2997);
    pki.write("second/key.pem", &key);
    pki.write("second/certificate.pem", &certificate);
    shown_after(&serving, &pki, &second).await;
    ask(&mut kept, "/").await;
    let metrics = common::get(serving.admin_address(), "/metrics").await;
    // 2997-12-31T00:00:00Z, since 1970.
    assert!(
        metrics.contains("\nlastcall_tls_certificate_expires_seconds 32440521600.0\n"),
        "{metrics}"
    );
    serving.handle().drain_now();
    assert_eq!(serving.await.unwrap().exit, Some(0));
}

#[actix_web::test]
async fn a_bad_new_certificate_is_counted_while_the_one_before_serves_on() {
    let pki = pki();
    let serving = serve(settings(&pki)).await;
    let first = shown(&serving, &pki).await;
    pki.place("expired", 2021);
    pki.lead_to("expired");
    let since = Instant::now();
    // A scrape is reason enough to look.
    loop {
        let metrics = common::get(serving.admin_address(), "/metrics").await;
        if metrics.contains("lastcall_tls_reloads_failed_total 1\n") {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(10), "{metrics}");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(shown(&serving, &pki).await, first);
    pki.place("second", 2998);
    pki.lead_to("second");
    shown_after(&serving, &pki, &first).await;
    let metrics = common::get(serving.admin_address(), "/metrics").await;
    assert!(
        metrics.contains("lastcall_tls_reloads_failed_total 1\n"),
        "once a version: {metrics}"
    );
    serving.handle().drain_now();
    assert_eq!(serving.await.unwrap().exit, Some(0));
}
