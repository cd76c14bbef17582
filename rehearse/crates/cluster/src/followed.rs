//! All objects of one kind in the namespace, followed without a gap: a list, then a watch from where
//! the list ends, and after each interruption another watch from where the one before came to. Only if
//! the API server has forgotten that moment is there a new list, which is compared with what was known.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::io::AsyncReadExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::kubectl::{Kubectl, KubectlError};
use super::watch_events::{Splitter, WatchEvent};
use rehearse_kubernetes::{List, Object};

/// Between the end of a watch, which API servers close every so often, and the next one.
const PAUSE: Duration = Duration::from_secs(1);

/// What becomes known.
#[derive(Clone, Debug)]
pub(super) enum Change<T> {
    /// These are all there are.
    Listed(Vec<T>),
    /// This is what an object is from now on; it may be new.
    Applied(T),
    /// An object is gone; this was its last state.
    Deleted(T),
}

/// What is kept of the objects.
pub(super) trait Store: Default + Send + Sync + 'static {
    /// Their kind.
    type Object: Object + DeserializeOwned + Send;

    /// Where the API has those of a namespace.
    fn path(namespace: &str) -> String;

    /// Takes in what has become known.
    fn apply(&mut self, change: Change<Self::Object>, now: Instant);
}

/// The objects as they are now. Dropping it ends the watch.
pub(super) struct Followed<S> {
    store: Arc<watch::Sender<S>>,
    _task: JoinSet<()>,
}

impl<S: Store> Followed<S> {
    /// Lists them, and begins to watch.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub(super) async fn start(kubectl: &Kubectl) -> Result<Self, KubectlError> {
        let path = S::path(kubectl.namespace());
        let list: List<S::Object> = kubectl.get_raw(&path).await?;
        let (mut at, items) = (list.metadata.resource_version, list.items);
        let store = Arc::new(watch::Sender::new(S::default()));
        store.send_modify(|store| store.apply(Change::Listed(items), Instant::now()));
        let (kubectl, told, mut task) = (kubectl.clone(), Arc::clone(&store), JoinSet::new());
        task.spawn(async move {
            loop {
                let watched = watch_from(&kubectl, &path, &mut at, &*told).await;
                sleep(PAUSE).await;
                if let Watched::Forgotten = watched
                    && let Ok(list) = kubectl.get_raw::<List<S::Object>>(&path).await
                {
                    at = list.metadata.resource_version;
                    let all = Change::Listed(list.items);
                    told.send_modify(|store| store.apply(all, Instant::now()));
                }
            }
        });
        Ok(Self { store, _task: task })
    }

    /// Looks at what is known.
    pub(super) fn read<R>(&self, look: impl FnOnce(&S) -> R) -> R {
        look(&self.store.borrow())
    }

    /// Changes what is kept.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut S) -> R) -> R {
        let mut result = None;
        self.store.send_modify(|store| result = Some(change(store)));
        result.expect("send_modify calls what it is given")
    }

    /// For those who look often.
    pub(super) fn subscribe(&self) -> watch::Receiver<S> {
        self.store.subscribe()
    }

    /// Waits until all is as wanted. `false`: not within the limit.
    pub(super) async fn until(&self, wanted: impl Fn(&S) -> bool, limit: Duration) -> bool {
        let mut store = self.subscribe();
        let wait = store.wait_for(wanted);
        matches!(timeout(limit, wait).await, Ok(Ok(_)))
    }
}

/// How a watch ended.
enum Watched {
    /// It can go on from where it came to.
    Interrupted,
    /// The API server no longer knows what happened since then.
    Forgotten,
}

/// Watches from `at` on, which is moved along, until the watch ends.
async fn watch_from<S: Store>(
    kubectl: &Kubectl,
    path: &str,
    at: &mut String,
    store: &watch::Sender<S>,
) -> Watched {
    // Bookmarks, because what is long past is forgotten, though nothing happened since.
    let query = format!("{path}?watch=true&allowWatchBookmarks=true&resourceVersion={at}");
    let Ok(mut child) = kubectl.spawn(&["get", "--raw", &query]) else {
        return Watched::Interrupted;
    };
    let (Some(mut output), Some(mut errors)) = (child.stdout.take(), child.stderr.take()) else {
        return Watched::Interrupted;
    };
    let (mut splitter, mut piece) = (Splitter::default(), vec![0; 64 * 1024]);
    while let Ok(read @ 1..) = output.read(&mut piece).await {
        let Ok(events) = splitter.push::<S::Object>(&piece[..read]) else {
            return Watched::Forgotten;
        };
        for event in events {
            let change = match event {
                WatchEvent::Applied(object) => Change::Applied(object),
                WatchEvent::Deleted(object) => Change::Deleted(object),
                WatchEvent::Bookmark(version) => {
                    *at = version;
                    continue;
                }
                WatchEvent::Failed => return Watched::Forgotten,
            };
            if let Change::Applied(object) | Change::Deleted(object) = &change {
                at.clone_from(&object.metadata().resource_version);
            }
            store.send_modify(|store| store.apply(change, Instant::now()));
        }
    }
    let mut stderr = String::new();
    // If it is empty it is an end like any other.
    let _ = timeout(PAUSE, errors.read_to_string(&mut stderr)).await;
    match stderr.contains("too old resource version") || stderr.contains("Expired") {
        true => Watched::Forgotten,
        false => Watched::Interrupted,
    }
}

#[cfg(test)]
#[path = "followed_tests.rs"]
mod tests;
