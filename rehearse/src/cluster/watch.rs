//! The watch on the namespace's pods, held open for the whole run.
//!
//! It must be there before a pod ends: a terminated pod's termination message, with its drain
//! report, can be read for 0.2 to 0.7 s, then the pod is gone. Everything else that a rehearsal
//! waits for is read from it, too, so nothing asks again and again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::json_stream::{Change, Event, Splitter};
use super::kubectl::{Kubectl, KubectlError};
use super::pod::{Pod, Terminated};

const ARGS: [&str; 6] = [
    "get",
    "pods",
    "--watch",
    "--output-watch-events",
    "-o",
    "json",
];

/// Between the end of a watch, which API servers close every so often, and the next one.
const PAUSE: Duration = Duration::from_secs(1);

/// A pod and what was seen of it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Its latest state.
    pub(super) pod: Arc<Pod>,
    /// Since when it has been ready, by this machine's clock.
    pub(super) ready_since: Option<Instant>,
    /// How its container ended.
    end: Option<Terminated>,
    /// Whether it was ever started.
    ran: bool,
}

impl Seen {
    /// A pod in this state.
    pub(super) fn new(pod: Pod, ready_since: Option<Instant>) -> Self {
        Self {
            end: pod.end().cloned(),
            ran: pod.has_run(),
            pod: Arc::new(pod),
            ready_since,
        }
    }
}

/// The pods of the namespace by name.
pub(super) type Roster = BTreeMap<String, Seen>;

/// A pod that is gone, and had run.
#[derive(Clone, Debug)]
pub(super) struct Gone {
    /// Its last state.
    pub(super) pod: Arc<Pod>,
    /// How its container ended; `None` if that was not seen.
    pub(super) end: Option<Terminated>,
}

/// Enters an event into the roster; what comes back has left it.
fn enter(roster: &mut Roster, event: Event, now: Instant) -> Option<Gone> {
    let name = event.pod.name().to_owned();
    let before = roster.remove(&name);
    let since = before.as_ref().and_then(|seen| seen.ready_since);
    let since = event.pod.is_ready().then(|| since.unwrap_or(now));
    let mut seen = Seen::new(event.pod, since);
    if let Some(before) = before {
        seen.end = seen.end.or(before.end);
        seen.ran |= before.ran;
    }
    match event.change {
        Change::Added | Change::Modified => {
            roster.insert(name, seen);
            None
        }
        Change::Deleted => {
            let Seen { pod, end, ran, .. } = seen;
            ran.then_some(Gone { pod, end })
        }
        Change::Other => None,
    }
}

/// The watch. Dropping it ends its child.
pub(super) struct Watch {
    pods: watch::Receiver<Roster>,
    gone: Arc<Mutex<Vec<Gone>>>,
    gaps: Arc<AtomicU64>,
    _reader: JoinSet<()>,
}

impl Watch {
    /// Begins to watch.
    ///
    /// # Errors
    /// If `kubectl` cannot be started.
    pub(super) fn start(kubectl: &Kubectl) -> Result<Self, KubectlError> {
        let (publish, pods) = watch::channel(Roster::new());
        let gone: Arc<Mutex<Vec<Gone>>> = Arc::default();
        let gaps: Arc<AtomicU64> = Arc::default();
        let child = kubectl.spawn(&ARGS)?;
        let (kubectl, mut reader) = (kubectl.clone(), JoinSet::new());
        let (told, counted) = (Arc::clone(&gone), Arc::clone(&gaps));
        reader.spawn(async move {
            let mut child = Ok(child);
            loop {
                if let Ok(child) = child {
                    read(child, &publish, &told).await;
                }
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(PAUSE).await;
                child = kubectl.spawn(&ARGS);
            }
        });
        Ok(Self {
            pods,
            gone,
            gaps,
            _reader: reader,
        })
    }

    /// The pods as they come and go.
    pub(super) fn pods(&self) -> watch::Receiver<Roster> {
        self.pods.clone()
    }

    /// Waits until the pods are as wanted. `false`: not within the limit.
    pub(super) async fn until(&self, wanted: impl Fn(&Roster) -> bool, limit: Duration) -> bool {
        let mut pods = self.pods();
        let wait = pods.wait_for(wanted);
        matches!(tokio::time::timeout(limit, wait).await, Ok(Ok(_)))
    }

    /// The pods that have gone since the last call.
    pub(super) fn take_gone(&self) -> Vec<Gone> {
        std::mem::take(&mut *self.gone.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How often it had to be begun anew; pods that went meanwhile are not known of.
    pub(super) fn gaps(&self) -> u64 {
        self.gaps.load(Ordering::Relaxed)
    }
}

/// Reads one child to its end.
async fn read(mut child: Child, publish: &watch::Sender<Roster>, gone: &Mutex<Vec<Gone>>) {
    let Some(mut output) = child.stdout.take() else {
        return;
    };
    // It begins with all pods there are: what it does not mention is gone.
    publish.send_modify(Roster::clear);
    let (mut splitter, mut piece) = (Splitter::default(), vec![0; 64 * 1024]);
    while let Ok(read @ 1..) = output.read(&mut piece).await {
        let Ok(events) = splitter.push(&piece[..read]) else {
            return;
        };
        publish.send_modify(|roster| {
            let now = Instant::now();
            let left = events.into_iter().filter_map(|e| enter(roster, e, now));
            let mut gone = gone.lock().unwrap_or_else(PoisonError::into_inner);
            gone.extend(left);
        });
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
