use super::*;

/// A deployment without processes: pods become ready when the test says so.
struct Rehearsed {
    spec: Spec,
    revision: u32,
    members: Vec<Member>,
    next: PodId,
}

impl Rehearsed {
    fn ready(spec: Spec) -> Self {
        let replicas = spec.replicas as PodId;
        let members = (1..=replicas)
            .map(|id| Member {
                id,
                revision: 1,
                ready: true,
            })
            .collect();
        Self {
            spec,
            revision: 1,
            members,
            next: replicas + 1,
        }
    }

    fn reconcile(&mut self) {
        loop {
            let actions = reconcile(self.spec, self.revision, &self.members);
            if actions.is_empty() {
                return;
            }
            for action in actions {
                match action {
                    Action::Delete(id) => self.members.retain(|m| m.id != id),
                    Action::Create => {
                        let (id, revision) = (self.next, self.revision);
                        self.members.push(Member {
                            id,
                            revision,
                            ready: false,
                        });
                        self.next += 1;
                    }
                }
            }
            self.check();
        }
    }

    fn check(&self) {
        let ready = self.members.iter().filter(|m| m.ready).count();
        let Spec {
            replicas,
            max_surge,
            max_unavailable,
        } = self.spec;
        assert!(
            self.members.len() <= replicas + max_surge,
            "surge exceeded: {:?}",
            self.members
        );
        assert!(
            ready + max_unavailable >= replicas,
            "too few ready: {:?}",
            self.members
        );
    }

    fn rolled_out(&self) -> bool {
        let current = self
            .members
            .iter()
            .filter(|m| m.revision == self.revision && m.ready);
        current.count() == self.spec.replicas && self.members.len() == self.spec.replicas
    }
}

fn spec(replicas: usize, max_surge: usize, max_unavailable: usize) -> Spec {
    Spec {
        replicas,
        max_surge,
        max_unavailable,
    }
}

#[test]
fn rolling_updates_end_and_never_exceed_surge_or_unavailable() {
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (surge, unavailable) = (rng.usize(0..5), rng.usize(0..5));
        let spec = spec(
            rng.usize(1..15),
            surge.max(usize::from(unavailable == 0)),
            unavailable,
        );
        let mut d = Rehearsed::ready(spec);
        for _ in 0..3 {
            d.revision += 1;
            d.reconcile();
            while !d.rolled_out() {
                let waiting: Vec<usize> = (0..d.members.len())
                    .filter(|i| !d.members[*i].ready)
                    .collect();
                let i = rng
                    .choice(waiting)
                    .expect("a rollout that waits for nobody is stuck");
                d.members[i].ready = true;
                d.reconcile();
            }
        }
    }
}

#[test]
fn a_rollout_starts_as_far_as_kubernetes_defaults_allow() {
    let mut d = Rehearsed::ready(spec(10, 3, 2));
    d.revision = 2;
    d.reconcile();
    let new = d.members.iter().filter(|m| m.revision == 2).count();
    assert_eq!(
        (new, d.members.len()),
        (5, 13),
        "two deleted at once make room for two more"
    );
}

#[test]
fn without_unavailable_a_pod_goes_only_when_its_replacement_is_ready() {
    let mut d = Rehearsed::ready(spec(1, 1, 0));
    d.revision = 2;
    d.reconcile();
    assert_eq!(d.members.len(), 2);
    d.members[1].ready = true;
    d.reconcile();
    assert_eq!(d.members.iter().map(|m| m.id).collect::<Vec<_>>(), [2]);
}

#[test]
fn scaling_down_deletes_the_youngest_at_once() {
    let mut d = Rehearsed::ready(spec(20, 5, 5));
    d.spec.replicas = 1;
    let deleted = reconcile(d.spec, 1, &d.members);
    assert_eq!(deleted.len(), 19);
    d.reconcile();
    assert_eq!(d.members[0].id, 1);
}

#[test]
fn scaling_up_creates_what_is_missing() {
    let d = Rehearsed::ready(spec(2, 1, 0));
    assert_eq!(reconcile(spec(5, 1, 0), 1, &d.members), [Action::Create; 3]);
}

#[test]
fn a_deleted_pod_is_replaced_at_once_whatever_the_surge() {
    let mut d = Rehearsed::ready(spec(3, 0, 1));
    d.members.remove(1);
    assert_eq!(reconcile(d.spec, 1, &d.members), [Action::Create]);
}

#[test]
fn an_old_pod_that_is_not_ready_goes_first() {
    let mut d = Rehearsed::ready(spec(4, 1, 1));
    d.members[0].ready = false;
    d.revision = 2;
    let actions = reconcile(d.spec, 2, &d.members);
    assert!(actions.contains(&Action::Delete(1)), "{actions:?}");
}
