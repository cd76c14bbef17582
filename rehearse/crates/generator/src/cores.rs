//! Which cores the server and the load generator run on, and how busy the server was.

use std::fmt;
use std::fs;
use std::ops::RangeInclusive;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

/// A core each, so that neither migrates nor steals from the other.
#[derive(Clone, Copy, Debug)]
pub struct Pinning {
    server: usize,
    generator: usize,
}

impl Pinning {
    /// The first and the last core that this process may use: if there are two, and `taskset` is
    /// here and may pin to them.
    pub async fn find() -> Option<Self> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        let cores = listed(line)?;
        let (server, generator) = (*cores.first()?, *cores.last()?);
        let pinning = (server != generator).then_some(Self { server, generator })?;
        for core in [server, generator] {
            let mut attempt = tokio::process::Command::new("taskset");
            attempt.args(["-c", &core.to_string(), "true"]);
            let attempt = attempt.stdout(Stdio::null()).stderr(Stdio::null());
            attempt.status().await.ok().filter(|s| s.success())?;
        }
        Some(pinning)
    }

    /// What the server's command line begins with.
    pub fn wrapper(self) -> Vec<String> {
        ["taskset", "-c", &self.server.to_string()]
            .map(str::to_owned)
            .into()
    }

    /// Pins the thread that calls to the generator's core.
    pub(crate) fn pin_generator(self) -> anyhow::Result<()> {
        let thread = fs::read_link("/proc/thread-self").context("no /proc")?;
        let id = thread.file_name().context("/proc/thread-self has no id")?;
        let mut taskset = Command::new("taskset");
        taskset.args(["-cp", &self.generator.to_string()]).arg(id);
        let done = taskset.stdout(Stdio::null()).status();
        let done = done.context("cannot run taskset")?;
        ensure!(
            done.success(),
            "taskset cannot pin the load generator ({done})"
        );
        Ok(())
    }
}

impl fmt::Display for Pinning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, generator } = self;
        write!(
            f,
            "server on core {server}, load generator on core {generator}"
        )
    }
}

/// The numbers of a list such as `0-3,8`.
fn listed(list: &str) -> Option<Vec<usize>> {
    let range = |part: &str| -> Option<RangeInclusive<usize>> {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    let ranges: Option<Vec<_>> = list.trim().split(',').map(range).collect();
    Some(ranges?.into_iter().flatten().collect())
}

/// Linux counts processor time for user space in hundredths of a second (USER_HZ).
const TICK: Duration = Duration::from_millis(10);

/// The processor time of a process, where /proc has it.
pub(crate) fn processor_time(pid: i32) -> Option<Duration> {
    let ticks = ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
    Some(TICK * ticks)
}

/// User and system time, fields 14 and 15 (proc(5)). The second field is the program's name in
/// parentheses, and may hold anything.
fn ticks(stat: &str) -> Option<u32> {
    let (_, third_on) = stat.rsplit_once(')')?;
    let mut fields = third_on.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u32>().ok();
    next()?.checked_add(next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cores_has_ranges_and_single_ones() {
        assert_eq!(listed("\t0-3,8\n"), Some(vec![0, 1, 2, 3, 8]));
        assert_eq!(listed("5"), Some(vec![5]));
        assert_eq!(listed(""), None);
        assert_eq!(listed("0-x"), None);
    }

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "42 (a) b (1 2) S 1 42 42 0 -1 4194560 99 0 0 0 250 50 7 8 20 0 3 0 1000 0\n";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("42 (sh) S 1"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_at_work_takes_time() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let before = processor_time(pid).unwrap();
        while processor_time(pid).unwrap() == before {}
    }
}
