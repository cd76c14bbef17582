//! A process that serves, at an address of its own.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::PathBuf;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Options;
use crate::arm::Arm;
use crate::client::Body;

pub(crate) const PORT: u16 = 8080;
pub(crate) const ADMIN_PORT: u16 = 9090;

/// Kubernetes' default: then SIGKILL.
pub(crate) const GRACE_PERIOD: Duration = Duration::from_secs(30);

/// Within this a pod must be ready.
const START: Duration = Duration::from_secs(10);

/// A running pod. Dropping it kills it.
pub(crate) struct Pod {
    pub(crate) address: Ipv4Addr,
    child: Child,
    log: PathBuf,
}

/// How a pod has ended.
pub(crate) struct End {
    /// Its exit code; none if it had to be killed.
    pub(crate) code: Option<i32>,
    pub(crate) took: Duration,
}

impl Pod {
    /// Starts the run's pod number `n`, and waits until it answers.
    pub(crate) fn start(options: &Options, arm: &Arm, n: u32) -> anyhow::Result<Self> {
        let n = n + 1;
        let [.., high, low] = n.to_be_bytes();
        let address = Ipv4Addr::new(10, 77, high, low);
        let log = options.results.join(format!("{arm}-{n}.log"));
        let file = File::create(&log).with_context(|| log.display().to_string())?;
        let mut command = arm.command(&options.bin_dir, &options.tools, address);
        command.stdout(file.try_clone()?).stderr(file);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let mut pod = Self {
            address,
            child,
            log,
        };
        let path = arm.path(Body::None, Duration::ZERO);
        pod.wait_until_ready(&path)?;
        Ok(pod)
    }

    fn wait_until_ready(&mut self, path: &str) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !answers(SocketAddrV4::new(self.address, PORT), path) {
            let ended = self.child.try_wait()?.is_some();
            if ended || begun.elapsed() > START {
                bail!("a pod does not get ready: see {}", self.log.display());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Its end, `sleep` after now.
    pub(crate) fn replaced(mut self, sleep: Duration) -> anyhow::Result<End> {
        let begun = Instant::now();
        thread::sleep(sleep);
        let pid = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(pid, Signal::SIGTERM)?;
        let code = loop {
            if let Some(status) = self.child.try_wait()? {
                break status.code();
            }
            if begun.elapsed() > GRACE_PERIOD {
                break None;
            }
            thread::sleep(Duration::from_millis(10));
        };
        let took = begun.elapsed();
        Ok(End { code, took })
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Whether a GET is answered by 200.
pub(crate) fn answers(address: SocketAddrV4, path: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut connection = TcpStream::connect(address)?;
        connection.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(
            connection,
            "GET {path} HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer)?;
        Ok(answer.starts_with(b"HTTP/1.1 200 "))
    };
    ask().unwrap_or(false)
}
