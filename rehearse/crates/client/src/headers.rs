//! Header fields that every request carries beside those that it needs.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::str::FromStr;

/// What the client itself has to say, or what would change how its requests are framed.
const RESERVED: [&str; 8] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

const ALLOWED: &str = "must be \"Name: value\", in visible ASCII, and not a field that the client sends \
                       itself, such as Connection or Content-Length";

/// A header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    name: String,
    value: String,
}

impl FromStr for Header {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once(':').ok_or(ALLOWED)?;
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let visible = |c: char| c == ' ' || c.is_ascii_graphic();
        let valid = !name.is_empty() && name.chars().all(token) && value.chars().all(visible);
        let allowed =
            valid && !RESERVED.contains(&&*name) && !name.starts_with("sec-websocket-key");
        allowed.then_some(Self { name, value }).ok_or(ALLOWED)
    }
}

/// What every request says beside what it has to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<Header>);

impl FromIterator<Header> for Headers {
    fn from_iter<I: IntoIterator<Item = Header>>(headers: I) -> Self {
        Self(headers.into_iter().collect())
    }
}

impl Headers {
    /// The authority: what was asked for, or else the peer.
    pub(super) fn host(&self, peer: SocketAddr) -> String {
        let host = self.0.iter().find(|header| header.name == "host");
        host.map_or_else(|| peer.to_string(), |header| header.value.clone())
    }

    /// All fields but the authority, as names in small letters and values.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.0.iter().filter(|header| header.name != "host");
        fields.map(|Header { name, value }| (name.as_str(), value.as_str()))
    }

    /// The head of a request of HTTP/1.1. `own` are whole lines, each with its CRLF.
    pub(super) fn request(
        &self,
        method: &str,
        target: &str,
        peer: SocketAddr,
        own: &str,
    ) -> Vec<u8> {
        let host = self.host(peer);
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nuser-agent: rehearse\r\n");
        for (name, value) in self.fields() {
            let _infallible = write!(head, "{name}: {value}\r\n");
        }
        (head + own + "\r\n").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(texts: &[&str]) -> Headers {
        texts
            .iter()
            .map(|text| text.parse::<Header>().unwrap())
            .collect()
    }

    #[test]
    fn what_was_asked_for_stands_in_each_request_and_the_host_takes_the_peers_place() {
        let peer = "127.0.0.1:80".parse().unwrap();
        let plain = headers(&[]).request("GET", "/", peer, "");
        assert_eq!(
            plain,
            b"GET / HTTP/1.1\r\nhost: 127.0.0.1:80\r\nuser-agent: rehearse\r\n\r\n"
        );
        let more = headers(&["Host: shop.example", "X-Token:  a b "]);
        let head = String::from_utf8(more.request("POST", "/x", peer, "content-length: 0\r\n"));
        assert_eq!(
            head.unwrap(),
            "POST /x HTTP/1.1\r\nhost: shop.example\r\nuser-agent: rehearse\r\nx-token: a b\r\n\
             content-length: 0\r\n\r\n"
        );
    }

    #[test]
    fn what_would_change_a_requests_framing_is_refused() {
        for text in [
            "x",
            ": y",
            "a b: c",
            "x: a\r\ny: b",
            "Content-Length: 5",
            "connection: close",
        ] {
            assert_eq!(text.parse::<Header>().unwrap_err(), ALLOWED, "{text}");
        }
    }
}
