//! What a Deployment's controller decides: which pods to create, which to delete.

use rehearse_platform::PodId;

/// How many replicas, and how far a rolling update may stray from that number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The replicas wanted.
    pub replicas: usize,
    /// How many pods more than that may exist (terminating ones do not count).
    pub max_surge: usize,
    /// How many of them may be missing or not ready.
    pub max_unavailable: usize,
}

/// A pod that has not been deleted, as the controller sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number; a higher one is younger.
    pub id: PodId,
    /// The revision of the template it was made from.
    pub revision: u32,
    /// Whether its readiness probe passes.
    pub ready: bool,
}

/// One decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Create a pod of the current revision.
    Create,
    /// Delete this pod.
    Delete(PodId),
}

/// Decides as the Deployment controller's rolling update does: the new ReplicaSet is scaled up as
/// far as the surge permits, the old one down as far as enough pods stay ready. To be called again
/// after each change of a member, until nothing is left to do.
pub fn reconcile(spec: Spec, revision: u32, members: &[Member]) -> Vec<Action> {
    let (new, old): (Vec<_>, Vec<_>) = members.iter().partition(|m| m.revision == revision);
    let mut actions = Vec::new();

    let room = (spec.replicas + spec.max_surge).saturating_sub(members.len());
    let created = spec.replicas.saturating_sub(new.len()).min(room);
    actions.extend(std::iter::repeat_n(Action::Create, created));

    if new.len() > spec.replicas {
        actions.extend(victims(&new, new.len() - spec.replicas));
    }
    actions.extend(victims(&old, deletable(spec, &new, &old)));
    actions
}

/// How many old pods can go. One that is not ready serves nobody: it goes before any that is, yet
/// within the same limit, because new pods may be about to need its place.
fn deletable(spec: Spec, new: &[&Member], old: &[&Member]) -> usize {
    let enough = spec.replicas.saturating_sub(spec.max_unavailable);
    let ready = |members: &[&Member]| members.iter().filter(|m| m.ready).count();
    let new_kept = new.len().min(spec.replicas);
    let new_ready = ready(new).min(new_kept);
    let spare = (old.len() + new_ready).saturating_sub(enough);
    let unready = old.len() - ready(old);
    let spare_ready = (ready(old) + new_ready).saturating_sub(enough);
    spare.min(unready + spare_ready).min(old.len())
}

/// The pods to delete first: those that serve nobody, then the youngest.
fn victims(members: &[&Member], count: usize) -> impl Iterator<Item = Action> + use<> {
    let mut order: Vec<Member> = members.iter().map(|m| **m).collect();
    order.sort_unstable_by_key(|m| (m.ready, std::cmp::Reverse(m.id)));
    order.into_iter().take(count).map(|m| Action::Delete(m.id))
}

#[cfg(test)]
#[path = "deployment_tests.rs"]
mod tests;
