//! What was asked: the requests in what was sent, read as one piece.

use std::time::Duration;

use actix_http::{
    KeepAlive, Request, ServiceConfig,
    h1::{Codec, Message, MessageType},
};
use actix_web::http::Method;
use bytes::BytesMut;
use tokio_util::codec::Decoder as _;

use super::app::Kind;

/// A request whose head is whole and well-formed.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) begin: usize,
    pub(super) head_end: usize,
    /// Where the request ends, if it does.
    pub(super) end: Option<usize>,
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) is_head: bool,
    pub(super) body: Vec<u8>,
    /// The body's framing is broken.
    pub(super) bad: bool,
    /// Its client wants the connection to be kept.
    pub(super) keep: bool,
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
    let mut rest = BytesMut::from(sent);
    let mut asked = Vec::new();
    let config = ServiceConfig::new(KeepAlive::Os, Duration::ZERO, Duration::ZERO, false, None);
    loop {
        let begin = sent.len() - rest.len();
        let whole = match head(&rest) {
            Head::Bad => {
                return (
                    asked,
                    Rest::Bad {
                        begin,
                        certain: true,
                    },
                );
            }
            Head::Partial => false,
            Head::Whole => true,
        };
        let mut codec = Codec::new(config.clone());
        match codec.decode(&mut rest) {
            Ok(Some(Message::Item(request))) => {
                let head_end = sent.len() - rest.len();
                let request = body(&mut codec, &mut rest, request, begin, head_end, sent.len());
                let ended = request.end.is_some();
                asked.push(request);
                if !ended {
                    return (asked, Rest::Open);
                }
            }
            Ok(_) => return (asked, Rest::Open),
            Err(_) => {
                let certain = whole;
                return (asked, Rest::Bad { begin, certain });
            }
        }
    }
}

fn body(
    codec: &mut Codec,
    rest: &mut BytesMut,
    request: Request,
    begin: usize,
    head_end: usize,
    len: usize,
) -> Asked {
    let path = request.uri().path();
    let mut asked = Asked {
        begin,
        head_end,
        end: None,
        kind: Kind::of(path),
        name: format!("{} {path};", request.method()),
        is_head: request.method() == Method::HEAD,
        body: Vec::new(),
        bad: false,
        keep: codec.keep_alive(),
    };
    if codec.message_type() == MessageType::None {
        asked.end = Some(head_end);
        return asked;
    }
    loop {
        match codec.decode(rest) {
            Ok(Some(Message::Chunk(Some(chunk)))) => asked.body.extend_from_slice(&chunk),
            Ok(Some(Message::Chunk(None))) => {
                asked.end = Some(len - rest.len());
                return asked;
            }
            Ok(_) => return asked,
            Err(_) => {
                asked.bad = true;
                return asked;
            }
        }
    }
}

enum Head {
    Partial,
    Whole,
    Bad,
}

/// What the codec lets pass: lone LFs, and empty lines before a head.
fn head(bytes: &[u8]) -> Head {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
    let mut empty = 0;
    loop {
        match lines.next() {
            Some((_, line)) if !line.ends_with(b"\n") => return Head::Partial,
            Some((_, line)) if !line.ends_with(b"\r\n") => return Head::Bad,
            Some((number, b"\r\n")) if number == empty => empty += 1,
            Some((_, b"\r\n")) => return Head::Whole,
            Some(_) => {}
            None => return Head::Partial,
        }
        if empty > 1 {
            return Head::Bad;
        }
    }
}
