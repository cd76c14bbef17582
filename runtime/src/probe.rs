//! `prestop` and `healthcheck`: one request to the admin listener of the running service.
//!
//! They are part of the service's own binary because a scratch image has no shell and no curl.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::exit::Exit;

/// A listener on this machine accepts at once or not at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// An answer to `GET /livez` that takes longer is none.
const LIVENESS_TIMEOUT: Duration = Duration::from_secs(2);

/// Far more than the status line and the headers that we ask for can need.
const LONGEST_HEAD: usize = 16 * 1024;

/// Why a probe failed. `Display` is the one line for the user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    /// The port was left to the system to choose, so nobody outside the service knows it.
    #[error("admin.address = \"{0}\": must have a fixed port for prestop and healthcheck")]
    NoPort(SocketAddr),
    /// Nobody listens.
    #[error("cannot reach the service at {address}: {source}; is it running?")]
    Unreachable {
        /// Where it was looked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The connection broke, or no answer came in time.
    #[error("the service at {address} did not answer {request}: {source}")]
    NoAnswer {
        /// Who was asked.
        address: SocketAddr,
        /// What was asked.
        request: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// An answer other than 200.
    #[error("the service at {address} answered {request} with {status:?}, not 200")]
    Refused {
        /// Who was asked.
        address: SocketAddr,
        /// What was asked.
        request: &'static str,
        /// The status code and reason, or what came instead.
        status: String,
    },
}

impl ProbeError {
    /// 69, or 64 where the settings make a probe impossible. Docker and Kubernetes look only
    /// at whether it is 0.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NoPort(_) => Exit::Usage,
            _ => Exit::Unavailable,
        }
    }
}

/// Starts the lame duck of the service whose `admin.address` this is, and waits for its end,
/// for at most `grace_period`: after that nobody is left to answer.
///
/// # Errors
/// [`ProbeError`]
pub(crate) fn prestop(admin: SocketAddr, grace_period: Duration) -> Result<(), ProbeError> {
    ask(admin, "POST /prestop", grace_period)
}

/// Asks the service whether it is alive, by `GET /livez`: within 2 s.
///
/// Not whether it is ready: an unhealthy container is restarted, and a service that drains is
/// not ready, and must not be restarted for it.
///
/// # Errors
/// [`ProbeError`]
pub(crate) fn healthcheck(admin: SocketAddr) -> Result<(), ProbeError> {
    ask(admin, "GET /livez", LIVENESS_TIMEOUT)
}

fn ask(admin: SocketAddr, request: &'static str, limit: Duration) -> Result<(), ProbeError> {
    let deadline = Instant::now() + limit;
    if admin.port() == 0 {
        return Err(ProbeError::NoPort(admin));
    }
    let (stream, address) = connect(admin, CONNECT_TIMEOUT.min(limit))?;
    let status =
        exchange(stream, address, request, deadline).map_err(|source| ProbeError::NoAnswer {
            address,
            request,
            source,
        })?;
    if status == "200" || status.starts_with("200 ") {
        Ok(())
    } else {
        Err(ProbeError::Refused {
            address,
            request,
            status,
        })
    }
}

/// Connects to the first of the listener's addresses that answers. If none does, the first tells.
fn connect(admin: SocketAddr, limit: Duration) -> Result<(TcpStream, SocketAddr), ProbeError> {
    let attempt = |ip: &IpAddr| {
        let address = SocketAddr::new(*ip, admin.port());
        match TcpStream::connect_timeout(&address, limit) {
            Ok(stream) => Ok((stream, address)),
            Err(source) => Err(ProbeError::Unreachable { address, source }),
        }
    };
    let (first, others) = from_here(admin.ip());
    attempt(&first).or_else(|error| others.iter().find_map(|ip| attempt(ip).ok()).ok_or(error))
}

/// A listener on all addresses is reached by the loopback ones, which are also the only ones from
/// which `/prestop` may be called. One on all of IPv6 takes IPv4, too, and only so can be reached
/// where IPv6 is disabled at loopback.
fn from_here(ip: IpAddr) -> (IpAddr, &'static [IpAddr]) {
    const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => (V4, &[]),
        IpAddr::V6(ip) if ip.is_unspecified() => (V6, &[V4]),
        ip => (ip, &[]),
    }
}

/// Sends the request and reads the answer to its end, which is the connection's.
/// Returns the status line without the protocol's version.
fn exchange(
    mut stream: TcpStream,
    address: SocketAddr,
    request: &str,
    deadline: Instant,
) -> io::Result<String> {
    stream.set_write_timeout(Some(CONNECT_TIMEOUT))?;
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    let mut chunk = [0; 1024];
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut chunk) {
            Ok(0) => return Err(io::Error::other("it closed the connection")),
            Ok(read) if answer.len() + read > LONGEST_HEAD => {
                return Err(io::Error::other("its answer has no end"));
            }
            Ok(read) => answer.extend_from_slice(&chunk[..read]),
            Err(error) if retried(&error) => {}
            Err(error) => return Err(error),
        }
    }
    let head = String::from_utf8_lossy(&answer);
    let line = head.lines().next().unwrap_or_default();
    let status = line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split_once(' '));
    Ok(status
        .map_or(line, |(_, status)| status)
        .trim_end()
        .to_owned())
}

/// Interrupted by a signal, or by the read timeout, which the deadline then decides.
fn retried(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::thread::{JoinHandle, spawn};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// Answers one request in pieces, and hands back its request line.
    fn service(pieces: &'static [&'static str]) -> (SocketAddr, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serve = move || {
            let (mut stream, _) = listener.accept().unwrap();
            let head: Vec<String> = BufReader::new(&stream)
                .lines()
                .map(Result::unwrap)
                .take_while(|line| !line.is_empty())
                .collect();
            for piece in pieces {
                stream.write_all(piece.as_bytes()).unwrap();
            }
            head[0].clone()
        };
        (address, spawn(serve))
    }

    #[test]
    fn prestop_posts_and_takes_200_for_done() {
        let (address, service) = service(&["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]);
        prestop(address, LONG).unwrap();
        assert_eq!(service.join().unwrap(), "POST /prestop HTTP/1.1");
    }

    #[test]
    fn healthcheck_asks_for_liveness() {
        let (address, service) = service(&["HTTP/1.1 2", "00\r\n", "\r", "\nfine"]);
        ask(address, "GET /livez", LONG).unwrap();
        assert_eq!(service.join().unwrap(), "GET /livez HTTP/1.1");
    }

    #[test]
    fn anything_but_200_is_a_refusal_and_is_quoted() {
        for answer in [
            &["HTTP/1.1 403 Forbidden\r\n\r\n"][..],
            &["SSH-2.0 2000\r\n\r\n"],
        ] {
            let (address, _service) = service(answer);
            let error = prestop(address, LONG).unwrap_err();
            assert!(matches!(error, ProbeError::Refused { .. }), "{error}");
            assert_eq!(error.exit(), Exit::Unavailable);
        }
        let (address, _service) = service(&["HTTP/1.1 403 Forbidden\r\n\r\n"]);
        let error = prestop(address, LONG).unwrap_err().to_string();
        assert!(
            error.ends_with("answered POST /prestop with \"403 Forbidden\", not 200"),
            "{error}"
        );
    }

    #[test]
    fn nobody_there_is_said_in_one_line() {
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let error = healthcheck(address).unwrap_err();
        assert_eq!(error.exit(), Exit::Unavailable);
        let error = error.to_string();
        assert!(
            error.starts_with(&format!("cannot reach the service at {address}: ")),
            "{error}"
        );
        assert!(!error.contains('\n'));
    }

    #[test]
    fn a_service_that_dies_before_it_answers_has_not_answered() {
        let (address, _service) = service(&["HTTP/1.1 200 OK\r\n"]);
        assert!(matches!(
            prestop(address, LONG),
            Err(ProbeError::NoAnswer { .. })
        ));
    }

    #[test]
    fn no_answer_in_time_is_a_failure() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let error = ask(address, "GET /livez", Duration::from_millis(20)).unwrap_err();
        assert!(
            error.to_string().ends_with("GET /livez: no answer in time"),
            "{error}"
        );
    }

    #[test]
    fn a_listener_on_all_addresses_is_found_where_ipv6_is_disabled_at_loopback() {
        // Then nobody can be reached at [::1], as nobody can here.
        let (v4, service) = service(&["HTTP/1.1 200 OK\r\n\r\n"]);
        let bound = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), v4.port());
        ask(bound, "GET /livez", LONG).unwrap();
        service.join().unwrap();
    }

    #[test]
    fn a_listener_on_all_addresses_is_asked_at_loopback_its_own_family_first() {
        for (bound, asked) in [
            ("0.0.0.0", &["127.0.0.1"][..]),
            ("::", &["::1", "127.0.0.1"]),
            ("127.0.0.5", &["127.0.0.5"]),
        ] {
            let (first, others) = from_here(bound.parse().unwrap());
            let all: Vec<_> = [&[first], others].concat();
            let asked: Vec<IpAddr> = asked.iter().map(|ip| ip.parse().unwrap()).collect();
            assert_eq!(all, asked);
        }
    }

    #[test]
    fn a_port_that_the_system_chose_cannot_be_asked() {
        let error = healthcheck("127.0.0.1:0".parse().unwrap()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("admin.address = \"127.0.0.1:0\": must have")
        );
        assert_eq!(error.exit(), Exit::Usage);
    }
}
