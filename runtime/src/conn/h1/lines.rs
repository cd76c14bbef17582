//! The lines of a head that is still arriving.

use bytes::{Buf as _, BytesMut};
use memchr::memchr;

use crate::rules::{Rule, Rules};

/// A head that is longer is refused. The codec's own limit, which it applies to what it is shown.
const LONGEST: usize = 128 * 1024;

/// So many bytes of line ends may come before a head: 64 of them, far more than any client has a
/// reason for.
const LINE_ENDS: usize = 2 * 64;

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
    /// So many bytes of line ends have been skipped. If their number is odd, the last is a CR whose
    /// LF is still to come.
    skipped: usize,
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
    /// So it is, and it is longer than it may be: the codec sees the length of what is not whole alone.
    Long,
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
    /// Takes line ends before a head from the front of `read`, and forgets them: they are no part
    /// of a request, and whoever has sent nothing else is idle (RFC 9112, 2.2). True if something
    /// else is there.
    ///
    /// Clients that put one behind a body are old, and those that keep a connection open with some
    /// now and then are rare. Each is as good as nothing, so they may come until the connection has
    /// been idle for too long; but not in a flood, which costs our time and no request of theirs.
    #[inline]
    pub(super) fn skip_line_ends(&mut self, read: &mut BytesMut, rules: Rules) -> bool {
        let begins = self.shown == 0 && self.looked_at == 0 && !rules.lack(Rule::LineEnds);
        if begins && (read.first() == Some(&b'\r') || !self.skipped.is_multiple_of(2)) {
            self.skip(read);
        }
        !read.is_empty()
    }

    #[cold]
    fn skip(&mut self, read: &mut BytesMut) {
        let room = LINE_ENDS.saturating_sub(self.skipped);
        let (cr_first, lf_first) = ([b'\r', b'\n'], [b'\n', b'\r']);
        let expected = if self.skipped.is_multiple_of(2) {
            cr_first
        } else {
            lf_first
        };
        let pairs = read.iter().zip(expected.iter().cycle()).take(room);
        let ends = pairs
            .take_while(|(byte, expected)| byte == expected)
            .count();
        self.skipped += ends;
        read.advance(ends);
    }

    /// Whether anything but the head has come before it.
    pub(super) fn have_skipped(&self) -> bool {
        self.skipped > 0
    }

    /// Looks at what has arrived of a head since the last time.
    pub(super) fn look(&mut self, read: &[u8]) -> Look {
        let begins = matches!(read.first(), Some(byte) if !matches!(byte, b'\r' | b'\n'));
        if !begins || !self.skipped.is_multiple_of(2) {
            return Look::Bad;
        }
        // Most heads come in one piece with nothing behind them.
        if self.shown == 0 && read.len() <= SHORT && !has_lone_lf(read) {
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
            (self.looked_at, self.line) = (lf + 1, lf + 1);
            match is_empty {
                true if lf >= LONGEST => return Look::Long,
                true => return Look::Whole,
                false => {}
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
    fn a_head_that_is_too_long_is_so_however_it_comes() {
        let head = |length: usize| {
            let [begin, end] = ["GET / HTTP/1.1\r\na: ", "\r\n\r\n"];
            let value = "a".repeat(length - begin.len() - end.len());
            format!("{begin}{value}{end}")
        };
        let mut lines = Lines::default();
        let long = head(LONGEST + 1);
        assert_eq!(lines.look(&long.as_bytes()[..LONGEST - 1]), Look::Doubtful);
        assert_eq!(lines.look(long.as_bytes()), Look::Long);
        assert_eq!(look(&long), Look::Long);
        assert_eq!(look(&head(LONGEST)), Look::Whole);
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

    /// What is left, and whether it may be a head.
    fn skip(pieces: &[&str]) -> (String, bool) {
        let (mut lines, mut read, mut left) = (Lines::default(), BytesMut::new(), false);
        for piece in pieces {
            read.extend_from_slice(piece.as_bytes());
            left = lines.skip_line_ends(&mut read, Rules::default());
        }
        let good = !left || lines.look(&read) != Look::Bad;
        (String::from_utf8(read.to_vec()).unwrap(), good)
    }

    #[test]
    fn line_ends_before_a_head_are_nothing() {
        for pieces in [
            &["\r\n"][..],
            &["\r", "\n"],
            &["\r\n\r", "\n"],
            &["\r"],
            &["\r\n\r\n\r\n"],
        ] {
            assert_eq!(skip(pieces), (String::new(), true), "{pieces:?}");
            let with_head = [pieces, &["\n"][..pieces.concat().len() % 2], &["GET"]].concat();
            assert_eq!(skip(&with_head), ("GET".to_owned(), true), "{pieces:?}");
        }
        let most = "\r\n".repeat(LINE_ENDS / 2);
        assert_eq!(skip(&[&most, "GET"]), ("GET".to_owned(), true));
    }

    #[test]
    fn what_is_no_line_end_or_one_too_many_is_bad() {
        let flood = "\r\n".repeat(LINE_ENDS / 2 + 1);
        for pieces in [
            &["\n"][..],
            &["\rGET"],
            &["\r", "GET"],
            &["\r\r\n"],
            &["\r", "\r\n"],
            &["\r\n\n"],
            &["\r\n", "\n"],
            &[&flood],
            &[&flood[..flood.len() - 2], "\r"],
        ] {
            assert!(!skip(pieces).1, "{pieces:?}");
        }
    }

    #[test]
    fn what_comes_in_the_middle_of_a_head_is_not_skipped() {
        let mut lines = Lines::default();
        let mut read = BytesMut::from("G");
        assert!(lines.skip_line_ends(&mut read, Rules::default()));
        assert_eq!(lines.look(&read), Look::Doubtful);
        read.extend_from_slice(b"\r\n");
        assert!(lines.skip_line_ends(&mut read, Rules::default()));
        assert_eq!(&read[..], b"G\r\n");
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
