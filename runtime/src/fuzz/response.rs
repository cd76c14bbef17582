//! A client's understanding of what it receives: by the grammar, and independent of the server's.

/// A response, as far as it has come.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    /// It is the connection's last.
    pub(super) goodbye: bool,
    pub(super) body: Vec<u8>,
    /// Its end has come.
    pub(super) complete: bool,
    /// Only the connection's end is its own.
    pub(super) until_end: bool,
}

/// Takes the next response to a request by `head` (HEAD or not) from the front of `bytes`; what
/// came before it, such as 100 Continue, is skipped. `None`: there is none, not even its head.
pub(super) fn next(bytes: &mut &[u8], head: bool) -> Result<Option<Response>, String> {
    loop {
        let Some(end) = find(bytes, b"\r\n\r\n") else {
            return Ok(None);
        };
        let head_of = Head::parse(&bytes[..end])?;
        *bytes = &bytes[end + 4..];
        if head_of.status == 100 {
            continue;
        }
        let goodbye = match head_of.is_old {
            true => !head_of.says("connection", "keep-alive"),
            false => head_of.says("connection", "close"),
        };
        let has_none = head || matches!(head_of.status, 100..200 | 204 | 304);
        let framing = head_of.framing()?;
        let until_end = !has_none && matches!(framing, Framing::None);
        let (body, complete) = match (framing, has_none) {
            (_, true) => (Vec::new(), true),
            (Framing::Chunked, _) => chunked(bytes)?,
            (Framing::Length(length), _) => take(bytes, length),
            (Framing::None, _) if goodbye => (std::mem::take(bytes).to_vec(), true),
            (Framing::None, _) => return Err("a body without a length, kept".to_owned()),
        };
        return Ok(Some(Response {
            status: head_of.status,
            goodbye,
            body,
            complete,
            until_end,
        }));
    }
}

enum Framing {
    None,
    Length(usize),
    Chunked,
}

struct Head {
    status: u16,
    is_old: bool,
    fields: Vec<(String, String)>,
}

impl Head {
    fn parse(head: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8(head.to_vec()).map_err(|error| error.to_string())?;
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default();
        let bad = || format!("no response: {line:?}");
        let (version, rest) = line.split_once(' ').ok_or_else(bad)?;
        let (code, _reason) = rest.split_once(' ').ok_or_else(bad)?;
        let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
        if !is_code || !matches!(version, "HTTP/1.0" | "HTTP/1.1") || line.contains(['\r', '\n']) {
            return Err(bad());
        }
        let field = |line: &str| {
            let (name, value) = line.split_once(':')?;
            let is_name = !name.is_empty() && !name.contains([' ', '\t']);
            let is_value = !value.contains(|c: char| c.is_control() && c != '\t');
            (is_name && is_value).then(|| (name.to_lowercase(), value.trim().to_lowercase()))
        };
        let fields = lines.map(|line| field(line).ok_or_else(|| format!("no field: {line:?}")));
        Ok(Self {
            status: code.parse().map_err(|_| bad())?,
            is_old: version == "HTTP/1.0",
            fields: fields.collect::<Result<_, _>>()?,
        })
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.fields.iter().filter(move |field| field.0 == name);
        named.map(|field| &*field.1)
    }

    fn says(&self, name: &str, option: &str) -> bool {
        let mut options = self.all(name).flat_map(|value| value.split(','));
        options.any(|said| said.trim() == option)
    }

    /// RFC 9112, 6: one at most, and chunks only for those who know them.
    fn framing(&self) -> Result<Framing, String> {
        let lengths: Vec<_> = self.all("content-length").collect();
        let encodings: Vec<_> = self.all("transfer-encoding").collect();
        let digits = |length: &str| length.bytes().all(|byte| byte.is_ascii_digit());
        match (&lengths[..], &encodings[..]) {
            ([], []) => Ok(Framing::None),
            ([length], []) if digits(length) => {
                let length = length.parse().map_err(|_| format!("a length: {length}"))?;
                Ok(Framing::Length(length))
            }
            ([], ["chunked"]) if !self.is_old && self.status != 204 => Ok(Framing::Chunked),
            _ => Err(format!("a framing: {:?}", self.fields)),
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// So many bytes, or as many as there are.
fn take(bytes: &mut &[u8], count: usize) -> (Vec<u8>, bool) {
    let (taken, rest) = bytes.split_at(count.min(bytes.len()));
    *bytes = rest;
    (taken.to_vec(), taken.len() == count)
}

fn chunked(bytes: &mut &[u8]) -> Result<(Vec<u8>, bool), String> {
    let mut body = Vec::new();
    loop {
        let Some(end) = find(bytes, b"\r\n") else {
            *bytes = &[];
            return Ok((body, false));
        };
        let size = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let is_hex = size.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = usize::from_str_radix(&size, 16);
        let size = number.map_err(|_| format!("a chunk's size: {size}"))?;
        if !is_hex {
            return Err(format!("a chunk's size: {size}"));
        }
        *bytes = &bytes[end + 2..];
        let (chunk, whole) = take(bytes, size);
        body.extend(chunk);
        let (end, ended) = take(bytes, 2);
        if !whole || !ended {
            return Ok((body, false));
        }
        if end != b"\r\n" {
            return Err("a chunk without its end".to_owned());
        }
        if size == 0 {
            return Ok((body, true));
        }
    }
}
