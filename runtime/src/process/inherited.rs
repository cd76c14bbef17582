//! Listeners that whoever has started this process has left to it: systemd, or any program that keeps a
//! socket while its services come and go (sd_listen_fds(3)).

use std::{env, os::fd::OwnedFd, process};

use anyhow::anyhow;

use super::Failure;
use crate::{exit::Exit, kernel::inherited};

const PID: &str = "LISTEN_PID";
const FDS: &str = "LISTEN_FDS";
const NAMES: &str = "LISTEN_FDNAMES";
/// The last is the inode of a pidfd, which says the same as the process' number.
const VARIABLES: [&str; 4] = [PID, FDS, NAMES, "LISTEN_PIDFDID"];

/// The name of the admin listener. Any other is a public one's: by default that is the name of its unit.
const ADMIN: &str = "admin";

/// The first: those before it are the standard streams.
const FIRST: i32 = 3;
const MOST: usize = 1_024;

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Public,
    Admin,
}

/// A descriptor, and its number as it was inherited.
#[derive(Debug)]
pub(super) struct Inherited {
    pub(super) number: i32,
    pub(super) purpose: Purpose,
    pub(super) descriptor: OwnedFd,
}

/// Takes what was inherited, and leaves nothing of it to this process' own children.
///
/// # Errors
/// When the variables make no sense, or a descriptor is not there.
pub(super) fn take() -> Result<Vec<Inherited>, Failure> {
    let said = [PID, FDS, NAMES]
        .map(|name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()));
    if said[0].is_none() {
        return Ok(Vec::new());
    }
    inherited::remove_variables(&VARIABLES);
    let [pid, fds, names] = said.each_ref().map(Option::as_deref);
    let purposes = purposes(pid, fds, names, process::id())?;
    let numbered = (FIRST..).zip(purposes);
    let taken = numbered.map(|(number, purpose)| {
        let descriptor = inherited::descriptor(number)
            .map_err(|error| refused(number, &format!("cannot be taken: {error}")))?;
        Ok(Inherited {
            number,
            purpose,
            descriptor,
        })
    });
    taken.collect()
}

/// Why a descriptor cannot be used.
pub(super) fn refused(number: i32, why: &str) -> Failure {
    (Exit::Usage, anyhow!("{FDS}: descriptor {number} {why}"))
}

/// What the descriptors from 3 on are for: none, if they are not this process'.
fn purposes(
    pid: Option<&str>,
    fds: Option<&str>,
    names: Option<&str>,
    own: u32,
) -> Result<Vec<Purpose>, Failure> {
    let (Some(pid), Some(fds)) = (pid, fds) else {
        return Ok(Vec::new());
    };
    match pid.parse::<u32>() {
        // They were meant for a process that has started this one.
        Ok(pid) if pid != own => return Ok(Vec::new()),
        Ok(_) => {}
        Err(_) => return Err(wrong(PID, pid, "the number of a process")),
    }
    let count = fds.parse().ok().filter(|count| (1..=MOST).contains(count));
    let Some(count) = count else {
        let allowed = format!("a whole number from 1 to {MOST}");
        return Err(wrong(FDS, fds, &allowed));
    };
    match names {
        Some(names) => named(names, count),
        None => Ok(vec![Purpose::Public; count]),
    }
}

/// What descriptors of these names are for, of which there must be so many.
fn named(names: &str, count: usize) -> Result<Vec<Purpose>, Failure> {
    let purposes: Vec<_> = names.split(':').map(purpose).collect();
    if purposes.len() != count {
        let allowed = format!("a name for each of the {count} of {FDS}");
        return Err(wrong(NAMES, names, &allowed));
    }
    let admins = purposes
        .iter()
        .filter(|purpose| **purpose == Purpose::Admin);
    match admins.count() {
        0 | 1 => Ok(purposes),
        _ => Err(wrong(NAMES, names, &format!("{ADMIN:?} for one at most"))),
    }
}

fn wrong(name: &str, value: &str, allowed: &str) -> Failure {
    (
        Exit::Usage,
        anyhow!("{name} = {value:?}: must be {allowed}"),
    )
}

fn purpose(name: &str) -> Purpose {
    match name {
        ADMIN => Purpose::Admin,
        _ => Purpose::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Purpose::{Admin, Public},
        *,
    };

    fn of(pid: Option<&str>, fds: Option<&str>, names: Option<&str>) -> Vec<Purpose> {
        purposes(pid, fds, names, 7).unwrap()
    }

    #[test]
    fn all_are_public_but_the_one_called_admin() {
        assert_eq!(of(Some("7"), Some("2"), None), [Public, Public]);
        let names = Some("hello.socket:admin:http");
        assert_eq!(of(Some("7"), Some("3"), names), [Public, Admin, Public]);
    }

    #[test]
    fn what_is_meant_for_another_process_or_for_none_is_left_alone() {
        assert_eq!(of(Some("8"), Some("none"), None), []);
        assert_eq!(of(Some("7"), None, None), []);
        assert_eq!(of(None, Some("1"), None), []);
    }

    #[test]
    fn variables_that_make_no_sense_are_told_with_what_would() {
        for (pid, fds, names, told) in [
            (
                "me",
                "1",
                None,
                "LISTEN_PID = \"me\": must be the number of a process",
            ),
            (
                "7",
                "0",
                None,
                "LISTEN_FDS = \"0\": must be a whole number from 1 to 1024",
            ),
            (
                "7",
                "3x",
                None,
                "LISTEN_FDS = \"3x\": must be a whole number from 1 to 1024",
            ),
            (
                "7",
                "2",
                Some("http"),
                "LISTEN_FDNAMES = \"http\": must be a name for each of the 2 of LISTEN_FDS",
            ),
            (
                "7",
                "2",
                Some("admin:admin"),
                "LISTEN_FDNAMES = \"admin:admin\": must be \"admin\" for one at most",
            ),
        ] {
            let (exit, error) = purposes(Some(pid), Some(fds), names, 7).unwrap_err();
            assert_eq!((exit, error.to_string().as_str()), (Exit::Usage, told));
        }
    }
}
