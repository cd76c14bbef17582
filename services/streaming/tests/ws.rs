//! What `/ws` sends for what it is sent. No socket: frames go in as a body, and come out as one.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use actix_web::App;
use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Bytes;
use futures_util::{Stream, stream};
use streaming::Settings;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
/// The bit by which a frame is its message's last.
const FIN: u8 = 0x80;

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

/// A client's frame. Its mask is zero, by which the payload stays as it is.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u64;
    let mut frame = vec![first];
    match length {
        0..126 => frame.push(0x80 | length as u8),
        126..=0xFFFF => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&length.to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// A server's frames: the first byte and the payload of each.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [first, length, rest @ ..] = bytes {
        let (length, rest) = match length {
            126 => (u16::from_be_bytes([rest[0], rest[1]]).into(), &rest[2..]),
            127 => {
                let (length, rest) = rest.split_at(8);
                let length: [u8; 8] = length.try_into().expect("it has eight bytes");
                (u64::from_be_bytes(length) as usize, rest)
            }
            length => (usize::from(*length), rest),
        };
        let (payload, rest) = rest.split_at(length);
        frames.push((*first, payload.to_vec()));
        bytes = rest;
    }
    frames
}

fn handshake() -> TestRequest {
    TestRequest::with_uri("/ws")
        .insert_header(("connection", "upgrade"))
        .insert_header(("upgrade", "websocket"))
        .insert_header(("sec-websocket-version", "13"))
        .insert_header(("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="))
}

async fn call(request: TestRequest, body: Chunks) -> ServiceResponse<impl MessageBody> {
    let settings = Settings {
        // No tick while a test runs.
        interval: Duration::from_secs(3600),
        ..Settings::default()
    };
    let app = init_service(App::new().configure(streaming::routes(&settings))).await;
    let mut request = request.to_request();
    *request.payload() = Payload::Stream { payload: body };
    call_service(&app, request).await
}

/// A body that ends after these frames, as that of a client which then hangs up.
fn all(sent: &[Vec<u8>]) -> Chunks {
    let chunks: Vec<_> = sent.iter().map(|f| Ok(Bytes::copy_from_slice(f))).collect();
    Box::pin(stream::iter(chunks))
}

/// What comes back for these frames.
async fn answers(sent: &[Vec<u8>]) -> Vec<(u8, Vec<u8>)> {
    let response = call(handshake(), all(sent)).await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    frames(&read_body(response).await)
}

/// The payload of a Close with this code and nothing else.
fn code(code: u16) -> Vec<u8> {
    code.to_be_bytes().to_vec()
}

#[actix_web::test]
async fn a_handshake_is_answered_as_the_rfc_has_it() {
    let response = call(handshake(), all(&[])).await;
    let headers = response.headers();
    let accept = headers.get("sec-websocket-accept").expect("there is one");
    // RFC 6455, 1.3.
    assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[actix_web::test]
async fn messages_come_back_as_they_were_sent_and_pings_are_answered() {
    let long = vec![7; 60_000];
    let sent = [
        frame(FIN | TEXT, "grüß dich".as_bytes()),
        frame(FIN | BINARY, &long),
        frame(FIN | PING, b"there?"),
        frame(FIN | PONG, b"unasked"),
        frame(FIN | TEXT, b""),
    ];
    let expected = [
        (FIN | TEXT, "grüß dich".as_bytes().to_vec()),
        (FIN | BINARY, long.clone()),
        (FIN | PONG, b"there?".to_vec()),
        (FIN | TEXT, Vec::new()),
        // The client has hung up without one.
        (FIN | CLOSE, Vec::new()),
    ];
    assert_eq!(answers(&sent).await, expected);
}

#[actix_web::test]
async fn a_message_in_fragments_comes_back_whole() {
    let sent = [
        frame(TEXT, b"one, "),
        frame(FIN | PING, b"between"),
        frame(CONTINUATION, b"two, "),
        frame(FIN | CONTINUATION, b"three"),
    ];
    let got = answers(&sent).await;
    assert_eq!(got[0], (FIN | PONG, b"between".to_vec()));
    assert_eq!(got[1], (FIN | TEXT, b"one, two, three".to_vec()));
}

#[actix_web::test]
async fn a_message_may_be_64_kib_long_in_one_frame_or_in_fragments() {
    let (half, whole) = (vec![7; 32 << 10], vec![7; 64 << 10]);
    let fits = [
        frame(FIN | BINARY, &whole),
        frame(BINARY, &half),
        frame(FIN | CONTINUATION, &half),
    ];
    let echo = (FIN | BINARY, whole.clone());
    assert_eq!(answers(&fits).await[..2], [echo.clone(), echo]);
    let too_long = [frame(BINARY, &whole), frame(FIN | CONTINUATION, b"!")];
    assert_eq!(answers(&too_long).await, [(FIN | CLOSE, code(1009))]);
}

#[actix_web::test]
async fn a_clients_close_is_answered_with_its_own_code_and_is_the_end() {
    for sent in [code(1000), code(1001), code(4321), Vec::new()] {
        let behind = frame(FIN | TEXT, b"after the end");
        let got = answers(&[frame(FIN | CLOSE, &sent), behind]).await;
        assert_eq!(got, [(FIN | CLOSE, sent)]);
    }
}

#[actix_web::test]
async fn a_message_may_come_in_fragments_of_one_byte() {
    let text = "grüßt ".repeat((64 << 10) / 8);
    let mut sent = vec![frame(TEXT, b"")];
    sent.extend(text.bytes().map(|byte| frame(CONTINUATION, &[byte])));
    sent.push(frame(FIN | CONTINUATION, b""));
    // In segments that do not end where a fragment does.
    let segments: Vec<_> = sent.concat().chunks(1_460).map(<[u8]>::to_vec).collect();
    let echo = (FIN | TEXT, text.into_bytes());
    assert!(answers(&segments).await.first() == Some(&echo));
}

#[actix_web::test]
async fn a_client_that_breaks_the_protocol_is_told_how() {
    let mut unmasked = frame(FIN | TEXT, b"abc");
    unmasked[1] &= 0x7F;
    let mut negative = vec![FIN | BINARY, 0x80 | 127];
    negative.extend_from_slice(&[0xFF; 12]);
    for (sent, expected) in [
        (unmasked, 1002),
        (frame(FIN | CONTINUATION, b"of what?"), 1002),
        ([frame(TEXT, b"a"), frame(FIN | TEXT, b"b")].concat(), 1002),
        (frame(PING, b"in fragments"), 1002),
        (frame(FIN | PING, &[0; 126]), 1002),
        (frame(FIN | PING, &[0; 65_537]), 1002),
        (frame(FIN | CLOSE, &[0; 126]), 1002),
        (frame(FIN | CLOSE, b"?"), 1002),
        (negative, 1002),
        (frame(FIN | TEXT, b"\xFF\xFE"), 1007),
        (
            [frame(TEXT, b"\xC3"), frame(FIN | CONTINUATION, b"(")].concat(),
            1007,
        ),
        (frame(FIN | CLOSE, b"\x03\xE8\xFF"), 1007),
        (frame(FIN | BINARY, &[0; 65_537]), 1009),
        // The head alone says it.
        (frame(BINARY, &[0; 65_537])[..14].to_vec(), 1009),
    ] {
        let head = sent[..2].to_vec();
        let got = answers(&[sent]).await;
        assert_eq!(got, [(FIN | CLOSE, code(expected))], "{head:x?}");
    }
}

#[actix_web::test]
async fn bits_and_opcodes_that_mean_nothing_break_the_protocol() {
    let reserved_bits = [0x40, 0x20, 0x10].map(|bit| FIN | TEXT | bit);
    let reserved_opcodes = (3..8).chain(0xB..0x10).map(|opcode| FIN | opcode);
    for first in reserved_bits.into_iter().chain(reserved_opcodes) {
        let got = answers(&[frame(first, b"abc")]).await;
        assert_eq!(got, [(FIN | CLOSE, code(1002))], "{first:x}");
    }
}

#[actix_web::test]
async fn codes_that_no_close_may_have_break_the_protocol() {
    let never_sent = [1004, 1005, 1006, 1015];
    let unassigned = [0, 999, 1016, 1100, 2000, 2999, 5000, 65_535];
    for sent in never_sent.into_iter().chain(unassigned) {
        let got = answers(&[frame(FIN | CLOSE, &code(sent))]).await;
        assert_eq!(got, [(FIN | CLOSE, code(1002))], "{sent}");
    }
}

/// As much of an unfinished message as the client cares to send, which is counted.
async fn unfinished(head: Vec<u8>, more: Vec<u8>) -> (usize, Vec<(u8, Vec<u8>)>) {
    const MOST: usize = 16 << 20;
    let taken = Rc::new(Cell::new(0));
    let count = Rc::clone(&taken);
    let chunks = stream::iter(std::iter::once(head).chain(std::iter::repeat(more)));
    let chunks = futures_util::StreamExt::take_while(chunks, move |chunk| {
        count.set(count.get() + chunk.len());
        std::future::ready(count.get() < MOST)
    });
    let chunks = futures_util::StreamExt::map(chunks, |chunk| Ok(Bytes::from(chunk)));
    let response = call(handshake(), Box::pin(chunks)).await;
    let got = frames(&read_body(response).await);
    (taken.get(), got)
}

#[actix_web::test]
async fn a_message_without_end_is_refused_before_it_fills_the_memory() {
    let mut endless_frame = vec![FIN | BINARY, 0x80 | 127];
    endless_frame.extend_from_slice(&(1_u64 << 40).to_be_bytes());
    endless_frame.extend_from_slice(&[0; 4]);
    let empty: Vec<u8> = frame(CONTINUATION, b"").repeat(1_000);
    let pinged = [frame(FIN | PING, b"still here"), empty.clone()].concat();
    for (head, more) in [
        (endless_frame, vec![0; 64 << 10]),
        (frame(BINARY, b""), frame(CONTINUATION, &[0; 10_000])),
        (frame(BINARY, b""), empty),
        (frame(BINARY, b""), pinged),
    ] {
        let (taken, got) = unfinished(head, more).await;
        assert!(taken < 512 << 10, "{taken} bytes were taken");
        assert_eq!(got.last(), Some(&(FIN | CLOSE, code(1009))));
    }
}

#[actix_web::test]
async fn what_is_no_handshake_is_refused() {
    let plain = call(TestRequest::with_uri("/ws"), all(&[])).await;
    assert_eq!(plain.status(), StatusCode::BAD_REQUEST);
    let post = call(handshake().method(Method::POST), all(&[])).await;
    assert_eq!(post.status(), StatusCode::NOT_FOUND);
    let old = handshake().insert_header(("sec-websocket-version", "8"));
    let old = call(old, all(&[])).await;
    assert_eq!(old.status(), StatusCode::UPGRADE_REQUIRED);
    assert_eq!(
        old.headers().get("sec-websocket-version"),
        Some(&actix_web::http::header::HeaderValue::from_static("13"))
    );
}
