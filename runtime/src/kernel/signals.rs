//! What a process inherits of its parent's signals: the mask, and those that are ignored.

use std::{io, mem, ptr};

/// The signals that tell a process to go.
const TO_GO: [libc::c_int; 4] = [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP];

/// Lets the signals through that tell a process to go, whatever mask its parent had. A mask
/// outlives exec(2), and a blocked signal would wait for ever. Threads started later inherit this.
///
/// # Errors
/// When the system refuses.
pub(crate) fn unblock() -> io::Result<()> {
    // SAFETY: `sigset_t` is a plain structure of integers, for which all zeroes is a value; all
    // pointers are to it, alive and writable, or null where that is allowed.
    let error = unsafe {
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in TO_GO {
            libc::sigaddset(&raw mut set, signal);
        }
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut())
    };
    match error {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Whether the parent has had SIGHUP ignored, as `nohup` does: what outlives exec(2), too.
///
/// # Errors
/// When the system refuses.
pub(crate) fn hangup_is_ignored() -> io::Result<bool> {
    // SAFETY: `sigaction` is a plain structure of integers and an optional pointer, for which all
    // zeroes is a value; sigaction(2) is given no new action, and writes the old one into it.
    let action = unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        match libc::sigaction(libc::SIGHUP, ptr::null(), &raw mut action) {
            0 => action,
            _ => return Err(io::Error::last_os_error()),
        }
    };
    Ok(action.sa_sigaction == libc::SIG_IGN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_to_go_that_was_blocked_is_let_through() {
        // The mask is this thread's own, which ends with the test.
        let is_blocked = |signal| {
            // SAFETY: as in `unblock`.
            unsafe {
                let mut mask: libc::sigset_t = mem::zeroed();
                libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), &raw mut mask);
                libc::sigismember(&raw const mask, signal) == 1
            }
        };
        // SAFETY: as in `unblock`.
        unsafe {
            let mut all: libc::sigset_t = mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, ptr::null_mut());
        }
        assert!(TO_GO.iter().all(|signal| is_blocked(*signal)));
        unblock().unwrap();
        assert!(!TO_GO.iter().any(|signal| is_blocked(*signal)));
        assert!(is_blocked(libc::SIGUSR1), "nobody else's");
    }
}
