//! A body in chunks, as the grammar has it (RFC 9112, 7.1), read as one piece.

use super::model::{is_text, is_token};

/// So much beside the data, and so many trailers, may be too much for a server.
const MUCH: usize = 8 * 1024;
const MANY: usize = 90;

/// A body, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    pub(super) data: Vec<u8>,
    /// Where it ends.
    pub(super) end: Option<usize>,
    pub(super) bad: bool,
    /// It may be refused for its size.
    pub(super) loose: bool,
}

enum Stop {
    Open,
    Bad,
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

pub(super) fn read(bytes: &[u8]) -> Chunked {
    let (mut cursor, mut body) = (Cursor { bytes, at: 0 }, Chunked::default());
    match cursor.chunks(&mut body) {
        Ok(()) => body.end = Some(cursor.at),
        Err(Stop::Open) => {}
        Err(Stop::Bad) => body.bad = true,
    }
    body.loose |= cursor.at - body.data.len() > MUCH;
    body
}

impl Cursor<'_> {
    fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::Open)
    }

    fn take(&mut self, is: impl Fn(u8) -> bool) -> Result<u8, Stop> {
        let byte = self.peek()?;
        if !is(byte) {
            return Err(Stop::Bad);
        }
        self.at += 1;
        Ok(byte)
    }

    fn expect(&mut self, expected: &[u8]) -> Result<(), Stop> {
        for byte in expected {
            self.take(|next| next == *byte)?;
        }
        Ok(())
    }

    /// All that are such, and how many.
    fn run(&mut self, is: impl Fn(u8) -> bool) -> Result<usize, Stop> {
        let began = self.at;
        while is(self.peek()?) {
            self.at += 1;
        }
        Ok(self.at - began)
    }

    fn some(&mut self, is: impl Fn(u8) -> bool) -> Result<(), Stop> {
        match self.run(is)? {
            0 => Err(Stop::Bad),
            _ => Ok(()),
        }
    }

    fn blanks(&mut self) -> Result<usize, Stop> {
        self.run(|byte| matches!(byte, b' ' | b'\t'))
    }

    fn chunks(&mut self, body: &mut Chunked) -> Result<(), Stop> {
        loop {
            let size = self.size()?;
            self.extensions()?;
            if size == 0 {
                return self.trailers(body);
            }
            let left = self.bytes.len() - self.at;
            let here = usize::try_from(size).map_or(left, |size| size.min(left));
            body.data
                .extend_from_slice(&self.bytes[self.at..self.at + here]);
            self.at += here;
            if (here as u64) < size {
                return Err(Stop::Open);
            }
            self.expect(b"\r\n")?;
        }
    }

    fn size(&mut self) -> Result<u64, Stop> {
        let mut size: u64 = 0;
        let mut digit = self.take(|byte| byte.is_ascii_hexdigit())?;
        loop {
            let value = char::from(digit).to_digit(16).unwrap_or_default();
            let larger = size.checked_mul(16).ok_or(Stop::Bad)?;
            size = larger + u64::from(value);
            if !self.peek()?.is_ascii_hexdigit() {
                return Ok(size);
            }
            digit = self.take(|_| true)?;
        }
    }

    /// Up to the line's end.
    fn extensions(&mut self) -> Result<(), Stop> {
        loop {
            let blanks = self.blanks()?;
            if blanks == 0 && self.peek()? == b'\r' {
                return self.expect(b"\r\n");
            }
            self.expect(b";")?;
            self.blanks()?;
            self.some(is_token)?;
            let named = self.at;
            self.blanks()?;
            if self.peek()? != b'=' {
                // The blanks are before the next one.
                self.at = named;
                continue;
            }
            self.at += 1;
            self.blanks()?;
            match self.peek()? {
                b'"' => self.quoted()?,
                _ => self.some(is_token)?,
            }
        }
    }

    fn quoted(&mut self) -> Result<(), Stop> {
        self.expect(b"\"")?;
        loop {
            match self.take(is_text)? {
                b'"' => return Ok(()),
                b'\\' => {
                    self.take(is_text)?;
                }
                _ => {}
            }
        }
    }

    fn trailers(&mut self, body: &mut Chunked) -> Result<(), Stop> {
        for number in 0.. {
            body.loose |= number > MANY;
            if self.peek()? == b'\r' {
                break;
            }
            self.some(is_token)?;
            self.expect(b":")?;
            self.run(is_text)?;
            self.expect(b"\r\n")?;
        }
        self.expect(b"\r\n")
    }
}
