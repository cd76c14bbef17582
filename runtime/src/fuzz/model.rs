//! What was asked: the requests in what was sent, read as one piece, by the grammar (RFC 9110 and
//! 9112) and by nothing of the server's own.

use super::{
    app::Kind,
    chunked::{self, Chunked},
};

/// A request whose head is whole and well-formed.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) begin: usize,
    pub(super) head_end: usize,
    /// Where the request ends, if it does.
    pub(super) end: Option<usize>,
    /// Up to there nothing but line ends follows it.
    pub(super) quiet_until: usize,
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) is_head: bool,
    pub(super) body: Vec<u8>,
    /// The body's framing is broken.
    pub(super) bad: bool,
    /// Its client wants the connection to be kept.
    pub(super) keep: bool,
    /// It came by HTTP/1.0.
    pub(super) is_old: bool,
    /// It may be refused as well: the grammar leaves it open, or the server is stricter.
    pub(super) unsure: bool,
}

/// What comes after the last of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing, or a part of a head, or a body without its end.
    Open,
    /// A head that is none; whether that shows only with what is still to come.
    Bad { begin: usize, certain: bool },
}

pub(super) fn read(sent: &[u8]) -> (Vec<Asked>, Rest) {
    let (mut asked, mut at) = (Vec::new(), 0);
    loop {
        at += line_ends(&sent[at..]);
        if at == sent.len() {
            return (asked, Rest::Open);
        }
        let begin = at;
        let (mut head, len) = match head(&sent[at..]) {
            Ok(whole) => whole,
            Err(Flaw::Partial) => return (asked, Rest::Open),
            Err(flaw) => {
                let certain = flaw == Flaw::Bad;
                return (asked, Rest::Bad { begin, certain });
            }
        };
        at += len;
        let Some(mut request) = head.request() else {
            let certain = true;
            return (asked, Rest::Bad { begin, certain });
        };
        (request.begin, request.head_end) = (begin, at);
        let taken = head.body(&mut request, &sent[at..]);
        request.end = taken.map(|taken| at + taken);
        at = request.end.unwrap_or(at);
        request.quiet_until = at + line_ends(&sent[at..]);
        let ended = request.end.is_some();
        asked.push(request);
        if !ended {
            return (asked, Rest::Open);
        }
    }
}

/// How many bytes of nothing but line ends come first (RFC 9112, 2.2).
fn line_ends(bytes: &[u8]) -> usize {
    let (pairs, rest) = bytes.as_chunks();
    let whole = pairs.iter().take_while(|pair| *pair == b"\r\n").count();
    match whole == pairs.len() && rest == b"\r" {
        true => bytes.len(),
        false => 2 * whole,
    }
}

/// Why there is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// More is to come, and so far it is well.
    Partial,
    /// It is none, whatever comes; whoever waits for the line's end has yet to see it.
    Early,
    Bad,
}

/// A head whose lines are well-formed.
struct Head<'a> {
    method: &'a str,
    target: &'a [u8],
    is_old: bool,
    fields: Vec<(String, &'a [u8])>,
}

/// The head, and its length.
fn head(bytes: &[u8]) -> Result<(Head<'_>, usize), Flaw> {
    let (line, mut at) = line(bytes, is_request_line)?;
    let mut parts = line.split(|byte| *byte == b' ');
    let mut part = || parts.next().unwrap_or_default();
    let mut head = Head {
        method: std::str::from_utf8(part()).map_err(|_| Flaw::Bad)?,
        target: part(),
        is_old: part() == b"HTTP/1.0",
        fields: Vec::new(),
    };
    loop {
        let (line, len) = self::line(&bytes[at..], is_field)?;
        at += len;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Ok((head, at));
        };
        let name = String::from_utf8_lossy(&line[..colon]).to_lowercase();
        head.fields.push((name, line[colon + 1..].trim_ascii()));
    }
}

/// A line without its CRLF, and its length with it. `is` says whether it is well-formed, as a whole
/// or as far as it has come.
fn line(bytes: &[u8], is: fn(&[u8], bool) -> bool) -> Result<(&[u8], usize), Flaw> {
    let Some(lf) = bytes.iter().position(|byte| *byte == b'\n') else {
        let begun = bytes.strip_suffix(b"\r");
        let good = is(bytes, false) || begun.is_some_and(|line| is(line, true));
        return Err(if good { Flaw::Partial } else { Flaw::Early });
    };
    match bytes[..lf].strip_suffix(b"\r") {
        Some(line) if is(line, true) => Ok((line, lf + 1)),
        // It shows with the line, whatever comes behind it; but whether anybody looks at it before
        // the head is whole is another matter.
        _ if bytes.windows(4).any(|end| end == b"\r\n\r\n") => Err(Flaw::Bad),
        Some(_) => Err(Flaw::Early),
        None => Err(Flaw::Bad),
    }
}

fn is_request_line(line: &[u8], whole: bool) -> bool {
    let parts: Vec<_> = line.split(|byte| *byte == b' ').collect();
    let is_version = |version: &[u8]| match whole {
        true => [b"HTTP/1.0", b"HTTP/1.1"].contains(&version.try_into().unwrap_or(&[0; 8])),
        false => b"HTTP/1.0".starts_with(version) || b"HTTP/1.1".starts_with(version),
    };
    let is_target = |target: &[u8]| target.iter().all(u8::is_ascii_graphic);
    match parts[..] {
        [method] => !whole && method.iter().all(|byte| is_token(*byte)),
        [method, target] => !whole && is_name(method) && is_target(target),
        [method, target, version] => {
            is_name(method) && is_target(target) && !target.is_empty() && is_version(version)
        }
        _ => false,
    }
}

/// A field, or nothing, which is the head's end.
fn is_field(line: &[u8], whole: bool) -> bool {
    match line.iter().position(|byte| *byte == b':') {
        Some(colon) => is_name(&line[..colon]) && line[colon..].iter().all(|byte| is_text(*byte)),
        None if whole => line.is_empty(),
        None => line.iter().all(|byte| is_token(*byte)),
    }
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| is_token(*byte))
}

pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte)
}

pub(super) fn is_text(byte: u8) -> bool {
    !byte.is_ascii_control() || byte == b'\t'
}

impl Head<'_> {
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.fields.iter().filter(move |field| field.0 == name);
        named.map(|field| field.1)
    }

    /// The one field of this name; an error if there are several.
    fn one<'a>(&'a self, name: &'a str) -> Result<Option<&'a [u8]>, ()> {
        let mut all = self.all(name);
        let first = all.next();
        all.next().map_or(Ok(first), |_| Err(()))
    }

    fn has_option(&self, option: &str) -> bool {
        let mut options = self
            .all("connection")
            .flat_map(|value| value.split(|b| *b == b','));
        options.any(|said| said.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
    }

    /// The request, if its fields make one.
    fn request(&mut self) -> Option<Asked> {
        if self.method == "CONNECT" || self.fields.len() > 96 {
            return None;
        }
        let host = self.one("host").ok()?;
        if host.is_none() && !self.is_old {
            return None;
        }
        let (path, mut unsure) = self.path(host)?;
        unsure |= !is_plain_host(host.unwrap_or_default())?;
        self.check_framing(&mut unsure)?;
        // Not every token is a method to everybody.
        unsure |= !self.method.bytes().all(|byte| byte.is_ascii_uppercase());
        Some(Asked {
            kind: Kind::of(&path),
            name: format!("{} {path};", self.method),
            is_head: self.method == "HEAD",
            keep: !self.has_option("close") && (!self.is_old || self.has_option("keep-alive")),
            is_old: self.is_old,
            unsure,
            ..Asked::default()
        })
    }

    /// What the application sees of the target, and whether it is of the plain kind.
    fn path(&self, host: Option<&[u8]>) -> Option<(String, bool)> {
        if self.target == b"*" && self.method == "OPTIONS" {
            return Some(("*".to_owned(), false));
        }
        let target = self.target.strip_prefix(b"http://a").unwrap_or(self.target);
        let is_absolute = target.len() < self.target.len();
        if !target.starts_with(b"/") || is_absolute && host.is_some_and(|host| host != b"a") {
            return None;
        }
        let end = target.iter().position(|byte| b"?#".contains(byte));
        let path = &target[..end.unwrap_or(target.len())];
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-._~?=&".contains(byte);
        let path = String::from_utf8_lossy(path).into_owned();
        Some((path, !target.iter().all(is_plain)))
    }

    /// That there is one framing at most (RFC 9112, 6).
    fn check_framing(&self, unsure: &mut bool) -> Option<()> {
        let length = self.one("content-length").ok()?;
        let is_number = |value: &[u8]| {
            let digits = value.iter().all(u8::is_ascii_digit);
            digits && String::from_utf8_lossy(value).parse::<u64>().is_ok()
        };
        if !length.is_none_or(is_number) {
            return None;
        }
        if let Some(encoding) = self.one("transfer-encoding").ok()? {
            let chunked = encoding.eq_ignore_ascii_case(b"chunked");
            return (chunked && !self.is_old && length.is_none()).then_some(());
        }
        // RFC 1945, 8.3: it must have one. So must one that asks for another protocol.
        if self.is_old && self.method == "POST" && length.is_none() {
            *unsure = true;
            return self.all("upgrade").next().map(|_| ());
        }
        Some(())
    }

    /// Reads the body, and says how long it was if it is whole.
    fn body(&self, request: &mut Asked, bytes: &[u8]) -> Option<usize> {
        if self.all("transfer-encoding").next().is_some() {
            let Chunked {
                data,
                end,
                bad,
                loose,
            } = chunked::read(bytes);
            (request.body, request.bad) = (data, bad);
            request.unsure |= loose;
            return end;
        }
        let length = self.all("content-length").next().unwrap_or(b"0");
        let length: u64 = String::from_utf8_lossy(length).parse().ok()?;
        let here = usize::try_from(length).map_or(bytes.len(), |length| length.min(bytes.len()));
        request.body = bytes[..here].to_vec();
        (here as u64 == length).then_some(here)
    }
}

/// Whether a host is of the plain kind; `None` if it is none at all.
fn is_plain_host(host: &[u8]) -> Option<bool> {
    let is_never = |byte: &u8| !byte.is_ascii_graphic() || b"/@,?#\\\"<>^`{|}".contains(byte);
    if host.iter().any(is_never) {
        return None;
    }
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    Some(host.iter().all(is_plain))
}
