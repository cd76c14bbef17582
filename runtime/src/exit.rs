//! How the process ends, told by its exit code.

use std::process::ExitCode;

/// The exit codes of every subcommand. Those from 64 on are the ones of `sysexits.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Nothing was cut; a probe or a check passed.
    Ok = 0,
    /// Aborted by a second SIGINT.
    Aborted = 1,
    /// The drain's deadline came, and something in flight was cut.
    Cut = 3,
    /// Bad settings or a bad command line: nothing was started.
    Usage = 64,
    /// The start-up failed, or a probe found no service that answers with 200.
    Unavailable = 69,
    /// A bug: of the service, or of Lastcall.
    Software = 70,
    /// The system refused, as it does for a port in use.
    OsErr = 71,
}

impl Exit {
    /// The number that the parent process sees.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
