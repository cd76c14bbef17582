//! What has been changed on the cluster, and how each change is taken back.

use std::sync::{Mutex, PoisonError};

use super::kubectl::Kubectl;

/// The way back. An entry is made *before* its change, so that an interrupt in between finds it;
/// every entry therefore does no harm if nothing was changed.
#[derive(Debug)]
pub(super) struct Journal {
    kubectl: Kubectl,
    entries: Mutex<Vec<Vec<String>>>,
}

impl Journal {
    /// An empty one.
    pub(super) fn new(kubectl: Kubectl) -> Self {
        Self {
            kubectl,
            entries: Mutex::default(),
        }
    }

    /// `kubectl` with these arguments takes back what comes next.
    pub(super) fn note(&self, args: &[&str]) {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if !entries.contains(&args) {
            entries.push(args);
        }
    }

    /// Whether there is nothing to take back.
    pub(super) fn is_empty(&self) -> bool {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.is_empty()
    }

    /// Takes everything back, the last change first. What could not be is returned: as the command
    /// lines that would do it, with the reasons.
    pub(super) async fn restore(&self) -> Vec<String> {
        let mut left = Vec::new();
        loop {
            let entry = {
                let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
                entries.pop()
            };
            let Some(entry) = entry else {
                return left;
            };
            let args: Vec<&str> = entry.iter().map(String::as_str).collect();
            if let Err(error) = self.kubectl.run(&args).await {
                left.push(format!("{}\n  ({error})", self.kubectl.command_line(&args)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_change_is_taken_back_once_however_often_it_is_made() {
        let journal = Journal::new(Kubectl::new("test", "lastcall"));
        assert!(journal.is_empty());
        for _ in 0..3 {
            journal.note(&["uncordon", "worker"]);
        }
        journal.note(&["uncordon", "worker2"]);
        assert_eq!(journal.entries.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn the_last_change_is_taken_back_first_and_what_cannot_be_is_said() {
        let kubectl = Kubectl::faked(r#"case "$*" in *scale*) echo "no: $3" >&2; exit 1;; esac"#);
        let journal = Journal::new(kubectl);
        journal.note(&["patch", "service", "hello"]);
        journal.note(&["scale", "deployment/hello"]);
        journal.note(&["scale", "deployment/slow"]);
        let left = journal.restore().await;
        let lines: Vec<&str> = left.iter().flat_map(|l| l.lines().take(1)).collect();
        let expected = ["slow", "hello"].map(|name| {
            format!("kubectl --context test --namespace lastcall scale deployment/{name}")
        });
        assert_eq!(lines, expected);
        assert!(journal.is_empty());
    }
}
