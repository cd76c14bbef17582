//! A network that takes time: what the client does not see yet, it cannot heed.

use super::server::{Act, Server};
use super::*;

/// Longer than any test runs: the end of a connection is never seen.
const NEVER: Duration = Duration::from_secs(600);

fn ok() -> Act {
    Act::Send(OK.to_owned())
}

fn far(rtt: Duration, plan: Plan) -> Plan {
    Plan { rtt, ..plan }
}

#[tokio::test]
async fn a_request_within_a_round_trip_of_an_unannounced_fin_is_sent_and_lost() {
    let server = Server::start(|_| vec![Act::Request, ok(), Act::Fin]).await;
    let outcome = requests(far(NEVER, keep_alive(100)), &server, 6).await;
    let lost = outcome.failures.count(FailureKind::ClosedBeforeResponse);
    assert_eq!(lost, outcome.failures.total(), "{outcome:?}");
    assert!(
        lost >= 3 && outcome.complete.abs_diff(lost) <= 1,
        "{outcome:?}"
    );
    assert_eq!((outcome.crossed, outcome.reconnects), (lost, 0));
    // What crosses really reaches the server, which can count it.
    assert_eq!(server.heads().len() as u64, outcome.requests);
    let unused = outcome.complete - lost;
    assert!(
        outcome.unannounced_closes.abs_diff(lost) <= unused,
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_request_that_meets_a_reset_is_lost_as_well() {
    let server = Server::start(|_| vec![Act::Request, ok(), Act::Reset]).await;
    let outcome = requests(far(NEVER, keep_alive(100)), &server, 4).await;
    assert_eq!(outcome.crossed, outcome.failures.total(), "{outcome:?}");
    assert!(outcome.crossed >= 2, "{outcome:?}");
}

#[tokio::test]
async fn a_fin_is_seen_a_round_trip_later() {
    let rtt = Duration::from_millis(50);
    let server = Server::start(|_| vec![Act::Request, ok(), Act::Fin]).await;
    let outcome = requests(far(rtt, keep_alive(400)), &server, 4).await;
    assert_none_failed(&outcome);
    assert!(outcome.reconnects >= 3, "{}", outcome.reconnects);
    // The last end may come right before the stop, and is not seen any more.
    assert!(outcome.unannounced_closes - outcome.reconnects <= 1);
    assert_eq!(outcome.crossed, 0);
}

#[tokio::test]
async fn what_was_to_be_expected_is_the_share_of_a_second_that_the_round_trip_is() {
    let rtt = Duration::from_millis(50);
    let server = Server::start(|_| vec![Act::Request, ok(), Act::Fin]).await;
    let outcome = requests(far(rtt, keep_alive(400)), &server, 5).await;
    // Each of the requests starts some 400 ms after the end of the connection before, and the ones
    // from the third on some 800 ms after another.
    assert!(
        outcome.at_risk >= 5 && outcome.at_risk <= 2 * outcome.requests,
        "{outcome:?}"
    );
    let share = outcome.at_risk as f64 * 0.05;
    assert!(
        (outcome.expected_crossed - share).abs() < 1e-9,
        "{outcome:?}"
    );
    let server = Server::start(|_| vec![Act::Request, ok(), Act::Fin]).await;
    let late = requests(far(rtt, keep_alive(1_200)), &server, 3).await;
    assert_eq!((late.at_risk, late.expected_crossed), (0, 0.0), "{late:?}");
    assert!(late.unannounced_closes >= 2, "{late:?}");
}

#[tokio::test]
async fn an_end_that_was_announced_is_known_however_far_the_server_is() {
    let goodbye = OK.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    let server =
        Server::start(move |_| vec![Act::Request, Act::Send(goodbye.clone()), Act::Fin]).await;
    let outcome = requests(far(NEVER, keep_alive(1)), &server, 10).await;
    assert_none_failed(&outcome);
    assert_eq!((outcome.unannounced_closes, outcome.at_risk), (0, 0));
}

/// Clients that think for as long as a server keeps them.
#[tokio::test]
async fn a_server_that_ends_idle_connections_without_a_word_loses_on_loopback_too() {
    let kept = Act::Stall(Duration::from_millis(300));
    let server = Server::start(move |_| vec![Act::Request, ok(), kept.clone(), Act::Fin]).await;
    let plan = Plan {
        clients: 100,
        ..far(Duration::from_millis(10), keep_alive(300))
    };
    let outcome = requests(plan, &server, 2_000).await;
    assert!(outcome.crossed > 0, "{outcome:?}");
    assert_eq!(outcome.crossed, outcome.failures.total(), "{outcome:?}");
    assert!(outcome.expected_crossed > 1.0, "{outcome:?}");
}

#[tokio::test]
async fn a_post_is_one_piece_with_its_body() {
    let server = Server::start(|_| vec![Act::Request, ok(), Act::Fin]).await;
    let plan = plan(Mode::KeepAlive {
        think: Think::Steady(Duration::from_millis(200)),
        method: Method::Post,
    });
    let outcome = requests(plan, &server, 2).await;
    assert_none_failed(&outcome);
    let head = &server.heads()[0];
    assert!(head.starts_with("POST / HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("content-length: 5\r\n"), "{head}");
}
