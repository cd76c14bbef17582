//! Server-Sent Events, as the HTML standard frames them ("event stream interpretation").

use std::time::Duration;

/// Longer lines are not ours; the rest of such a line is dropped, and the event fails its check.
const MAX_LINE: usize = 16 << 10;

/// One event as it was sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its `id:`.
    pub id: Option<String>,
    /// Its `data:` lines.
    pub data: Option<String>,
}

/// Puts events together from the pieces in which a stream arrives.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    event: Event,
    /// The last `retry:` hint.
    pub retry: Option<Duration>,
}

impl Parser {
    /// Takes bytes up to the end of the next event, and returns that event with the bytes that are
    /// left; `None` once they do not complete another.
    pub fn feed<'a>(&mut self, mut bytes: &'a [u8]) -> Option<(Event, &'a [u8])> {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            self.extend(&bytes[..end]);
            bytes = &bytes[end + 1..];
            if let Some(event) = self.end_line() {
                return Some((event, bytes));
            }
        }
        self.extend(bytes);
        None
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = MAX_LINE - self.line.len();
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = String::from_utf8_lossy(&self.line);
        let line = line.strip_suffix('\r').unwrap_or(&line);
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        let mut complete = None;
        match field {
            "" if line.is_empty() => {
                // Without data there is no event, whatever else the block held.
                let event = std::mem::take(&mut self.event);
                complete = event.data.is_some().then_some(event);
            }
            "id" => self.event.id = Some(value.to_owned()),
            "data" => match &mut self.event.data {
                Some(data) => *data = format!("{data}\n{value}"),
                none => *none = Some(value.to_owned()),
            },
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry),
            _ => {}
        }
        self.line.clear();
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> (Vec<(String, String)>, Option<Duration>) {
        let (mut parser, mut events) = (Parser::default(), Vec::new());
        for mut bytes in pieces.iter().copied() {
            while let Some((event, rest)) = parser.feed(bytes) {
                events.push((event.id.unwrap_or_default(), event.data.unwrap_or_default()));
                bytes = rest;
            }
        }
        (events, parser.retry)
    }

    #[test]
    fn events_are_found_however_they_are_cut() {
        let stream =
            b": hello\nretry: 250\n\nid: 1\nevent: tick\ndata: 1\n\nid:2\r\ndata:2\r\n\r\n";
        let whole = events(&[stream]);
        let pair = |n: &str| (n.to_owned(), n.to_owned());
        assert_eq!(
            whole,
            (vec![pair("1"), pair("2")], Some(Duration::from_millis(250)))
        );
        for cut in 0..stream.len() {
            assert_eq!(events(&[&stream[..cut], &stream[cut..]]), whole);
        }
    }

    #[test]
    fn an_event_that_was_not_ended_is_no_event() {
        assert_eq!(events(&[b"id: 1\ndata: 1\n"]).0, []);
    }
}
