//! The pods of a Deployment that are not gone.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use tokio_util::sync::CancellationToken;

use super::address::PodAddress;
use super::deployment::Member;
use rehearse_platform::{Condition, PodId};

/// A pod that is not gone.
pub(crate) struct Live {
    pub(crate) revision: u32,
    pub(crate) ready: bool,
    pub(crate) address: PodAddress,
    /// Cancelled when it is deleted.
    pub(crate) deleted: CancellationToken,
    /// Whether its image does not exist: nothing runs in it.
    pub(crate) broken: bool,
}

impl Live {
    /// What its endpoint is at this moment.
    pub(crate) fn condition(&self) -> Condition {
        match (self.ready, self.deleted.is_cancelled()) {
            (true, false) => Condition::Ready,
            (true, true) => Condition::Terminating,
            (false, _) => Condition::NotServing,
        }
    }
}

/// All of them.
#[derive(Default)]
pub(crate) struct Roster(BTreeMap<PodId, Live>);

impl Roster {
    /// Those that are not deleted.
    pub(crate) fn members(&self) -> Vec<Member> {
        let kept = self.0.iter().filter(|(_, pod)| !pod.deleted.is_cancelled());
        kept.map(|(&id, pod)| Member {
            id,
            revision: pod.revision,
            ready: pod.ready,
        })
        .collect()
    }
}

impl Deref for Roster {
    type Target = BTreeMap<PodId, Live>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Roster {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
