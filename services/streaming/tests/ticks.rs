//! No event is lost or doubled between replicas. The clock is tokio's, paused, so no test waits.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};
use streaming::ticks::{self, Clock};
use tokio::time::{Instant, sleep};

const INTERVAL: Duration = Duration::from_millis(100);
/// The unix time at which each test begins, 30 ms after an event.
const BEGIN: Duration = Duration::from_millis(1_700_000_000_030);
const PRESENT: u64 = 17_000_000_000;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A stream from a replica by whose clock the time is `now`.
fn replica(
    now: Duration,
    first: u64,
    told: impl Future<Output = ()>,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    ticks::stream(Clock::at(INTERVAL, now), first, told)
}

/// A stream to its end, as a client reads it: the events' ids. The end must be the hint.
async fn read(stream: impl Stream<Item = Result<Bytes, Infallible>>) -> Vec<u64> {
    let chunks: Vec<_> = stream.filter_map(async |chunk| chunk.ok()).collect().await;
    let text = String::from_utf8(chunks.concat()).expect("events are text");
    ids(text.strip_suffix("retry: 100\n\n").expect("a hint is last"))
}

/// The ids of events, each of which must be whole.
fn ids(events: &str) -> Vec<u64> {
    let id = |event: &str| {
        let (_, id) = event.rsplit_once(' ').expect("an event ends in its data");
        assert_eq!(event, format!("id: {id}\nevent: tick\ndata: {id}"));
        id.parse().expect("an id is a number")
    };
    events.split_terminator("\n\n").map(id).collect()
}

fn consecutive(first: u64, count: usize) -> Vec<u64> {
    (first..).take(count).collect()
}

#[tokio::test(start_paused = true)]
async fn a_told_stream_ends_with_a_hint() {
    let ids = read(replica(BEGIN, PRESENT, sleep(ms(250)))).await;
    assert_eq!(ids, consecutive(PRESENT, 3));
}

#[tokio::test(start_paused = true)]
async fn a_stream_born_in_the_drain_ends_at_once() {
    let ids = read(replica(BEGIN, PRESENT - 9, async {})).await;
    assert_eq!(ids, consecutive(PRESENT - 9, 0));
}

#[tokio::test(start_paused = true)]
async fn an_event_is_sent_when_it_is_due_and_not_before() {
    let mut events = Box::pin(replica(BEGIN, PRESENT + 1, pending()));
    let start = Instant::now();
    events.next().await;
    assert_eq!(start.elapsed(), ms(70));
    events.next().await;
    assert_eq!(start.elapsed(), ms(170));
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_comes_at_once_in_chunks_of_bounded_size() {
    let start = Instant::now();
    let mut events = Box::pin(replica(BEGIN, PRESENT - 1999, pending()));
    let mut missed = Vec::new();
    while missed.len() < 2000 {
        let Ok(chunk) = events
            .next()
            .await
            .expect("a stream that is not told goes on");
        assert!(chunk.len() < 64 * 1024);
        missed.extend(ids(&String::from_utf8_lossy(&chunk)));
    }
    assert_eq!(missed, consecutive(PRESENT - 1999, 2000));
    // A chunk costs the timer's resolution at most, and no event fell due meanwhile.
    assert!(start.elapsed() <= ms(4), "{:?}", start.elapsed());
}

/// What a client gets that one replica's stream tells to go after `told`, and that comes back to
/// another replica. Their clocks show `unix` and are ahead of that by `ahead`, each by its own.
async fn handed_over(interval: Duration, ahead: [Duration; 2], told: Duration) -> (u64, Vec<u64>) {
    let start = Instant::now();
    let clock = |ahead| Clock::at(interval, BEGIN + ahead + start.elapsed());
    let one = clock(ahead[0]);
    let first = one.latest();
    let mut ids = read(ticks::stream(one, first, sleep(told))).await;
    let next = ids.last().map_or(first, |last| last + 1);
    let rest = read(ticks::stream(clock(ahead[1]), next, sleep(ms(1_300)))).await;
    assert!(!rest.is_empty());
    ids.extend(rest);
    (first, ids)
}

/// The first replica is told at each millisecond in turn, the moment at which an event is due
/// among them; each clock is read at a moment of its own, and one may be ahead.
#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_doubled_wherever_the_stream_is_told() {
    let (zero, tick) = (Duration::ZERO, Duration::from_nanos(1));
    let apart = [zero, tick, ms(1) - tick, ms(3), ms(35), ms(1_000)];
    for interval in [1, 5, 7, 10, 100].map(ms) {
        for by in apart {
            for ahead in [[zero, by], [by, zero]] {
                for told in (20..=31).map(ms).map(|told| told + interval * 2) {
                    let (first, ids) = handed_over(interval, ahead, told).await;
                    let all = consecutive(first, ids.len());
                    assert!(ids == all, "{interval:?} {ahead:?} {told:?}: {ids:?}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_from_a_clock_ahead_is_waited_for() {
    let mut events = Box::pin(replica(BEGIN, PRESENT + 20, pending()));
    let start = Instant::now();
    events.next().await;
    assert_eq!(start.elapsed(), ms(70 + 1900));
}
