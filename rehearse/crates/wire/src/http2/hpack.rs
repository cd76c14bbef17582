//! Heads in HPACK (RFC 7541): ours in literals, and of a response the status and the length.
//!
//! We allow no dynamic table, so that whoever answers can refer to nothing but the static one, and
//! a head can be read without those before it. Names and values that do not matter are skipped
//! undecoded. Those that do are made of digits.

/// The setting that limits the table, and the value that leaves none.
pub const NO_TABLE: (u16, u32) = (1, 0);

/// Places in the static table (appendix A).
const METHOD: u8 = 2;
const METHOD_GET: u8 = 2;
const SCHEME_HTTP: u8 = 6;
const SCHEME_HTTPS: u8 = 7;
const AUTHORITY: u8 = 1;
const PATH: u8 = 4;
const STATUS: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
const FIRST_STATUS: u64 = 8;
const CONTENT_LENGTH: u64 = 28;
const USER_AGENT: u8 = 58;
const LAST: u64 = 61;

const INDEXED: u8 = 0x80;
const INDEXING: u8 = 0x40;
const TABLE_SIZE: u8 = 0x20;

/// What a request comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

/// The head of a `GET`, with these fields, too: their names in lower case.
pub fn get<'a>(
    scheme: Scheme,
    authority: &str,
    target: &str,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<u8> {
    request(scheme, "GET", authority, target, fields)
}

/// The head of a request, with these fields, too: their names in lower case.
pub fn request<'a>(
    scheme: Scheme,
    method: &str,
    authority: &str,
    target: &str,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<u8> {
    let mut block = Vec::new();
    match method {
        "GET" => block.push(INDEXED | METHOD_GET),
        _ => literal(&mut block, METHOD, method),
    }
    block.push(match scheme {
        Scheme::Http => INDEXED | SCHEME_HTTP,
        Scheme::Https => INDEXED | SCHEME_HTTPS,
    });
    literal(&mut block, AUTHORITY, authority);
    literal(&mut block, PATH, target);
    literal(&mut block, USER_AGENT, "rehearse");
    for (name, value) in fields {
        put(&mut block, 4, 0);
        text(&mut block, name);
        text(&mut block, value);
    }
    block
}

/// A literal that nobody is to remember (6.2.2), by its name's place in the static table.
fn literal(block: &mut Vec<u8>, name: u8, value: &str) {
    put(block, 4, name.into());
    text(block, value);
}

/// A string as it is.
fn text(block: &mut Vec<u8>, text: &str) {
    put(block, 7, text.len());
    block.extend_from_slice(text.as_bytes());
}

/// A number behind a prefix of so many bits, all others 0 (5.1).
fn put(block: &mut Vec<u8>, prefix: u32, number: usize) {
    let most = (1 << prefix) - 1;
    if number < most {
        block.push(number as u8);
        return;
    }
    block.push(most as u8);
    let mut rest = number - most;
    while rest >= 128 {
        block.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    block.push(rest as u8);
}

/// What matters of a response's head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Not there in trailers.
    pub status: Option<u16>,
    /// Content-Length.
    pub length: Option<u64>,
}

impl Head {
    /// Reads a whole block. The error says what is malformed.
    pub fn parse(mut block: &[u8]) -> Result<Self, &'static str> {
        let mut head = Self::default();
        while let Some(&first) = block.first() {
            if first & INDEXED != 0 {
                head.indexed(number(&mut block, 7)?)?;
            } else if first & INDEXING != 0 {
                head.literal(&mut block, 6)?;
            } else if first & TABLE_SIZE != 0 {
                if number(&mut block, 5)? > 0 {
                    return Err("a header table larger than was allowed");
                }
            } else {
                head.literal(&mut block, 4)?;
            }
        }
        Ok(head)
    }

    fn indexed(&mut self, index: u64) -> Result<(), &'static str> {
        if !(1..=LAST).contains(&index) {
            return Err("a header from a table that was not allowed");
        }
        let status = index.checked_sub(FIRST_STATUS);
        let status = status.and_then(|nth| STATUS.get(nth as usize));
        self.status = status.copied().or(self.status);
        Ok(())
    }

    fn literal(&mut self, block: &mut &[u8], prefix: u32) -> Result<(), &'static str> {
        let index = number(block, prefix)?;
        if index > LAST {
            return Err("a header from a table that was not allowed");
        }
        if index == 0 {
            let _name = string(block)?;
        }
        let value = string(block)?;
        if (FIRST_STATUS..FIRST_STATUS + STATUS.len() as u64).contains(&index) {
            let status = value.digits().and_then(|status| status.try_into().ok());
            self.status = Some(status.ok_or("a :status that is no number")?);
        } else if index == CONTENT_LENGTH {
            self.length = Some(value.digits().ok_or("bad Content-Length")?);
        }
        Ok(())
    }
}

/// A string as it was sent: plain, or in Huffman's code.
struct Text<'a> {
    bytes: &'a [u8],
    huffman: bool,
}

impl Text<'_> {
    /// The number that it is, if it is one.
    fn digits(&self) -> Option<u64> {
        let digits = match self.huffman {
            true => huffman_digits(self.bytes)?,
            false => self.bytes.to_vec(),
        };
        let all = digits.iter().all(u8::is_ascii_digit);
        all.then(|| str::from_utf8(&digits).ok()?.parse().ok())?
    }
}

/// Digits in Huffman's code (appendix B): of five bits for 0 to 2, of six for the rest. Up to seven
/// bits of padding, all 1, fill the last byte.
fn huffman_digits(bytes: &[u8]) -> Option<Vec<u8>> {
    let bits: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
        .collect();
    let (mut rest, mut digits) = (&bits[..], Vec::new());
    let code = |bits: &[u8]| bits.iter().fold(0, |code, bit| code << 1 | bit);
    loop {
        let short = rest.get(..5).map(code).filter(|code| *code <= 2);
        let long = || {
            rest.get(..6)
                .map(code)
                .filter(|code| (25..=31).contains(code))
        };
        let (digit, length) = match short {
            Some(code) => (code, 5),
            None => match long() {
                Some(code) => (code - 22, 6),
                None => break,
            },
        };
        digits.push(b'0' + digit);
        rest = &rest[length..];
    }
    (rest.len() < 8 && rest.iter().all(|bit| *bit == 1)).then_some(digits)
}

fn string<'a>(block: &mut &'a [u8]) -> Result<Text<'a>, &'static str> {
    let huffman = block.first().is_some_and(|byte| byte & 0x80 != 0);
    let length = usize::try_from(number(block, 7)?).unwrap_or(usize::MAX);
    let (bytes, rest) = block.split_at_checked(length).ok_or(CUT)?;
    *block = rest;
    Ok(Text { bytes, huffman })
}

const CUT: &str = "a header block that ends too early";

fn number(block: &mut &[u8], prefix: u32) -> Result<u64, &'static str> {
    let (&first, mut rest) = block.split_first().ok_or(CUT)?;
    let most = (1_u64 << prefix) - 1;
    let mut number = u64::from(first) & most;
    if number == most {
        let mut shift = 0;
        loop {
            let (&byte, behind) = rest.split_first().ok_or(CUT)?;
            rest = behind;
            if shift > 28 {
                return Err("a number without end in a header block");
            }
            number += u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    *block = rest;
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(block: &[u8]) -> Result<(Option<u16>, Option<u64>), &'static str> {
        Head::parse(block).map(|head| (head.status, head.length))
    }

    /// Examples of RFC 7541, appendix C.6, as an encoder without a table would send them.
    #[test]
    fn a_status_is_read_from_the_table_plain_and_in_huffmans_code() {
        assert_eq!(parsed(&[0x88]), Ok((Some(200), None)));
        assert_eq!(parsed(&[0x20, 0x8e]), Ok((Some(500), None)));
        assert_eq!(parsed(b"\x08\x03503"), Ok((Some(503), None)));
        assert_eq!(parsed(&[0x48, 0x82, 0x64, 0x02]), Ok((Some(302), None)));
        assert_eq!(
            parsed(&[0x48, 0x83, 0x64, 0x0e, 0xff]),
            Ok((Some(307), None))
        );
    }

    #[test]
    fn a_length_is_read_and_what_does_not_matter_is_skipped() {
        let block = [
            &[0x88, 0x0f, 0x0d, 0x02][..],
            b"13",
            b"\x00\x01a\x83\xff\xff\xff",
        ]
        .concat();
        assert_eq!(parsed(&block), Ok((Some(200), Some(13))));
        assert_eq!(parsed(b"\x00\x01a\x01b"), Ok((None, None)), "trailers");
    }

    #[test]
    fn every_digit_has_its_code() {
        let codes = [0_u8, 1, 2, 25, 26, 27, 28, 29, 30, 31];
        for (digit, code) in codes.into_iter().enumerate() {
            let bits = if digit < 3 { 5 } else { 6 };
            let byte = code << (8 - bits) | (0xff >> bits);
            assert_eq!(huffman_digits(&[byte]), Some(vec![b'0' + digit as u8]));
        }
        assert_eq!(huffman_digits(&[0xff]), None, "a whole byte of padding");
    }

    #[test]
    fn a_table_is_refused_and_so_is_a_block_that_is_cut() {
        for block in [
            &[0xbe][..],
            &[0x80],
            &[0x3f, 0xe1, 0x1f],
            &[0x08, 0x03, b'2'],
            &[0x0f],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            b"\x08\x03abc",
        ] {
            assert!(parsed(block).is_err(), "{block:x?}");
        }
    }

    #[test]
    fn a_long_target_has_a_long_length() {
        let target = format!("/{}", "x".repeat(300));
        let block = get(Scheme::Http, "127.0.0.1:80", &target, std::iter::empty());
        let at = block
            .windows(300)
            .position(|bytes| bytes == &target.as_bytes()[1..]);
        // 301 behind a prefix of seven bits: 127 + 46 + 1 * 128.
        assert_eq!(block[at.unwrap() - 4..at.unwrap()], [127, 174, 1, b'/']);
    }

    #[test]
    fn further_fields_stand_behind_our_own() {
        let block = get(Scheme::Http, "a", "/", [("x-token", "yz")]);
        assert!(block.ends_with(b"\x00\x07x-token\x02yz"), "{block:x?}");
    }
}
