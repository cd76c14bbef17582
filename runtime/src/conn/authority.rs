//! Whom a request is for: the value of `Host` (RFC 9110, 7.2) and of `:authority` (RFC 9113, 8.3.1).

use std::{cell::RefCell, net::Ipv6Addr, str};

/// A host, and its port if one is named. User information is no part of it (RFC 9110, 4.2.4).
#[derive(Clone, Copy, Debug)]
pub(super) struct Authority<'a> {
    host: &'a [u8],
    port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// `None` unless it is one host that is not empty, in the form of RFC 3986 (3.2.2), and at most
    /// one port. A comma, which that form allows and no host has, is what joins two fields.
    #[inline]
    pub(super) fn parse(value: &'a [u8]) -> Option<Self> {
        let (host, port) = match value.first()? {
            b'[' => bracketed(value)?,
            _ => named(value)?,
        };
        let port = match port {
            [] | [b':'] => None,
            [b':', digits @ ..] => Some(number(digits)?),
            _ => return None,
        };
        Some(Self { host, port })
    }

    /// Whether both are the same place to a client of this scheme (RFC 3986, 6.2).
    pub(super) fn is(self, other: Authority<'_>, scheme: &str) -> bool {
        let usual = match scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        self.host.eq_ignore_ascii_case(other.host) && self.port.or(usual) == other.port.or(usual)
    }
}

/// The longest name that DNS has, with a port.
const LONGEST: usize = 255 + ":65535".len();

/// The last host that was good. The requests of a worker mostly name the same, and to compare takes a
/// fraction of what it takes to parse.
#[derive(Debug, Default)]
pub(super) struct LastHost(RefCell<Vec<u8>>);

impl LastHost {
    /// Whether [`Authority::parse`] takes it.
    #[inline]
    pub(super) fn is_good(&self, value: &[u8]) -> bool {
        *self.0.borrow() == value && !value.is_empty() || self.parses(value)
    }

    fn parses(&self, value: &[u8]) -> bool {
        let good = Authority::parse(value).is_some();
        if good && value.len() <= LONGEST {
            let mut last = self.0.borrow_mut();
            last.clear();
            last.extend_from_slice(value);
        }
        good
    }
}

/// An address of IPv6 with its brackets, and what follows.
fn bracketed(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = value.iter().position(|byte| *byte == b']')?;
    let address = str::from_utf8(&value[1..end]).ok()?;
    address.parse::<Ipv6Addr>().ok()?;
    Some(value.split_at(end + 1))
}

/// A name, or an address of IPv4, and what follows.
fn named(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut end = 0;
    while let Some(byte) = value.get(end) {
        end += match byte {
            _ if OF_NAME[usize::from(*byte)] => 1,
            b'%' if value[end + 1..].get(..2).is_some_and(is_hex) => 3,
            _ => break,
        };
    }
    (end > 0).then(|| value.split_at(end))
}

/// A port. Each request has one: the standard library's parser takes a sign, too, and its time.
fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

fn is_hex(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_hexdigit)
}

/// Which bytes a name may have: a table, because each request is asked.
const OF_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut others = b"-._~!$&'()*+;=".as_slice();
    while let [first, rest @ ..] = others {
        table[*first as usize] = true;
        others = rest;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_a_port_are_taken() {
        let taken = [
            "a",
            "example.com",
            "EXAMPLE.com:8080",
            "a_b-c~d.e",
            "a:",
            "192.0.2.1:80",
            "[::1]",
            "[2001:db8::7]:8443",
            "%41.example",
            "xn--bcher-kva.example.",
        ];
        for value in taken {
            assert!(Authority::parse(value.as_bytes()).is_some(), "{value}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let refused = [
            "",
            " ",
            "a b",
            "a, b",
            "a,b",
            "u@a",
            "u:p@a",
            "a/b",
            "a?b",
            "a#b",
            "a\\b",
            "a%4",
            "a%zz",
            ":80",
            "a:b",
            "a:80:80",
            "a:65536",
            "a:+1",
            "a:-1",
            "a: 80",
            "[::1",
            "::1",
            "[::1]a",
            "[a]",
            "[]",
            "[::1%25eth0]",
            "a\0",
            "a\u{fc}",
            "http://a",
            "a\"b",
            "<a>",
        ];
        for value in refused {
            assert!(Authority::parse(value.as_bytes()).is_none(), "{value:?}");
        }
    }

    #[test]
    fn a_host_is_good_or_not_whatever_was_asked_before() {
        let last = LastHost::default();
        let asked = ["", "a", "a", "a b", "a", "", "b:80", "b:80", "b:8x"];
        for value in asked.map(str::as_bytes) {
            assert_eq!(last.is_good(value), Authority::parse(value).is_some());
        }
    }

    #[test]
    fn the_same_place_has_several_spellings() {
        let is = |one: &str, other: &str, scheme| {
            let [one, other] = [one, other].map(|text| Authority::parse(text.as_bytes()).unwrap());
            one.is(other, scheme)
        };
        assert!(is("a.example", "A.Example", "http"));
        assert!(is("a", "a:80", "http") && is("a:", "a", "http"));
        assert!(is("a:443", "a", "https") && !is("a:80", "a", "https"));
        assert!(!is("a", "b", "http") && !is("a:8080", "a:8081", "http"));
        assert!(!is("a", "a:80", "coap"));
    }
}
