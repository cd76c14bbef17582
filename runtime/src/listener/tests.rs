//! Unix sockets, under clients that connect without a pause.

use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
};

use super::*;

/// A folder of the test's own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let name = format!("lastcall-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("app.sock")
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(&self.0).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn listen(path: &Path) -> Listener {
    let bound = bind(&Address::Unix(path.to_owned())).unwrap();
    bound.listen(4_096).unwrap()
}

/// Serves whoever is in the queue, and whoever comes before the fence is up.
async fn fence(listener: &Listener) -> Fenced {
    let answer = |mut socket: Socket, _| socket.write_all(b"!").unwrap();
    listener.fence(answer, || {}).await
}

fn is_answered(client: &UnixStream) -> bool {
    let mut client = client;
    client.read_exact(&mut [0]).is_ok()
}

/// Clients that connect without a pause, and without waiting for their answers, until one is refused: how
/// many had connected, and how many of these had no answer.
struct Crowd {
    connected: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<usize>>,
}

impl Crowd {
    const CLIENTS: usize = 4;
    const MOST: usize = 2_000;

    fn gather(path: &Path) -> Self {
        let connected = Arc::<AtomicUsize>::default();
        let client = |_| {
            let (path, connected) = (path.to_owned(), Arc::clone(&connected));
            thread::spawn(move || {
                let connect = |_| {
                    let client = UnixStream::connect(&path).ok()?;
                    connected.fetch_add(1, SeqCst);
                    Some(client)
                };
                let all: Vec<_> = (0..Self::MOST).map_while(connect).collect();
                all.into_iter()
                    .map(|client| is_answered(&client))
                    .filter(|answered| !answered)
                    .count()
            })
        };
        let clients = (0..Self::CLIENTS).map(client).collect();
        Self { connected, clients }
    }

    /// Waits until so many have come.
    fn until(&self, count: usize) {
        while self.connected.load(SeqCst) < count {
            thread::yield_now();
        }
    }

    fn end(self) -> (usize, usize) {
        let lost = self
            .clients
            .into_iter()
            .map(|client| client.join().unwrap());
        let lost = lost.sum();
        (self.connected.load(SeqCst), lost)
    }
}

#[tokio::test]
async fn whoever_has_connected_before_the_fence_is_served_and_nobody_is_reset() {
    kernel::raise_descriptor_limit().unwrap();
    let folder = Folder::new("fence");
    let listener = listen(&folder.socket());
    let crowd = Crowd::gather(&folder.socket());
    crowd.until(50);
    let fenced = fence(&listener).await;
    drop(listener);
    let (connected, lost) = crowd.end();
    assert_eq!((fenced.accepted, lost), (connected as u64, 0));
    assert_eq!(fenced.kernel, Some(true));
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[test]
fn without_the_fence_they_are_reset() {
    kernel::raise_descriptor_limit().unwrap();
    let folder = Folder::new("no-fence");
    let listener = listen(&folder.socket());
    let crowd = Crowd::gather(&folder.socket());
    crowd.until(50);
    listener.close();
    drop(listener);
    let (connected, lost) = crowd.end();
    assert!(lost > 0 && lost == connected, "{lost} of {connected}");
}

#[tokio::test]
async fn while_one_listener_follows_the_other_somebody_is_always_there() {
    let folder = Folder::new("replaced");
    let path = folder.socket();
    let mut current = listen(&path);
    let over = Arc::new(AtomicBool::new(false));
    let clients = [(); 3].map(|()| {
        let (over, path) = (Arc::clone(&over), path.clone());
        thread::spawn(move || {
            let (mut asked, mut lost) = (0_u32, Vec::new());
            while !over.load(SeqCst) {
                asked += 1;
                match UnixStream::connect(&path) {
                    Ok(client) if is_answered(&client) => {}
                    other => lost.push(format!("{other:?}")),
                }
            }
            (asked, lost)
        })
    });
    let mut fences = Vec::new();
    for _ in 0..300 {
        let before = std::mem::replace(&mut current, listen(&path));
        fences.push(tokio::spawn(async move { fence(&before).await }));
        tokio::task::yield_now().await;
    }
    for fence in fences {
        fence.await.unwrap();
    }
    over.store(true, SeqCst);
    fence(&current).await;
    for client in clients {
        let (asked, lost) = client.join().unwrap();
        println!("{asked} asked, {} lost", lost.len());
        assert!(lost.is_empty(), "{lost:?} of {asked}");
    }
}

#[test]
fn a_path_is_removed_by_whom_it_belongs_to() {
    let folder = Folder::new("whose");
    let path = folder.socket();
    let first = listen(&path);
    let second = listen(&path);
    let _client = UnixStream::connect(&path).unwrap();
    assert!(second.socket.accept().is_ok(), "the second one's");
    drop(first);
    assert!(UnixStream::connect(&path).is_ok(), "still there");
    drop(second);
    assert_eq!(
        UnixStream::connect(&path).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[test]
fn a_path_stays_where_nobody_can_be_alone_in_its_folder() {
    let folder = Folder::new("locked");
    let listener = listen(&folder.socket());
    let locked = fs::File::open(&folder.0).unwrap();
    locked.lock().unwrap();
    drop(listener);
    assert_eq!(folder.names(), ["app.sock"]);
    drop(listen(&folder.socket()));
    assert_eq!(folder.names(), ["app.sock"], "it is replaced all the same");
}

#[test]
fn what_a_process_has_left_is_replaced_and_what_is_no_socket_is_not() {
    let folder = Folder::new("left");
    let path = folder.socket();
    drop(UnixListener::bind(&path).unwrap());
    drop(listen(&path));
    fs::write(&path, "a letter").unwrap();
    let error = bind(&Address::Unix(path.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&path).unwrap(), "a letter");
    assert_eq!(folder.names(), ["app.sock"]);
}

#[test]
fn a_folder_that_is_not_there_is_said_to_be_missing() {
    let error = bind(&Address::Unix("/nowhere/app.sock".into())).unwrap_err();
    assert_eq!(error.to_string(), "its folder does not exist");
}

#[test]
fn what_was_given_must_listen_and_stays_open_for_others() {
    let connected = UnixStream::pair().unwrap().0;
    assert!(matches!(take(connected.into()), Err(Unfit::NoListener)));
    let file = fs::File::open("/dev/null").unwrap();
    assert!(matches!(take(file.into()), Err(Unfit::NoListener)));
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap();
    let given = take(held.try_clone().unwrap().into()).unwrap();
    assert_eq!(given.address(), Address::Tcp(address));
    drop(given.listen(1).unwrap());
    std::net::TcpStream::connect(address).unwrap();
    assert!(held.accept().is_ok());
}
