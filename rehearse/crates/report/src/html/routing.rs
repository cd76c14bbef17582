//! Which pods the clients' node sends new connections to, and when.

use std::collections::BTreeMap;

use super::line::{Condition, Endpoint};

/// Times within which a pod is routed to; the last one may have no end.
pub(super) type Routed = Vec<(f64, Option<f64>)>;

/// Those of each pod, by the changes in the order in which they become known. As kube-proxy does it: to
/// endpoints that are ready, and if there are none, to those that terminate and still serve (KEP-1669).
pub(super) fn routed(changes: &[&Endpoint]) -> BTreeMap<u64, Routed> {
    let mut known: BTreeMap<u64, Condition> = BTreeMap::new();
    let mut routed: BTreeMap<u64, Routed> = BTreeMap::new();
    for change in changes {
        known.insert(change.pod, change.condition);
        let any_ready = known.values().any(|of| *of == Condition::Ready);
        let wanted = match any_ready {
            true => Condition::Ready,
            false => Condition::Terminating,
        };
        for (pod, condition) in &known {
            let times = routed.entry(*pod).or_default();
            let open = times.last_mut().filter(|(_, until)| until.is_none());
            match (open, *condition == wanted) {
                (None, true) => times.push((change.known_ms, None)),
                (Some((_, until)), false) => *until = Some(change.known_ms),
                _ => {}
            }
        }
        known.retain(|_, condition| *condition != Condition::Gone);
    }
    routed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(pod: u64, known_ms: f64, condition: Condition) -> Endpoint {
        Endpoint {
            arm: "service".into(),
            pod,
            announced_ms: known_ms,
            known_ms,
            condition,
        }
    }

    fn times(changes: &[Endpoint], pod: u64) -> Routed {
        let changes: Vec<&Endpoint> = changes.iter().collect();
        routed(&changes).remove(&pod).unwrap()
    }

    #[test]
    fn a_pod_is_routed_to_from_ready_to_its_deletion() {
        let changes = [
            change(1, 1.0, Condition::Ready),
            change(2, 2.0, Condition::Ready),
            change(1, 3.0, Condition::Terminating),
            change(1, 4.0, Condition::Gone),
        ];
        assert_eq!(times(&changes, 1), [(1.0, Some(3.0))]);
        assert_eq!(times(&changes, 2), [(2.0, None)]);
    }

    #[test]
    fn where_no_pod_is_ready_those_that_terminate_are_routed_to() {
        let changes = [
            change(1, 1.0, Condition::Ready),
            change(1, 3.0, Condition::Terminating),
            change(2, 5.0, Condition::Ready),
            change(1, 6.0, Condition::Gone),
        ];
        assert_eq!(times(&changes, 1), [(1.0, Some(5.0))]);
    }
}
