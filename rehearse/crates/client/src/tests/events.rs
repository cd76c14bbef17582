//! Event streams: resumed where they ended, nothing lost, nothing doubled.

use std::ops::RangeInclusive;

use super::server::{Act, Server};
use super::*;

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
                    transfer-encoding: chunked\r\n\r\n";
const END: &str = "0\r\n\r\n";

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

fn ticks(ids: RangeInclusive<u64>) -> String {
    ids.map(|id| chunk(&format!("id: {id}\nevent: tick\ndata: {id}\n\n")))
        .collect()
}

fn stream(parts: &[&str]) -> Vec<Act> {
    vec![Act::Request, Act::Send(HEAD.to_owned() + &parts.concat())]
}

/// Runs one client until `enough` streams have ended and `ids` came, each by each.
async fn follow(server: &Server, streams: u64, events: u64) -> Outcome {
    until(plan(Mode::Events), Some(server.address), |progress| {
        progress.requests.load(Ordering::Relaxed) >= streams
            && progress.events.load(Ordering::Relaxed) >= events
    })
    .await
}

#[tokio::test]
async fn a_stream_is_resumed_where_it_ended() {
    let server = Server::start(|n| match n {
        0 => stream(&[&chunk(": hello\nretry: 10\n\n"), &ticks(5..=7), END]),
        1 => stream(&[&ticks(8..=9), END]),
        _ => stream(&[&ticks(10..=10)]),
    })
    .await;
    let outcome = follow(&server, 2, 6).await;
    assert_none_failed(&outcome);
    // The third is closed by the stop, and that is no failure.
    assert_eq!(
        (outcome.requests, outcome.events, outcome.reconnects),
        (3, 6, 2)
    );
    let heads = server.heads();
    assert!(!heads[0].contains("last-event-id"));
    assert!(heads[1].contains("last-event-id: 7\r\n") && heads[2].contains("last-event-id: 9\r\n"));
}

#[tokio::test]
async fn a_gap_within_a_stream_or_between_two_is_events_lost() {
    let within = stream(&[&ticks(5..=6), &ticks(9..=9)]);
    let between = [stream(&[&ticks(5..=6), END]), stream(&[&ticks(9..=9)])];
    for (streams, script) in [(1, vec![within]), (2, between.to_vec())] {
        let hold = stream(&[]);
        let server = Server::start(move |n| script.get(n).unwrap_or(&hold).clone()).await;
        let outcome = follow(&server, streams, 2).await;
        assert_eq!(
            outcome.failures.count(FailureKind::EventsLost),
            1,
            "{outcome:?}"
        );
        assert_eq!((outcome.failures.total(), outcome.events_missing), (1, 2));
    }
}

#[tokio::test]
async fn an_event_sent_again_is_events_doubled() {
    let within = stream(&[&ticks(5..=6), &ticks(6..=6)]);
    let between = [stream(&[&ticks(5..=6), END]), stream(&[&ticks(5..=7)])];
    for (streams, script) in [(1, vec![within]), (2, between.to_vec())] {
        let hold = stream(&[]);
        let server = Server::start(move |n| script.get(n).unwrap_or(&hold).clone()).await;
        let outcome = follow(&server, streams, 2).await;
        assert_eq!(
            outcome.failures.count(FailureKind::EventsDoubled),
            1,
            "{outcome:?}"
        );
        assert_eq!((outcome.failures.total(), outcome.events), (1, 2));
    }
}

#[tokio::test]
async fn an_event_that_comes_late_is_out_of_order_and_no_longer_missing() {
    let streams = [
        stream(&[&ticks(1..=2), &ticks(5..=5)]),
        stream(&[&ticks(3..=3)]),
        stream(&[&ticks(3..=3)]),
    ];
    let hold = stream(&[&ticks(6..=9)]);
    let server = Server::start(move |n| streams.get(n).unwrap_or(&hold).clone()).await;
    let outcome = follow(&server, 3, 6).await;
    let kinds = [
        FailureKind::EventsLost,
        FailureKind::EventsMisplaced,
        FailureKind::EventsDoubled,
    ];
    let counts = kinds.map(|kind| outcome.failures.count(kind));
    assert_eq!((counts, outcome.failures.total()), ([1, 1, 1], 3));
    // Of 3 and 4 only 3 came.
    let [missing, misplaced] = [outcome.events_missing, outcome.events_misplaced];
    assert_eq!((missing, misplaced, outcome.events_doubled), (1, 1, 1));
    assert_eq!((outcome.events, outcome.events_fewest), (6, Some(6)));
}

#[tokio::test]
async fn a_stream_without_its_end_marker_is_cut_in_body_and_resumed() {
    let server = Server::start(|n| match n {
        0 => [stream(&[&ticks(1..=2), &chunk("id: 3\n")]), vec![Act::Fin]].concat(),
        _ => stream(&[&ticks(3..=3)]),
    })
    .await;
    let outcome = follow(&server, 1, 3).await;
    assert_eq!(outcome.failures.count(FailureKind::CutInBody), 1);
    assert_eq!(
        (outcome.requests, outcome.complete, outcome.events),
        (2, 1, 3)
    );
    assert!(server.heads()[1].contains("last-event-id: 2\r\n"));
}

#[tokio::test]
async fn what_is_no_stream_of_counted_events_is_told_apart() {
    let other = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n";
    let endless = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let unnumbered = HEAD.to_owned() + &chunk("data: 1\n\n");
    let unequal = HEAD.to_owned() + &chunk("id: 1\ndata: 2\n\n");
    for (text, kind) in [
        (other, FailureKind::WrongBody),
        (endless, FailureKind::BadResponse),
        (&unnumbered, FailureKind::WrongBody),
        (&unequal, FailureKind::WrongBody),
    ] {
        let script = vec![Act::Request, Act::Send(text.to_owned())];
        let server = Server::start(move |_| script.clone()).await;
        assert_all_failed(&follow(&server, 2, 0).await, kind);
    }
}

#[tokio::test]
async fn silence_inside_a_stream_is_timeout() {
    let server = Server::start(|_| stream(&[&ticks(1..=1)])).await;
    let plan = Plan {
        timeout: Duration::from_millis(50),
        ..plan(Mode::Events)
    };
    let outcome = requests(plan, &server, 1).await;
    assert!(
        outcome.failures.count(FailureKind::Timeout) >= 1,
        "{outcome:?}"
    );
}
