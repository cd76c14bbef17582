//! Descriptors, and variables about them, that a process was started with.

use std::{
    env, fs, io,
    os::fd::{FromRawFd as _, OwnedFd, RawFd},
};

/// Takes a descriptor that this process was started with, and that its children are not to have. Whoever
/// started it has said that it is there for this purpose alone.
///
/// # Errors
/// When it is not open.
pub(crate) fn descriptor(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: fcntl(2) is given numbers alone, and refuses that of a descriptor that is not open.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is open, and was so before the first instruction of this program, none of which has opened
    // it; who started the program has left it to whoever asks here, which is done once.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Removes variables, which children are not to have, if no other thread can be reading the environment.
pub(crate) fn remove_variables(names: &[&str]) {
    let threads = fs::read_dir("/proc/self/task");
    if !threads.is_ok_and(|threads| threads.count() == 1) {
        return;
    }
    for name in names {
        // SAFETY: this thread is the only one.
        unsafe { env::remove_var(name) };
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::IntoRawFd as _;

    use super::*;

    #[test]
    fn a_descriptor_is_taken_if_it_is_open() {
        let number = fs::File::open("/dev/null").unwrap().into_raw_fd();
        drop(descriptor(number).unwrap());
        let none = descriptor(RawFd::MAX).unwrap_err();
        assert_eq!(none.raw_os_error(), Some(libc::EBADF));
    }

    #[test]
    fn variables_stay_while_other_threads_may_read_them() {
        let others = std::thread::scope(|scope| {
            let (send, ends) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || ends.recv());
            remove_variables(&["PATH"]);
            drop(send);
            env::var_os("PATH")
        });
        assert!(others.is_some());
    }
}
