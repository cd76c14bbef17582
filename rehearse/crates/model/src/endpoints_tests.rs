use std::collections::BTreeSet;

use super::*;

fn address(pod: PodId) -> SocketAddr {
    SocketAddr::from(([127, 9, 0, pod as u8], 8080))
}

fn pod(address: SocketAddr) -> PodId {
    match address {
        SocketAddr::V4(v4) => v4.ip().octets()[3].into(),
        SocketAddr::V6(_) => unreachable!("only IPv4 addresses are made here"),
    }
}

struct Timeline {
    start: Instant,
    list: EndpointList,
}

impl Timeline {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            list: EndpointList::default(),
        }
    }

    fn change(&mut self, visible_ms: u64, pod: PodId, condition: Condition) -> &mut Self {
        let at = self.start + Duration::from_millis(visible_ms);
        self.list.change(pod, address(pod), condition, at);
        self
    }

    fn at(&mut self, ms: u64) -> Vec<PodId> {
        let candidates = self.list.candidates(self.start + Duration::from_millis(ms));
        candidates.into_iter().map(pod).collect()
    }
}

use Condition::{Gone, NotServing, Ready, Terminating};

#[test]
fn a_change_is_unknown_until_it_has_propagated() {
    let mut t = Timeline::new();
    t.change(500, 1, Ready);
    assert!(t.at(499).is_empty());
    assert_eq!(t.at(500), [1]);
}

#[test]
fn a_deleted_pod_gets_connections_until_the_node_knows() {
    let mut t = Timeline::new();
    t.change(0, 1, Ready)
        .change(0, 2, Ready)
        .change(900, 1, Terminating);
    assert_eq!(t.at(899), [1, 2]);
    assert_eq!(t.at(900), [2]);
}

#[test]
fn with_none_ready_the_serving_terminating_take_over() {
    let mut t = Timeline::new();
    t.change(0, 1, Ready).change(0, 2, Ready);
    t.change(100, 1, Terminating)
        .change(200, 2, Terminating)
        .change(700, 3, Ready);
    assert_eq!(t.at(150), [2]);
    assert_eq!(
        t.at(200),
        [1, 2],
        "the fallback takes all that terminate and serve"
    );
    assert_eq!(t.at(700), [3], "a ready one ends the fallback");
}

#[test]
fn a_terminating_pod_that_fails_its_probe_gives_the_fallback_up() {
    let mut t = Timeline::new();
    t.change(0, 1, Ready)
        .change(100, 1, Terminating)
        .change(300, 1, NotServing);
    assert_eq!(t.at(200), [1]);
    assert!(t.at(300).is_empty());
}

#[test]
fn a_deletion_is_never_known_before_the_replacement_that_it_waited_for() {
    let mut t = Timeline::new();
    t.change(0, 1, Ready)
        .change(900, 2, Ready)
        .change(200, 1, Terminating);
    assert_eq!(t.at(899), [1]);
    assert_eq!(t.at(900), [2]);
}

#[test]
fn changes_of_one_pod_never_overtake_one_another() {
    let mut t = Timeline::new();
    t.change(900, 1, Ready).change(200, 1, Terminating);
    assert!(t.at(500).is_empty());
    assert_eq!(t.at(900), [1], "as a fallback: it is known to terminate");
}

#[test]
fn a_pod_that_is_gone_leaves_nothing_behind() {
    let mut t = Timeline::new();
    t.change(0, 1, Ready).change(10, 1, Gone);
    assert!(t.at(20).is_empty());
    assert!(t.list.entries.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_router_learns_within_the_longest_delay() {
    let propagation = Propagation::default();
    let router = Router::new(propagation, 1);
    let delay = router.announce(1, address(1), Ready);
    assert_eq!(router.pick(), None);
    assert!(!router.is_settled());
    tokio::time::advance(delay).await;
    assert_eq!(router.pick(), Some(address(1)));
    assert!(router.is_settled() && delay <= propagation.max());
}

#[tokio::test(start_paused = true)]
async fn a_seeded_router_repeats_its_delays_and_its_choices() {
    async fn run(seed: u64) -> (Vec<Duration>, Vec<SocketAddr>) {
        let router = Router::new(Propagation::default(), seed);
        let delays = (1..=9)
            .map(|pod| router.announce(pod, address(pod), Ready))
            .collect();
        tokio::time::advance(Duration::from_secs(2)).await;
        (delays, (0..40).filter_map(|_| router.pick()).collect())
    }
    let (first, again, other) = (run(5).await, run(5).await, run(6).await);
    assert_eq!(first, again);
    assert_ne!(first, other);
    let used: BTreeSet<_> = first.1.iter().collect();
    assert!(
        used.len() > 5,
        "connections spread over the endpoints, not {used:?}"
    );
}
