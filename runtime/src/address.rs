use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// What the path of a Unix socket begins with.
const UNIX: &str = "unix:";

/// Longer paths are refused: where `sun_path` is shortest it has room for 103 bytes (macOS; Linux 107), and
/// a socket first has a temporary name of 8 bytes beside its own.
const LONGEST_PATH: usize = 96;

/// Where a service can be reached: what `http.address` says, once a port has been found.
///
/// ```
/// use lastcall::Address;
///
/// let tcp = Address::Tcp(([127, 0, 0, 1], 8080).into());
/// assert_eq!(tcp.to_string(), "127.0.0.1:8080");
/// assert_eq!(Address::Unix("/run/app.sock".into()).to_string(), "unix:/run/app.sock");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// The path of a Unix socket. One that was inherited may be abstract: its name then begins with `@`.
    Unix(PathBuf),
}

impl Address {
    /// The IP address and the port, where there are any: a Unix socket has none.
    #[must_use]
    pub fn socket_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// What [`Display`](fmt::Display) has written.
    ///
    /// # Errors
    /// What was expected instead.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix(UNIX) {
            Some(path) => unix(path),
            None => text.parse().map(Self::Tcp).map_err(|_| {
                r#"an IP address and a port, such as "0.0.0.0:8080" or "[::]:8080", or the path of a Unix socket, such as "unix:/run/app.sock""#
                    .to_owned()
            }),
        }
    }
}

/// The address of a Unix socket at this path.
///
/// # Errors
/// What was expected instead.
pub(crate) fn unix(path: impl AsRef<Path>) -> Result<Address, String> {
    let path = path.as_ref();
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.starts_with(b"@") {
        return Err(
            r#"the path of a file, such as "unix:/run/app.sock": abstract sockets are not served"#
                .to_owned(),
        );
    }
    // A folder that is entered later would change what a relative one means.
    if !path.is_absolute()
        || path.file_name().is_none()
        || bytes.ends_with(b"/")
        || bytes.contains(&0)
    {
        return Err(r#"the absolute path of a file, such as "unix:/run/app.sock""#.to_owned());
    }
    if bytes.len() > LONGEST_PATH {
        return Err(format!(
            "a path of at most {LONGEST_PATH} bytes, since the system keeps little room for it"
        ));
    }
    Ok(Address::Unix(path.to_owned()))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["0.0.0.0:8080", "[::1]:0", "unix:/run/app.sock", "unix:/app"] {
            assert_eq!(
                Address::parse(text).map(|address| address.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_is_one() {
        let long = format!("unix:/{}", "a".repeat(LONGEST_PATH));
        for (text, expected) in [
            ("localhost:80", "an IP address and a port"),
            ("/run/app.sock", "the path of a Unix socket"),
            ("unix:", "the absolute path"),
            ("unix:app.sock", "the absolute path"),
            ("unix:/run/", "the absolute path"),
            ("unix:/run/..", "the absolute path"),
            ("unix:/a\0b", "the absolute path"),
            ("unix:@app", "abstract sockets are not served"),
            (&long, "a path of at most 96 bytes"),
        ] {
            let told = Address::parse(text).unwrap_err();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
