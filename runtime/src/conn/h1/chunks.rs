//! A body in chunks, by the grammar (RFC 9112, 7.1), and by nothing else.
//!
//! What a lenient decoder takes for a part of a trailer, somebody before us takes for the next
//! request. So: sizes in hexadecimal digits; extensions as the grammar has them; CRLF at the end of
//! each line; trailers that are fields, unfolded. Trailers and extensions are thrown away.

use bytes::{Buf as _, BytesMut};

use super::content::{Piece, take};

/// What a body may hold beside its data (sizes, extensions, trailers) before it is taken for abuse:
/// so much, and for each piece of data what is usual, twice the data included.
const FRAMING: usize = 16 * 1024;
const FRAMING_PER_PIECE: usize = 16;

/// So many trailers, as a head may have fields.
const TRAILERS: u8 = 96;

/// A decoder, between two bytes.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    state: State,
    /// The size that is being read, or what is left of the chunk.
    left: u64,
    trailers: u8,
    /// What it has held of late beside its data.
    framing: usize,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// The first digit of a size.
    #[default]
    Size,
    /// A further digit, or the size's end.
    Digits,
    /// Blanks before the `;` of an extension. They end no line.
    BeforeExtension,
    /// Blanks, or the name of an extension.
    BeforeName,
    Name,
    /// Blanks before the `=` of an extension, or before the next `;`.
    AfterName,
    /// Blanks, or the value of an extension.
    BeforeValue,
    Value,
    Quoted,
    /// What a backslash stands before.
    Escaped,
    /// The end of a quoted value.
    AfterQuoted,
    /// The LF of a size's line.
    SizeLf,
    Data,
    /// The CR and LF behind the data.
    DataCr,
    DataLf,
    /// A trailer's first byte, or the CR of the last line.
    Trailer,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
    End,
}

impl Chunks {
    pub(super) fn decode(&mut self, read: &mut BytesMut) -> Piece {
        let mut at = 0;
        loop {
            if self.framing > FRAMING {
                return Piece::Bad;
            }
            match self.state {
                State::Data | State::End => {
                    read.advance(at);
                    return self.data(read);
                }
                _ => {}
            }
            let Some(byte) = read.get(at) else {
                read.advance(at);
                return Piece::None;
            };
            match self.step(*byte) {
                Some(next) => self.state = next,
                None => return Piece::Bad,
            }
            at += 1;
            self.framing += 1;
        }
    }

    fn data(&mut self, read: &mut BytesMut) -> Piece {
        if self.state == State::End {
            return Piece::End;
        }
        let Some(data) = take(read, &mut self.left) else {
            return Piece::None;
        };
        if self.left == 0 {
            self.state = State::DataCr;
        }
        let usual = 2 * data.len() + FRAMING_PER_PIECE;
        self.framing = self.framing.saturating_sub(usual);
        Piece::Data(data)
    }

    /// What comes after this byte; `None` if it may not stand here.
    fn step(&mut self, byte: u8) -> Option<State> {
        use State as S;
        Some(match (self.state, byte) {
            (S::Size, _) => {
                self.left = digit(byte)?;
                S::Digits
            }
            (S::DataCr, b'\r') => S::DataLf,
            (S::DataLf, b'\n') => S::Size,
            (S::SizeLf, b'\n') if self.left > 0 => S::Data,
            (S::SizeLf, b'\n') => S::Trailer,
            (S::Digits | S::Name | S::Value | S::AfterQuoted, b'\r') => S::SizeLf,
            (
                S::Digits | S::BeforeExtension | S::Name | S::AfterName | S::Value | S::AfterQuoted,
                b';',
            ) => S::BeforeName,
            (S::Digits, b' ' | b'\t') => S::BeforeExtension,
            (S::Digits, _) => {
                let digit = digit(byte)?;
                self.left = self.left.checked_mul(16)? + digit;
                S::Digits
            }
            (S::Trailer | S::TrailerName | S::TrailerValue | S::TrailerLf | S::LastLf, _) => {
                return self.step_in_trailers(byte);
            }
            (state, _) => return state.step_in_extension(byte),
        })
    }

    fn step_in_trailers(&mut self, byte: u8) -> Option<State> {
        use State as S;
        Some(match (self.state, byte) {
            (S::Trailer, b'\r') => S::LastLf,
            (S::LastLf, b'\n') => S::End,
            (S::Trailer, _) if is_token(byte) && self.trailers < TRAILERS => {
                self.trailers += 1;
                S::TrailerName
            }
            (S::TrailerName, b':') => S::TrailerValue,
            (S::TrailerName, _) if is_token(byte) => S::TrailerName,
            (S::TrailerValue, b'\r') => S::TrailerLf,
            (S::TrailerValue, _) if is_text(byte) => S::TrailerValue,
            (S::TrailerLf, b'\n') => S::Trailer,
            _ => return None,
        })
    }
}

impl State {
    /// Blanks stand only where the grammar has them (`BWS`).
    fn step_in_extension(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::BeforeExtension | Self::BeforeName | Self::BeforeValue, b' ' | b'\t') => self,
            (Self::Name | Self::AfterName, b' ' | b'\t') => Self::AfterName,
            (Self::Value | Self::AfterQuoted, b' ' | b'\t') => Self::BeforeExtension,
            (Self::Name | Self::AfterName, b'=') => Self::BeforeValue,
            (Self::BeforeName | Self::Name, _) if is_token(byte) => Self::Name,
            (Self::BeforeValue, b'"') => Self::Quoted,
            (Self::BeforeValue | Self::Value, _) if is_token(byte) => Self::Value,
            (Self::Quoted, b'"') => Self::AfterQuoted,
            (Self::Quoted, b'\\') => Self::Escaped,
            (Self::Quoted | Self::Escaped, _) if is_text(byte) => Self::Quoted,
            _ => return None,
        })
    }
}

fn digit(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}

/// RFC 9110, 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What a field's value, or a quoted string, is made of: neither CR, nor LF, nor NUL, nor another
/// control character (RFC 9110, 5.5).
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
#[path = "chunks_tests.rs"]
mod tests;
