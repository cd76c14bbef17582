//! The lines of a head that is still arriving.

use memchr::memchr;

/// A head that is longer is refused. The codec's own limit, which it applies to what it is shown.
const LONGEST: usize = 128 * 1024;

/// How far the head at hand has been looked through.
///
/// The codec begins anew each time, so that a head that comes byte by byte would cost the square
/// of its length; and it takes a lone LF for the end of a line. Where something before us takes it
/// for a part of one, the two see different requests.
#[derive(Debug, Default)]
pub(super) struct Lines {
    looked_at: usize,
    /// Where the line at hand begins.
    line: usize,
    /// What the codec was last shown.
    shown: usize,
}

/// What is known of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// There is more to come.
    Partial,
    /// There is more to come, but it is worth a look whether this may be a head at all.
    Doubtful,
    /// Its last line is here.
    Whole,
    /// It is none, whatever comes.
    Bad,
}

/// Up to this length a first look at everything is cheaper than one at each line.
const SHORT: usize = 1024;

/// Whether an LF stands without its CR. Made to be vectorised: no early end.
fn has_lone_lf(bytes: &[u8]) -> bool {
    let pairs = bytes.iter().zip(bytes.get(1..).unwrap_or_default());
    pairs.fold(false, |lone, (before, byte)| {
        lone | ((*byte == b'\n') & (*before != b'\r'))
    })
}

impl Lines {
    /// Looks at what has arrived of a head since the last time.
    pub(super) fn look(&mut self, read: &[u8]) -> Look {
        // Most heads come in one piece with nothing behind them.
        let begins = read
            .first()
            .is_some_and(|byte| !matches!(byte, b'\r' | b'\n'));
        if self.shown == 0 && begins && read.len() <= SHORT && !has_lone_lf(read) {
            self.shown = read.len();
            return Look::Doubtful;
        }
        while let Some(offset) = memchr(b'\n', &read[self.looked_at..]) {
            let lf = self.looked_at + offset;
            // RFC 9112, 2.2: a recipient may take a lone LF for the end of a line. This one not.
            if lf == self.line || read[lf - 1] != b'\r' {
                return Look::Bad;
            }
            let is_empty = lf == self.line + 1;
            let began = self.line;
            (self.looked_at, self.line) = (lf + 1, lf + 1);
            match began {
                // The same: at least one empty line before a request is to be ignored. One is.
                0 if is_empty => {}
                2 if is_empty => return Look::Bad,
                _ if is_empty => return Look::Whole,
                _ => {}
            }
        }
        self.looked_at = read.len();
        if read.len() < LONGEST && read.len() / 2 < self.shown {
            return Look::Partial;
        }
        self.shown = read.len();
        Look::Doubtful
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(head: &str) -> Look {
        Lines::default().look(head.as_bytes())
    }

    #[test]
    fn a_head_is_whole_with_its_empty_line() {
        let mut lines = Lines::default();
        let head = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        assert_eq!(lines.look(&head[..4]), Look::Doubtful, "a first look");
        assert_eq!(lines.look(&head[..7]), Look::Partial);
        assert_eq!(
            lines.look(&head[..20]),
            Look::Doubtful,
            "there is twice as much"
        );
        assert_eq!(lines.look(head), Look::Whole);
        assert_eq!(look("GET / HTTP/1.1\r\nhost: a\r\n\r\nlone\n"), Look::Whole);
    }

    #[test]
    fn one_empty_line_before_a_head_is_ignored() {
        assert_eq!(look("\r\n"), Look::Doubtful);
        assert_eq!(look("\r\nGET / HTTP/1.1\r\nhost: a\r\n"), Look::Doubtful);
        assert_eq!(look("\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n"), Look::Whole);
        assert_eq!(look("\r\n\r\nGET"), Look::Bad);
    }

    #[test]
    fn a_line_that_ends_with_a_lone_lf_is_bad() {
        for head in ["\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nhost: a\n"] {
            assert_eq!(look(head), Look::Bad, "{head:?}");
        }
        assert_eq!(look("GET / HTTP/1.1\r\nhost: a\r\n\n"), Look::Bad);
    }

    #[test]
    fn a_lone_lf_is_found_wherever_it_stands() {
        for len in 1..100 {
            let good = "\r\n".repeat(len);
            assert!(!has_lone_lf(good.as_bytes()));
            for at in 1..len {
                let mut bytes = vec![b'y'; len];
                assert!(!has_lone_lf(&bytes));
                bytes[at] = b'\n';
                assert!(has_lone_lf(&bytes), "at {at} of {len}");
                bytes[at - 1] = b'\r';
                assert!(!has_lone_lf(&bytes), "at {at} of {len}");
            }
        }
    }

    #[test]
    fn what_comes_byte_by_byte_is_the_same_and_seldom_shown_to_the_codec() {
        let head = format!("GET / HTTP/1.1\r\nlong: {}\r\n\r\n", "y".repeat(100_000));
        let mut lines = Lines::default();
        let looks: Vec<Look> = (1..=head.len())
            .map(|end| lines.look(&head.as_bytes()[..end]))
            .collect();
        let (last, before) = looks.split_last().unwrap();
        assert_eq!(*last, Look::Whole);
        let shown = before.iter().filter(|look| **look == Look::Doubtful);
        assert_eq!(shown.count(), 17, "at each power of two");
        assert!(before.iter().all(|look| *look != Look::Bad));
    }

    #[test]
    fn a_head_that_is_too_long_is_shown_to_the_codec() {
        let head = vec![b'y'; LONGEST];
        let mut lines = Lines::default();
        assert_eq!(lines.look(&head[..LONGEST - 1]), Look::Doubtful);
        assert_eq!(lines.look(&head), Look::Doubtful);
    }
}
