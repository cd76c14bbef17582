//! The connection between requests, the schedule, and the stop.

use std::net::TcpListener;
use std::time::Duration;

use tokio::time::Instant;

use super::super::connection::{Connection, Idle};
use super::super::schedule::{Pace, Schedule};
use super::server::{Act, Server, repeated};
use super::*;

fn ok() -> Act {
    Act::Send(OK.to_owned())
}

fn steady() -> Vec<Act> {
    repeated(&[Act::Request, ok()])
}

#[tokio::test]
async fn a_connection_is_kept_and_belongs_to_one_client() {
    let server = Server::start(|_| steady()).await;
    let plan = Plan {
        clients: 3,
        ..keep_alive(50)
    };
    let outcome = until(plan, Some(server.address), |_| {
        server.connections() == 3 && server.heads().len() >= 60
    })
    .await;
    assert_none_failed(&outcome);
    assert_eq!(server.connections(), 3);
    assert_eq!(server.heads().len() as u64, outcome.requests);
    assert_eq!(outcome.reconnects, 0);
}

#[tokio::test]
async fn a_fin_while_idle_is_a_reconnect_and_no_failure() {
    let server = Server::start(|_| vec![Act::Request, ok(), Act::Fin]).await;
    let outcome = requests(keep_alive(400), &server, 3).await;
    assert_none_failed(&outcome);
    assert_eq!(server.heads().len() as u64, outcome.requests);
    assert!(
        outcome.reconnects >= 2 && outcome.unannounced_closes - outcome.reconnects <= 1,
        "{}, {}",
        outcome.reconnects,
        outcome.unannounced_closes
    );
}

#[tokio::test]
async fn a_fin_is_answered_while_the_client_still_thinks() {
    const THINK: u64 = 600_000;
    // A seed whose first request is due soon, because the second never will be.
    let (now, pace) = (Instant::now(), Pace::steady(Duration::from_millis(THINK)));
    let soon = |seed: &u64| Schedule::new(*seed, 0).first(now, pace) < now + HANGS / 600;
    let plan = Plan {
        seed: (0..).find(soon).unwrap(),
        ..keep_alive(THINK)
    };
    let server = Server::start(|_| vec![Act::Request, ok(), Act::Fin]).await;
    let outcome = until(plan, Some(server.address), |progress| {
        progress.requests.load(Ordering::Relaxed) == 1 && server.open() == 0
    })
    .await;
    assert_eq!(
        (
            outcome.complete,
            outcome.reconnects,
            outcome.unannounced_closes
        ),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn a_fin_after_a_request_on_a_kept_connection_is_a_failure_and_not_retried() {
    let server = Server::start(|_| vec![Act::Request, ok(), Act::Request, Act::Fin]).await;
    let outcome = requests(keep_alive(1), &server, 10).await;
    let closed = outcome.failures.count(FailureKind::ClosedBeforeResponse);
    assert_eq!(closed, outcome.failures.total());
    assert!(
        closed >= 5 && outcome.complete.abs_diff(closed) <= 1,
        "{outcome:?}"
    );
    assert_eq!(server.heads().len() as u64, outcome.requests);
    assert_eq!(outcome.reconnects, 0);
}

#[tokio::test]
async fn a_client_that_is_told_to_leave_leaves() {
    let goodbye = OK.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    let server = Server::start(move |_| vec![Act::Request, Act::Send(goodbye.clone())]).await;
    let outcome = requests(keep_alive(1), &server, 10).await;
    assert_none_failed(&outcome);
    assert_eq!(server.connections() as u64, outcome.requests);
    assert_eq!(outcome.reconnects, outcome.requests);
    assert_eq!(outcome.unannounced_closes, 0);
}

#[tokio::test]
async fn a_body_until_the_fin_is_complete_with_it() {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello".to_owned();
    let server =
        Server::start(move |_| vec![Act::Request, Act::Send(head.clone()), Act::Fin]).await;
    let plan = Plan {
        expect: Some("hello".into()),
        ..keep_alive(1)
    };
    assert_none_failed(&requests(plan, &server, 5).await);
}

#[tokio::test]
async fn an_interim_response_is_not_the_answer() {
    let both = format!("HTTP/1.1 100 Continue\r\n\r\n{OK}");
    let server = Server::start(move |_| repeated(&[Act::Request, Act::Send(both.clone())])).await;
    let outcome = requests(keep_alive(1), &server, 5).await;
    assert_none_failed(&outcome);
    assert_eq!(server.connections(), 1);
}

/// This test never yields, so that tokio's reactor cannot have seen the FIN.
#[tokio::test]
async fn the_kernel_is_asked_whether_a_connection_has_ended() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let address = listener.local_addr().unwrap();
    let mut connection = Connection::open(address, deadline, None, None)
        .await
        .unwrap();
    let (accepted, _) = listener.accept().unwrap();
    assert!(matches!(connection.idle(), Idle::Quiet));
    drop(accepted);
    while matches!(connection.idle(), Idle::Quiet) {
        assert!(Instant::now() < deadline, "the FIN was never seen");
        std::thread::yield_now();
    }
    assert!(matches!(connection.idle(), Idle::Ended(_)));
}

#[tokio::test]
async fn latency_counts_from_the_intended_start() {
    let stall = Act::Stall(Duration::from_millis(500));
    let server = Server::start(move |n| match n {
        0 => vec![Act::Request, stall.clone(), ok()],
        _ => steady(),
    })
    .await;
    let outcome = requests(one_shot(20), &server, 40).await;
    assert_none_failed(&outcome);
    // One request met the stall; those that fell due behind it waited as well. Some 17 of them
    // waited 150 ms or more, and a busy machine can only make it more.
    let behind = outcome.latency.count_between(150_000, u64::MAX);
    assert!(
        behind >= 10,
        "{behind} of {} saw the stall",
        outcome.complete
    );
    assert!(outcome.max_ms() >= 500.0);
}

#[tokio::test]
async fn the_stop_finishes_the_request_in_the_air_and_counts_what_it_kept_from_starting() {
    let stall = Act::Stall(Duration::from_millis(500));
    let server = Server::start(move |_| vec![Act::Request, stall.clone(), ok()]).await;
    let begun = Instant::now();
    let outcome = until(one_shot(20), Some(server.address), |_| {
        server.heads().len() == 1 && begun.elapsed() >= Duration::from_millis(300)
    })
    .await;
    assert_eq!(
        (outcome.requests, outcome.complete, server.heads().len()),
        (1, 1, 1)
    );
    assert!(outcome.unstarted >= 5, "{outcome:?}");
}

#[tokio::test]
async fn dropping_a_run_ends_its_clients() {
    let server = Server::start(|_| vec![Act::Request]).await;
    let endpoints = Arc::new(Fixed(Some(server.address)));
    let plan = Plan {
        clients: 5,
        ..keep_alive(1)
    };
    let mut running = Box::pin(run(
        plan,
        endpoints,
        Arc::default(),
        CancellationToken::new(),
        CancellationToken::new(),
    ));
    let all_in_the_air = async {
        while server.heads().len() < 5 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        outcome = &mut running => panic!("ended without a stop: {outcome:?}"),
        () = all_in_the_air => {}
    }
    drop(running);
    while server.open() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
