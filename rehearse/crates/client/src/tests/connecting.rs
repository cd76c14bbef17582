//! Failures to connect, and connections that end as they begin.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};

use super::*;

#[tokio::test]
async fn no_listener_and_no_endpoint_are_connect_refused() {
    // Bound and not listening: nobody else can take the port meanwhile.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    for address in [Some(socket.local_addr().unwrap()), None] {
        let outcome = until(one_shot(1), address, ended(3)).await;
        assert_all_failed(&outcome, FailureKind::ConnectRefused);
    }
}

#[tokio::test]
async fn a_full_accept_queue_is_connect_timeout() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    let patience = Duration::from_millis(300);
    while let Ok(connected) = tokio::time::timeout(patience, TcpStream::connect(address)).await {
        queued.push(connected.unwrap());
    }
    let plan = Plan {
        timeout: Duration::from_millis(100),
        ..one_shot(1)
    };
    let outcome = until(plan, Some(address), ended(2)).await;
    assert_all_failed(&outcome, FailureKind::ConnectTimeout);
}

#[tokio::test]
async fn an_address_that_no_tcp_can_reach_is_connect_other() {
    let broadcast = Some("255.255.255.255:9".parse().unwrap());
    let outcome = until(one_shot(1), broadcast, ended(2)).await;
    assert_all_failed(&outcome, FailureKind::ConnectOther);
}

/// A server in a thread of its own is fast enough to be seen before the request is written.
#[tokio::test]
async fn a_connection_ended_at_once_is_one_failure_however_early_it_is_seen() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, accepted) = (listener.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
    let counter = Arc::clone(&accepted);
    std::thread::spawn(move || {
        while let Ok(accepted) = listener.accept() {
            counter.fetch_add(1, Ordering::SeqCst);
            drop(accepted);
        }
    });
    let outcome = until(one_shot(1), Some(address), ended(500)).await;
    assert_eq!((outcome.complete, outcome.reconnects), (0, 0));
    assert_eq!(accepted.load(Ordering::SeqCst), outcome.requests);
}
