//! The choice between HTTP/1.1 and HTTP/2 in the clear, "with prior knowledge" (RFC 9113, 3.3).
//! `Upgrade: h2c` is no more (RFC 9113, 3.1), and ignored.

/// What a client of HTTP/2 sends first (RFC 9113, 3.4).
pub(in crate::conn) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What begins like a request of HTTP/1.1 is left to its codec, whose error it then is.
const METHOD: &[u8] = b"PRI ";

/// What a connection's first bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::conn) enum Preface {
    /// The preface, and maybe more.
    Whole,
    /// A part of it, which cannot be anything else.
    Part,
    /// Something else.
    No,
}

/// Looks at the first bytes of a connection.
pub(in crate::conn) fn look(bytes: &[u8]) -> Preface {
    if !bytes.starts_with(METHOD) {
        return Preface::No;
    }
    match bytes.len() >= PREFACE.len() {
        true if bytes.starts_with(PREFACE) => Preface::Whole,
        false if PREFACE.starts_with(bytes) => Preface::Part,
        _ => Preface::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preface_is_known_in_pieces_and_with_what_follows_it() {
        for length in METHOD.len()..PREFACE.len() {
            assert_eq!(look(&PREFACE[..length]), Preface::Part, "{length}");
        }
        assert_eq!(look(PREFACE), Preface::Whole);
        assert_eq!(look(&[PREFACE, b"\0\0\0\x04"].concat()), Preface::Whole);
    }

    #[test]
    fn requests_of_http_1_are_something_else() {
        let requests = [
            "",
            "P",
            "PRI",
            "PUT / HTTP/1.1\r\n",
            "PRI / HTTP/1.1\r\n\r\n",
        ];
        for request in requests {
            assert_eq!(look(request.as_bytes()), Preface::No, "{request}");
        }
        let not_quite = "PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n";
        assert_eq!(look(not_quite.as_bytes()), Preface::No);
    }
}
