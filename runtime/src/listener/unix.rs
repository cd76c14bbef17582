//! A Unix socket at a path, which one process after the other has.
//!
//! Whoever comes later takes the path over: its socket gets a name of its own beside it, listens, and is
//! renamed to the path. rename(2) is atomic, so that there is no moment at which a client that connects
//! finds nobody. What lies in the queue of the socket before it is that process' to serve.

use std::{
    fs::{self, File, Metadata},
    hash::{BuildHasher as _, RandomState},
    io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use socket2::{Domain, SockAddr, Socket, Type};

/// How often, and how long after each other, the folder's lock is tried. Another service holds it for
/// microseconds; who holds it for longer, as systemd-tmpfiles may, is none.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(1);

/// A client that has looked the path up connects within that time to what it has found, as long as it
/// gets a processor.
const LOOKED_UP: Duration = Duration::from_secs(1);

/// The path of a socket, as long as it is ours.
#[derive(Debug)]
pub(super) struct Entry {
    path: PathBuf,
    /// The socket's device and inode. The kernel keeps the inode, and so its number from others, as long
    /// as the socket is open.
    identity: (u64, u64),
}

/// Tries whether a socket can be made there, and leaves everything as it was.
///
/// # Errors
/// The system's: no such folder, no permission; or something is there that is no socket.
pub(super) fn try_out(path: &Path) -> io::Result<()> {
    may_be_replaced(path)?;
    let (_socket, beside) = bind_beside(path)?;
    fs::remove_file(beside)
}

/// Has a socket listen at a path, in the place of whatever socket is there.
///
/// # Errors
/// As of [`try_out`].
pub(super) fn listen(path: &Path, backlog: i32) -> io::Result<(Socket, Entry)> {
    let (socket, beside) = bind_beside(path)?;
    let placed = socket.listen(backlog).and_then(|()| place(&beside, path));
    match placed {
        Ok(entry) => Ok((socket, entry)),
        Err(error) => {
            let _ = fs::remove_file(beside);
            Err(error)
        }
    }
}

/// A socket that an older process has left, or still has, may be replaced; nothing else may.
fn may_be_replaced(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => Ok(()),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is something that is no socket, and is not replaced",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Binds a socket to a name that nobody has, in the folder of this path.
fn bind_beside(path: &Path) -> io::Result<(Socket, PathBuf)> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    loop {
        // Seven digits by chance: in containers, all are process 1.
        let name = RandomState::new().hash_one(path) & 0x0fff_ffff;
        let beside = path.with_file_name(format!(".{name:07x}"));
        match socket.bind(&SockAddr::unix(&beside)?) {
            Ok(()) => return Ok((socket, beside)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let what = "its folder does not exist";
                return Err(io::Error::new(io::ErrorKind::NotFound, what));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Gives a socket its path.
fn place(beside: &Path, path: &Path) -> io::Result<Entry> {
    let made = fs::symlink_metadata(beside)?;
    // Without the lock, too: whoever holds it then is nobody who would remove what is placed here.
    let _alone = (0..TRIES).find_map(|_| {
        let alone = alone_in_folder_of(path);
        if alone.is_none() {
            thread::sleep(PAUSE);
        }
        alone
    });
    may_be_replaced(path)?;
    fs::rename(beside, path)?;
    Ok(Entry {
        path: path.to_owned(),
        identity: identity(&made),
    })
}

fn identity(of: &Metadata) -> (u64, u64) {
    (of.dev(), of.ino())
}

/// The lock of a path's folder, as long as the file is open. Between the look whose socket is at a path and
/// its removal a successor could place its own, which would be removed.
fn alone_in_folder_of(path: &Path) -> Option<File> {
    let folder = File::open(path.parent()?).ok()?;
    folder.try_lock().is_ok().then_some(folder)
}

impl Entry {
    /// Whether the path has been somebody else's for less than a second. A client that has found our socket
    /// there just before, and got no processor since, would be refused although somebody serves.
    pub(super) fn was_just_replaced(&self) -> bool {
        let Ok(found) = fs::symlink_metadata(&self.path) else {
            return false;
        };
        // Its inode changed when it was renamed.
        let at = Duration::new(
            found.ctime().unsigned_abs(),
            found.ctime_nsec().unsigned_abs() as u32,
        );
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A clock that was set back meanwhile says nothing.
        let since = now.ok().and_then(|now| now.checked_sub(at));
        identity(&found) != self.identity && since.is_some_and(|since| since < LOOKED_UP)
    }

    /// Removes the path if it is still ours. If that cannot be known it stays: the next process replaces it.
    pub(super) fn remove(&self) {
        let Some(_alone) = alone_in_folder_of(&self.path) else {
            return;
        };
        let found = fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| identity(&found) == self.identity) {
            // Nobody can connect to it any more in any case.
            let _ = fs::remove_file(&self.path);
        }
    }
}
