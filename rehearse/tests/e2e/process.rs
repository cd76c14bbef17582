//! A process of the example `unruly`, or of another.

use std::{
    env,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::fd::OwnedFd,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

pub(crate) use nix::sys::signal::Signal;
use nix::{sys::signal::kill, unistd::Pid};

use crate::{log::Log, until};

/// What a process is started with.
#[derive(Debug)]
pub(crate) struct Setup(Command);

impl Setup {
    /// The bare program: no settings, and nothing of this test's own environment.
    pub(crate) fn bare() -> Self {
        Self::bare_of("unruly")
    }

    /// The same of another example.
    pub(crate) fn bare_of(name: &str) -> Self {
        let mut command = Command::new(example(name));
        command.env_clear().stdin(Stdio::null());
        Self(command)
    }

    /// Ports that the system chooses, no lame duck and no patience; the limits are too far off to
    /// matter.
    pub(crate) fn new() -> Self {
        let address = SocketAddr::new(own_ip(), 0).to_string();
        Self::bare()
            .set("http.address", &address)
            .set("admin.address", &address)
            .set("http.workers", "2")
            .set("http.head_timeout", "1h")
            .set("http.body_timeout", "1h")
            .set("drain.min", "0s")
            .set("drain.quiet", "0s")
            .set("drain.max", "0s")
            .set("drain.jitter", "0s")
            .set("drain.patience", "0s")
            .set("grace_period", "3h")
    }

    /// A lame duck that lasts until a SIGINT ends it.
    pub(crate) fn held() -> Self {
        Self::new().set("drain.min", "1h").set("drain.max", "1h")
    }

    /// The same, and `drain.min` has passed at T0: clients of HTTP/2 are told at once.
    pub(crate) fn telling() -> Self {
        Self::held().set("drain.min", "0s").set("drain.quiet", "1h")
    }

    /// A deadline a second after T0: the shortest grace period less the reserve of 2 s.
    pub(crate) fn short() -> Self {
        Self::new().set("grace_period", "3s")
    }

    /// Sets `key`, such as `drain.min`, by the environment.
    pub(crate) fn set(self, key: &str, value: &str) -> Self {
        let name = format!("LASTCALL__{}", key.to_uppercase().replace('.', "__"));
        self.var(&name, value)
    }

    pub(crate) fn var(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn sabotage(self, rule: Option<&str>) -> Self {
        rule.into_iter()
            .fold(self, |setup, rule| setup.var("LASTCALL_SABOTAGE", rule))
    }

    /// Limits the descriptors that it may have.
    pub(crate) fn descriptors(self, limit: u32) -> Self {
        self.after(&format!("ulimit -n {limit}"))
    }

    /// Has a shell do something first, whose effect the program inherits.
    pub(crate) fn after(self, commands: &str) -> Self {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &format!("{commands}; exec \"$0\" \"$@\"")]);
        shell.arg(program()).env_clear().stdin(Stdio::null());
        let set = self
            .0
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        shell.envs(set);
        Self(shell)
    }

    /// Starts it with a listener, as systemd does.
    pub(crate) fn inherits(self, listener: OwnedFd) -> Self {
        let mut setup = self.after("exec 3<&0 0</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1");
        setup.0.stdin(listener);
        setup
    }

    pub(crate) fn spawn(self) -> Process {
        self.spawn_with(&[])
    }

    pub(crate) fn spawn_with(mut self, arguments: &[&str]) -> Process {
        self.0.args(arguments);
        self.0.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.0.spawn().unwrap();
        let out = Log::collect(child.stdout.take().unwrap());
        let log = Log::collect(child.stderr.take().unwrap());
        Process { child, out, log }
    }

    /// Runs a subcommand to its end.
    pub(crate) fn run(self, arguments: &[&str]) -> End {
        self.spawn_with(arguments).end()
    }
}

/// An address that nobody else uses. On one that is shared, a port is given to the next process
/// as soon as the fence frees it, and a client that goes on trying would meet a stranger.
pub(crate) fn own_ip() -> IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let (process, next) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let [_, a, b, c] = ((process & 0x3ff) << 13 | next & 0x1fff).to_be_bytes();
    Ipv4Addr::new(127, 128 | a, b, c).into()
}

/// `cargo test` builds the examples beside this very test, unless single targets are named.
pub(crate) fn program() -> PathBuf {
    example("unruly")
}

pub(crate) fn example(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let program = test.with_file_name(format!("../examples/{name}"));
    assert!(
        program.is_file(),
        "{} is missing: run `cargo test`, which builds it, without naming single targets",
        program.display()
    );
    program
}

/// A running process. It is killed when the test ends before it does.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    out: Log,
    pub(crate) log: Log,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<String>,
    pub(crate) log: Vec<String>,
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn end(mut self) -> End {
        let status = until("the end of the process", || self.child.try_wait().unwrap());
        End {
            code: status.code(),
            out: self.out.end(),
            log: self.log.end(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            println!(
                "the log of {}:\n{}",
                self.child.id(),
                self.log.lines().join("\n")
            );
        }
    }
}
