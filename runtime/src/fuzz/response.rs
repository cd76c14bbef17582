//! A client's understanding of what it receives, independent of the server's.

/// A response, as far as it has come.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    /// It is the connection's last.
    pub(super) goodbye: bool,
    pub(super) body: Vec<u8>,
    /// Its end has come.
    pub(super) complete: bool,
}

/// Takes the next response to a request by `head` (HEAD or not) from the front of `bytes`; what
/// came before it, such as 100 Continue, is skipped. `None`: there is none, not even its head.
pub(super) fn next(bytes: &mut &[u8], head: bool) -> Result<Option<Response>, String> {
    loop {
        let Some(end) = find(bytes, b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let (line, fields) = text.split_once("\r\n").unwrap_or((&text, ""));
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status: u16 = status.ok_or_else(|| format!("no response: {line}"))?;
        *bytes = &bytes[end + 4..];
        if status == 100 {
            continue;
        }
        let field = |name: &str| {
            let mut fields = fields.split("\r\n").filter_map(|line| line.split_once(':'));
            fields
                .find(|field| field.0 == name)
                .map(|field| field.1.trim())
        };
        let connection = field("connection").unwrap_or_default();
        let goodbye = match line.starts_with("http/1.0") {
            true => !connection.contains("keep-alive"),
            false => connection.contains("close"),
        };
        let (body, complete) = if head {
            (Vec::new(), true)
        } else if field("transfer-encoding") == Some("chunked") {
            chunked(bytes)?
        } else if let Some(length) = field("content-length") {
            let length: usize = length.parse().map_err(|_| format!("a length: {length}"))?;
            take(bytes, length)
        } else {
            (std::mem::take(bytes).to_vec(), true)
        };
        return Ok(Some(Response {
            status,
            goodbye,
            body,
            complete,
        }));
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
        let size =
            usize::from_str_radix(&size, 16).map_err(|_| format!("a chunk's size: {size}"))?;
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
