//! What a run's bytes say is to be done. Any bytes say something.

use super::app::Kind;
use crate::control::Stage;

/// Enough for any order of things, and soon over.
const STEPS: usize = 48;

/// A step of a run.
#[derive(Clone)]
pub(super) enum Step {
    Send(Vec<u8>),
    /// Lets the server see what there is.
    Pause,
    /// Lets the short limits pass, if they are short.
    Wait,
    HalfClose,
    Reset,
    Raise(Stage),
    /// Reads no more until the end.
    StopReading,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Send(bytes) => write!(f, "Send {}", bytes.escape_ascii()),
            Self::Pause => write!(f, "Pause"),
            Self::Wait => write!(f, "Wait"),
            Self::HalfClose => write!(f, "HalfClose"),
            Self::Reset => write!(f, "Reset"),
            Self::Raise(stage) => write!(f, "Raise {stage:?}"),
            Self::StopReading => write!(f, "StopReading"),
        }
    }
}

/// A whole run.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
    /// The limits of time are so short that a run can wait for them.
    pub(super) short: bool,
    /// The server's kernel takes little of a response at once.
    pub(super) narrow: bool,
}

/// Pieces of which broken requests are made.
const TOKENS: [&[u8]; 44] = [
    b"GET /e HTTP/1.1\r\n",
    b"POST /e HTTP/1.1\r\nhost: a\r\n",
    b"GET /i HTTP/1.0\r\n",
    b"HEAD /s HTTP/1.1\r\nhost: a\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n",
    b"host: a\r\n",
    b"content-length: 5\r\n",
    b"content-length: 0\r\n",
    b"content-length: 18446744073709551615\r\n",
    b"content-length: +1\r\n",
    b"transfer-encoding: chunked\r\n",
    b"transfer-encoding: chunked, chunked\r\n",
    b"transfer-encoding : chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"connection: close\r\n",
    b"connection: keep-alive\r\n",
    b"connection: upgrade\r\nupgrade: websocket\r\n",
    b"expect: 100-continue\r\n",
    b" folded\r\n",
    b"a: b\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"0\r\n\r\n",
    b"5\r\nhello\r\n",
    b"5;x=y\r\nhello\r\n",
    b"ffffffffffffffff\r\n",
    b"0\r\na: b\r\n\r\n",
    b"hello",
    b":",
    b"0\r\na: b\n\r\n",
    b"0\r\na\r\n\r\n",
    b"0\r\na: \0\r\n\r\n",
    b"0\r\n\n",
    b"5 \r\nhello\r\n",
    b"5;a=\"b\\\"\";c\r\nhello\r\n",
    b"5;bad[=x\r\nhello\r\n",
    b"upgrade: websocket\r\n",
    b"connection: upgrade\r\nupgrade: h2c\r\n",
    b"host: a b\r\n",
    b"GET http://a/e HTTP/1.1\r\n",
    b"HEAD /n HTTP/1.1\r\nhost: a\r\n\r\n",
];

struct Reader<'a> {
    rest: std::slice::Iter<'a, u8>,
    pending: Vec<u8>,
    steps: Vec<Step>,
    stage: usize,
    requests: usize,
    /// That many more, since they take time.
    waits: usize,
}

impl Script {
    pub(super) fn read(input: &[u8]) -> Self {
        let mut reader = Reader {
            rest: input.iter(),
            pending: Vec::new(),
            steps: Vec::new(),
            stage: 0,
            requests: 0,
            waits: 3,
        };
        // Waiting takes time, so only a few do: not those bytes that come up most.
        let how = reader.byte().unwrap_or_default();
        let (short, narrow) = (how >> 1 == 0x2d, how & 1 == 1);
        while let Some(byte) = reader.byte() {
            if reader.steps.len() >= STEPS {
                break;
            }
            reader.step(byte);
        }
        reader.send();
        Self {
            steps: reader.steps,
            short,
            narrow,
        }
    }
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        self.rest.next().copied()
    }

    fn number(&mut self) -> usize {
        self.byte().unwrap_or_default().into()
    }

    fn send(&mut self) {
        if !self.pending.is_empty() {
            self.steps
                .push(Step::Send(std::mem::take(&mut self.pending)));
        }
    }

    fn then(&mut self, step: Step) {
        self.send();
        self.steps.push(step);
    }

    fn step(&mut self, byte: u8) {
        match byte % 20 {
            0..=6 => self.good_request(),
            7 => {
                let len = self.number() % 32;
                let raw = self.rest.by_ref().take(len).copied();
                self.pending.extend(raw);
            }
            8 | 9 => {
                let token = TOKENS[self.number() % TOKENS.len()];
                self.pending.extend_from_slice(token);
            }
            10 => {
                let back = self.number() + 1;
                let replacement = self.number() as u8;
                if let Some(at) = self.pending.len().checked_sub(back) {
                    self.pending[at] = replacement;
                }
            }
            11 => {
                let cut = self.number() % 64;
                self.pending
                    .truncate(self.pending.len().saturating_sub(cut));
            }
            12 => self.send(),
            13 | 14 => self.then(Step::Pause),
            15 => self.in_pieces(),
            16 => {
                // Seldom: what comes after it is moot.
                match self.number() {
                    0..32 => self.then(Step::HalfClose),
                    32..48 => self.then(Step::Reset),
                    48..64 => self.then(Step::StopReading),
                    _ => {}
                }
            }
            17 => {
                const STAGES: [Stage; 3] = [Stage::Goodbye, Stage::Drain, Stage::Cut];
                // The last ones seldom, for the same reason.
                let reached = if self.stage < 2 { 128 } else { 32 };
                if self.number() < reached && self.stage < STAGES.len() {
                    self.then(Step::Raise(STAGES[self.stage]));
                    self.stage += 1;
                }
            }
            _ if self.waits > 0 => {
                self.waits -= 1;
                self.then(Step::Wait);
            }
            _ => {}
        }
    }

    /// What is pending, cut into two or many.
    fn in_pieces(&mut self) {
        let size = self.number() % 48 + 1;
        let pending = std::mem::take(&mut self.pending);
        for piece in pending.chunks(size.max(pending.len() / 8)) {
            self.steps.push(Step::Send(piece.to_vec()));
            self.steps.push(Step::Pause);
        }
    }

    fn good_request(&mut self) {
        let (kind, how, size) = (self.number(), self.number(), self.number());
        let (_, letter) = Kind::ALL[kind % Kind::ALL.len()];
        self.requests += 1;
        let path = format!("/{}{}", char::from(letter), self.requests);
        // Mostly small, now and then more than one read or the queue of a body takes.
        let body = "y".repeat(if size >= 0xf0 { size * 160 } else { size });
        // Now and then an offer, or a line end too many.
        let offer = match how >> 3 {
            1 => "connection: upgrade\r\nupgrade: h2c\r\n",
            2 => "connection: Upgrade\r\nupgrade: websocket\r\n",
            3 => "upgrade: websocket\r\n",
            _ => "",
        };
        let fields = format!("HTTP/1.1\r\nhost: a\r\n{offer}");
        let request = match how % 8 {
            0..=2 => format!("GET {path} {fields}\r\n"),
            3 => format!("HEAD {path} {fields}\r\n"),
            4 | 5 => {
                let len = body.len();
                format!("POST {path} {fields}content-length: {len}\r\n\r\n{body}")
            }
            6 => {
                let (a, b) = body.split_at(body.len() / 3);
                let chunk = |part: &str| match part {
                    "" => String::new(),
                    part => format!("{:x}\r\n{part}\r\n", part.len()),
                };
                format!(
                    "PUT {path} {fields}transfer-encoding: chunked\r\n\r\n{}{}0\r\n\r\n",
                    chunk(a),
                    chunk(b)
                )
            }
            _ => format!("GET {path} HTTP/1.0\r\nconnection: keep-alive\r\n{offer}\r\n"),
        };
        self.pending.extend_from_slice(request.as_bytes());
        if how >> 3 == 4 {
            self.pending.extend_from_slice(b"\r\n");
        }
    }
}
