//! Over TLS: which ends cut something, and what a handshake shows.

mod server;

use rehearse_tls::{Authority, Trust};

use self::server::{Act, NAME, Server};
use super::{assert_all_failed, assert_none_failed, ended, keep_alive, one_shot, until};
use crate::{FailureKind, Mode, Outcome, Plan, TlsFigures};

const OK: &str = super::OK;
const UNTIL_END: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nto the end";
const GOODBYE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

async fn serve(alpn: &[&[u8]], acts: &'static [Act]) -> Server {
    Server::start(alpn, |_| acts.to_vec()).await
}

/// Runs the plan over TLS until so many requests have ended.
async fn requests(plan: Plan, server: &Server, enough: u64) -> Outcome {
    let tls = Some(server.trust.clone());
    until(Plan { tls, ..plan }, Some(server.address), ended(enough)).await
}

fn tls(outcome: &Outcome) -> &TlsFigures {
    outcome.tls.as_ref().unwrap()
}

#[tokio::test]
async fn requests_on_kept_connections_are_served_and_the_certificate_is_seen() {
    let server = Server::start(&[b"http/1.1"], |_| {
        [Act::Request, Act::Send(OK)].repeat(100)
    })
    .await;
    let outcome = requests(keep_alive(0), &server, 50).await;
    assert_none_failed(&outcome);
    let [certificate] = &tls(&outcome).certificates[..] else {
        panic!("{outcome:?}")
    };
    assert_eq!(certificate.crc32, server.issued.crc32);
    assert_eq!(certificate.connections, 1);
}

#[tokio::test]
async fn a_session_is_taken_up_by_a_later_connection() {
    let server = serve(&[], &[Act::Request, Act::Send(OK), Act::Close]).await;
    let outcome = requests(one_shot(1), &server, 20).await;
    assert_none_failed(&outcome);
    assert!(tls(&outcome).resumed > 0, "{outcome:?}");
}

#[tokio::test]
async fn an_idle_connection_that_ends_without_close_notify_is_counted() {
    let server = serve(&[], &[Act::Request, Act::Send(OK), Act::Truncate]).await;
    let outcome = requests(keep_alive(20), &server, 5).await;
    assert_none_failed(&outcome);
    assert!(tls(&outcome).truncated >= 4, "{outcome:?}");
    assert_eq!(tls(&outcome).closed, 0);
    assert_eq!(outcome.unannounced_closes, tls(&outcome).truncated);
}

#[tokio::test]
async fn one_that_ends_by_close_notify_is_a_reconnect_and_nothing_else() {
    let server = serve(&[], &[Act::Request, Act::Send(OK), Act::Close]).await;
    let outcome = requests(keep_alive(20), &server, 5).await;
    assert_none_failed(&outcome);
    assert!(tls(&outcome).closed >= 4, "{outcome:?}");
    assert_eq!(tls(&outcome).truncated, 0);
}

#[tokio::test]
async fn the_end_behind_a_goodbye_is_looked_at() {
    for (end, truncated) in [(Act::Close, false), (Act::Truncate, true)] {
        let server = Server::start(&[], move |_| vec![Act::Request, Act::Send(GOODBYE), end]).await;
        let outcome = requests(keep_alive(0), &server, 5).await;
        assert_none_failed(&outcome);
        let seen = tls(&outcome);
        let (expected, other) = match truncated {
            true => (seen.truncated, seen.closed),
            false => (seen.closed, seen.truncated),
        };
        assert_eq!((expected, other), (outcome.requests, 0), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_body_up_to_close_notify_is_complete_and_one_up_to_a_bare_fin_is_cut() {
    let complete = serve(&[], &[Act::Request, Act::Send(UNTIL_END), Act::Close]).await;
    let outcome = requests(one_shot(1), &complete, 5).await;
    assert_eq!(outcome.complete, outcome.requests);
    let cut = serve(&[], &[Act::Request, Act::Send(UNTIL_END), Act::Truncate]).await;
    let outcome = requests(one_shot(1), &cut, 5).await;
    assert_all_failed(&outcome, FailureKind::CutInBody);
    let detail = &outcome.failures.examples()[0].detail;
    assert!(detail.starts_with("FIN without close_notify"), "{detail}");
}

#[tokio::test]
async fn a_response_that_is_cut_fails_as_it_does_without_tls() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok";
    let cases: [(Vec<Act>, FailureKind); 4] = [
        (vec![Act::Close], FailureKind::ClosedBeforeResponse),
        (
            vec![Act::Request, Act::Truncate],
            FailureKind::ClosedBeforeResponse,
        ),
        (
            vec![Act::Request, Act::Send("HTTP/1.1 2"), Act::Truncate],
            FailureKind::CutInHead,
        ),
        (
            vec![Act::Request, Act::Send(cut), Act::Close],
            FailureKind::CutInBody,
        ),
    ];
    for (acts, kind) in cases {
        let server = Server::start(&[], move |_| acts.clone()).await;
        let outcome = requests(one_shot(1), &server, 3).await;
        assert_all_failed(&outcome, kind);
        assert_eq!(tls(&outcome).truncated, 0, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_handshake_that_fails_is_a_failure_of_its_own_kind() {
    let refused = serve(&[], &[Act::Refuse]).await;
    let outcome = requests(one_shot(1), &refused, 3).await;
    assert_all_failed(&outcome, FailureKind::HandshakeFailed);
}

#[tokio::test]
async fn a_certificate_of_another_authority_or_for_another_name_is_not_believed() {
    let server = serve(&[], &[Act::Request, Act::Send(OK)]).await;
    let stranger = Trust::new(NAME, Authority::new().unwrap().pem()).unwrap();
    let authority = Authority::new().unwrap();
    let elsewhere = Trust::new("elsewhere.test", authority.pem()).unwrap();
    for trust in [stranger, elsewhere] {
        let plan = Plan {
            tls: Some(trust),
            ..one_shot(1)
        };
        let outcome = until(plan, Some(server.address), ended(3)).await;
        assert_all_failed(&outcome, FailureKind::HandshakeFailed);
    }
}

#[tokio::test]
async fn a_server_that_does_not_agree_on_http2_is_refused() {
    let server = serve(&[], &[Act::Request]).await;
    let h2 = Mode::H2 {
        streams: 1,
        every: std::time::Duration::from_millis(1),
        slow: None,
    };
    let outcome = requests(super::plan(h2), &server, 3).await;
    assert_all_failed(&outcome, FailureKind::HandshakeFailed);
    let detail = &outcome.failures.examples()[0].detail;
    assert!(detail.contains("ALPN"), "{detail}");
}
