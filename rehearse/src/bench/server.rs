//! An arm's process, and the way to it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sys::signal::Signal;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::binaries::{CONTROL, CONTROL_H2C};
use rehearse_arm::ArmName;
use rehearse_generator::Protocol;
use rehearse_model::address::AddressPool;
use rehearse_model::probe::Check;
use rehearse_model::process::Process;
use rehearse_model::program::{PreStop, Program};

/// Under valgrind a start takes seconds.
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// Between two attempts to connect to a server that starts.
const RETRY: Duration = Duration::from_millis(10);

/// Of a failed server's standard error.
const LAST_LINES: usize = 8;

const UNHANDLED: Signal = Signal::SIGALRM;

/// One worker, so that the figure is the cost of a request and not of its scheduling. Both arms read
/// this variable; all else is each one's default.
const ONE_WORKER: (&str, &str) = ("LASTCALL__HTTP__WORKERS", "1");

/// A running arm. Dropping it kills the process.
pub(super) struct Server {
    process: Process,
    address: SocketAddr,
    by_hand: String,
}

impl Server {
    /// Starts the `hello` of this arm behind the words of a wrapper: a program that runs it.
    pub(super) fn start(
        arm: ArmName,
        protocol: Protocol,
        exe: &Path,
        wrapper: &[String],
        addresses: &AddressPool,
    ) -> anyhow::Result<Self> {
        let exe = exe.to_string_lossy().into_owned();
        let args: &[&str] = match arm {
            ArmName::Control => &[CONTROL, "hello"],
            ArmName::Usual | ArmName::Service => &[],
        };
        let args = args.iter().map(|arg| (*arg).to_owned());
        let mut words = wrapper.iter().cloned().chain([exe]).chain(args);
        // Without it the control is what it is without HTTP/2.
        let h2c = (protocol == Protocol::Http2 && arm == ArmName::Control).then_some(CONTROL_H2C);
        let env = std::iter::once(ONE_WORKER).chain(h2c);
        let program = Program {
            exe: words.next().unwrap_or_default().into(),
            args: words.collect(),
            env: env.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            check: Check::Tcp,
            prestop: PreStop::None,
            may_die_of_sigterm: true,
        };
        let address = addresses.next()?;
        let by_hand = program.by_hand();
        let process = Process::spawn(program.command(&address));
        let process = process.with_context(|| format!("cannot run {by_hand}"))?;
        Ok(Self {
            process,
            address: address.http,
            by_hand,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn pid(&self) -> i32 {
        self.process.group().pid()
    }

    /// A connection as soon as the server listens. The readiness probe is left alone: each of its
    /// answers would be counted among the instructions.
    pub(super) async fn connect(&mut self) -> anyhow::Result<TcpStream> {
        let Self {
            process, address, ..
        } = self;
        let connected = async {
            loop {
                match TcpStream::connect(*address).await {
                    Err(e) if e.kind() == ErrorKind::ConnectionRefused => sleep(RETRY).await,
                    other => return other.context("cannot connect"),
                }
            }
        };
        let outcome = tokio::select! {
            connected = timeout(START_LIMIT, connected) => connected,
            ended = process.wait() => {
                let lines = self.process.last_lines(LAST_LINES).await.join("\n");
                bail!("{} ended before it listened ({})\n{lines}", self.by_hand, ended?);
            }
        };
        outcome.with_context(|| format!("{} does not listen", self.by_hand))?
    }

    /// Ends the process by a signal that no arm handles, and waits until it is gone. So no drain is
    /// counted, whose cost depends on what else the machine has open; and callgrind, unlike at
    /// SIGKILL, still writes what it has.
    pub(super) async fn kill(mut self) -> anyhow::Result<()> {
        self.process.group().signal(UNHANDLED);
        let ended = timeout(STOP_LIMIT, self.process.wait()).await;
        let ended = ended.with_context(|| format!("{} does not end", self.by_hand))??;
        if ended.signal() != Some(UNHANDLED as i32) {
            let lines = self.process.last_lines(LAST_LINES).await.join("\n");
            bail!("{} failed ({ended})\n{lines}", self.by_hand);
        }
        Ok(())
    }
}
