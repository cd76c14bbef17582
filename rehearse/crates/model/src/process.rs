//! A pod's process, in a group of its own, and never left behind.

use std::collections::VecDeque;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;

/// What is kept of a process's standard error.
const TAIL: usize = 8 * 1024;

/// How long after the end of a process its last words are waited for: a grandchild may hold the
/// pipe open.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// A running process and everything it has started. Dropping it kills the group.
pub struct Process {
    child: Child,
    group: Group,
    tail: Arc<Mutex<VecDeque<u8>>>,
    reader: JoinHandle<()>,
}

/// The process group to signal.
#[derive(Clone, Copy)]
pub struct Group(Pid);

impl Group {
    /// The first process's id, which is the group's.
    pub fn pid(self) -> i32 {
        self.0.as_raw()
    }

    /// Sends a signal. A group that is gone already needs none.
    pub fn signal(self, signal: Signal) {
        let _gone = killpg(self.0, signal);
    }
}

impl Process {
    /// Starts the command in its own process group, so that a Ctrl+C on the terminal reaches only
    /// the rehearsal and a signal reaches all that the process has started.
    ///
    /// # Errors
    /// If the system cannot start it.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn(mut command: Command) -> io::Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        let group = Group(Pid::from_raw(
            pid.expect("a process just started has a pid"),
        ));
        let tail = Arc::default();
        let stderr = child.stderr.take().expect("standard error is piped");
        let reader = tokio::spawn(keep_tail(stderr, Arc::clone(&tail)));
        Ok(Self {
            child,
            group,
            tail,
            reader,
        })
    }

    /// What to signal.
    pub fn group(&self) -> Group {
        self.group
    }

    /// Waits for the end of the process. Cancel-safe.
    ///
    /// # Errors
    /// If the system does not say how it ended.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Ends the process: SIGTERM, and SIGKILL if that has not helped in time.
    pub async fn end(&mut self, patience: Duration) {
        self.group.signal(Signal::SIGTERM);
        if tokio::time::timeout(patience, self.child.wait())
            .await
            .is_err()
        {
            self.group.signal(Signal::SIGKILL);
            let _status = self.child.wait().await;
        }
    }

    /// The last lines of its standard error, once it has ended.
    pub async fn last_lines(&mut self, count: usize) -> Vec<String> {
        let _held_open = tokio::time::timeout(LAST_WORDS, &mut self.reader).await;
        let mut bytes = lock(&self.tail);
        let text = String::from_utf8_lossy(bytes.make_contiguous()).into_owned();
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        lines[lines.len().saturating_sub(count)..]
            .iter()
            .map(|l| (*l).to_owned())
            .collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whatever the process had started dies with it, as a container's processes do.
        self.group.signal(Signal::SIGKILL);
        self.reader.abort();
    }
}

async fn keep_tail(mut stderr: ChildStderr, tail: Arc<Mutex<VecDeque<u8>>>) {
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
        let mut tail = lock(&tail);
        tail.extend(&chunk[..read]);
        let excess = tail.len().saturating_sub(TAIL);
        tail.drain(..excess);
    }
}

fn lock(tail: &Mutex<VecDeque<u8>>) -> MutexGuard<'_, VecDeque<u8>> {
    tail.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::spawn(command).unwrap()
    }

    fn is_gone(pid: &str) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        state.map_or(true, |stat| stat.contains(") Z "))
    }

    #[tokio::test]
    async fn the_last_lines_of_a_failed_process_are_kept() {
        let mut p = sh("i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done >&2; exit 7");
        assert_eq!(p.wait().await.unwrap().code(), Some(7));
        assert_eq!(p.last_lines(2).await, ["line 2999", "line 3000"]);
        assert!(lock(&p.tail).len() <= TAIL);
    }

    #[tokio::test]
    async fn a_process_that_ignores_sigterm_is_killed() {
        let mut p = sh("trap '' TERM; echo up >&2; while :; do sleep 1; done");
        while lock(&p.tail).is_empty() {
            tokio::task::yield_now().await;
        }
        p.end(Duration::from_millis(50)).await;
        assert!(p.child.id().is_none(), "reaped");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn dropping_a_process_takes_its_children_along() {
        let p = sh("sleep 600 & echo $! >&2; wait");
        let grandchild = loop {
            if let [line, ..] = &lock(&p.tail)
                .make_contiguous()
                .split(|b| *b == b'\n')
                .collect::<Vec<_>>()[..]
                && !line.is_empty()
            {
                break String::from_utf8(line.to_vec()).unwrap();
            }
            tokio::task::yield_now().await;
        };
        assert!(!is_gone(&grandchild));
        drop(p);
        while !is_gone(&grandchild) {
            tokio::task::yield_now().await;
        }
    }
}
