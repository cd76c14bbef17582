//! Shapes in which two parties may see different requests, and other broken framing: each is
//! refused, and what follows it is never taken for a request (RFC 9112, 11.2).

use crate::{
    moments::at_every_moment,
    wire::{Wire, get},
};

/// Heads that are refused. `{}` stands for the lines that every good head begins with.
#[rustfmt::skip]
const HEADS: &[(&str, &str)] = &[
    // Two framings at once.
    ("length and chunked", "POST {}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("chunked and length", "POST {}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n"),
    ("chunked and no length", "POST {}transfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n0\r\n\r\n"),
    ("two lengths", "POST {}content-length: 5\r\ncontent-length: 0\r\n\r\nhello"),
    ("the same length twice", "POST {}content-length: 5\r\ncontent-length: 5\r\n\r\nhello"),
    ("a list of lengths", "POST {}content-length: 5, 5\r\n\r\nhello"),
    ("chunked twice", "POST {}transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    ("chunked in two fields", "POST {}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("identity beside chunked", "POST {}transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    // Encodings that are not known, or hardly.
    ("identity", "POST {}transfer-encoding: identity\r\n\r\n"),
    ("gzip", "POST {}transfer-encoding: gzip\r\n\r\n"),
    ("gzip and chunked", "POST {}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ("chunked and gzip", "POST {}transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    ("nearly chunked", "POST {}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("quoted chunked", "POST {}transfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
    ("chunked with a parameter", "POST {}transfer-encoding: chunked;q=1\r\n\r\n0\r\n\r\n"),
    ("an empty encoding", "POST {}transfer-encoding:\r\n\r\n"),
    ("chunked before a vertical tab", "POST {}transfer-encoding: chunked\x0b\r\n\r\n0\r\n\r\n"),
    ("chunked in HTTP/1.0", "POST /hello/shape HTTP/1.0\r\nhost: e2e\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    // Lengths that are none.
    ("a negative length", "POST {}content-length: -1\r\n\r\n"),
    ("a length with a plus", "POST {}content-length: +5\r\n\r\nhello"),
    ("a hexadecimal length", "POST {}content-length: 0x5\r\n\r\nhello"),
    ("a length with a point", "POST {}content-length: 5.0\r\n\r\nhello"),
    ("a length with a space", "POST {}content-length: 1 0\r\n\r\nhello"),
    ("an empty length", "POST {}content-length:\r\n\r\n"),
    ("a word for a length", "POST {}content-length: five\r\n\r\nhello"),
    ("a length beyond 64 bits", "POST {}content-length: 18446744073709551616\r\n\r\n"),
    ("an Arabic digit", "POST {}content-length: \u{665}\r\n\r\nhello"),
    // Names, values and lines.
    ("a space before the colon", "POST {}transfer-encoding : chunked\r\n\r\n0\r\n\r\n"),
    ("a tab before the colon", "POST {}content-length\t: 5\r\n\r\nhello"),
    ("a folded line", "POST {}transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    ("a line that begins with a space", "POST {} transfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("a line that begins with a tab", "POST {}\tcontent-length: 5\r\n\r\nhello"),
    ("no name", "POST {}: chunked\r\n\r\n"),
    ("no colon", "POST {}content-length\r\n\r\n"),
    ("NUL in a name", "POST {}content\0-length: 5\r\n\r\nhello"),
    ("NUL in a value", "POST {}a: b\0c\r\n\r\n"),
    ("NUL in the target", "GET /hello/\0 HTTP/1.1\r\nhost: e2e\r\n\r\n"),
    ("a control character in a value", "POST {}a: b\x01c\r\n\r\n"),
    ("a lone CR in a value", "POST {}a: b\rtransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("a lone LF after a value", "POST {}a: b\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("a lone LF after the request line", "POST /hello/shape HTTP/1.1\nhost: e2e\r\n\r\n"),
    ("a lone LF for the empty line", "POST {}a: b\r\n\n"),
    ("lone LFs only", "GET /hello/shape HTTP/1.1\nhost: e2e\n\n"),
    ("two CRs before LF", "POST {}a: b\r\r\n\r\n"),
    // The request line.
    ("a leading space", " GET /hello/shape HTTP/1.1\r\nhost: e2e\r\n\r\n"),
    ("a lone LF first", "\nGET /hello/shape HTTP/1.1\r\nhost: e2e\r\n\r\n"),
    ("a lone CR first", "\rGET /hello/shape HTTP/1.1\r\nhost: e2e\r\n\r\n"),
    ("two spaces after the method", "GET  /hello/shape HTTP/1.1\r\nhost: e2e\r\n\r\n"),
    ("a space in the target", "GET /hello/a b HTTP/1.1\r\nhost: e2e\r\n\r\n"),
    ("a tab for a space", "GET\t/hello/shape HTTP/1.1\r\nhost: e2e\r\n\r\n"),
    ("no version", "GET /hello/shape\r\nhost: e2e\r\n\r\n"),
    ("an unknown version", "GET /hello/shape HTTP/1.2\r\nhost: e2e\r\n\r\n"),
    ("a version in small letters", "GET /hello/shape http/1.1\r\nhost: e2e\r\n\r\n"),
    ("no host", "GET /hello/shape HTTP/1.1\r\na: b\r\n\r\n"),
    ("two hosts", "GET {}host: other\r\n\r\n"),
    ("the same host twice", "GET {}host: e2e\r\n\r\n"),
    ("two hosts in HTTP/1.0", "GET /hello/shape HTTP/1.0\r\nhost: e2e\r\nhost: e2e\r\n\r\n"),
    // Hosts that are none.
    ("a space in the host", "GET /hello/shape HTTP/1.1\r\nhost: a b\r\n\r\n"),
    ("a user in the host", "GET /hello/shape HTTP/1.1\r\nhost: u@a\r\n\r\n"),
    ("a path in the host", "GET /hello/shape HTTP/1.1\r\nhost: a/b\r\n\r\n"),
    ("a list of hosts", "GET /hello/shape HTTP/1.1\r\nhost: a, b\r\n\r\n"),
    ("a list of hosts without a space", "GET /hello/shape HTTP/1.1\r\nhost: a,b\r\n\r\n"),
    ("a host with a word for a port", "GET /hello/shape HTTP/1.1\r\nhost: a:b\r\n\r\n"),
    ("a host with two ports", "GET /hello/shape HTTP/1.1\r\nhost: a:1:2\r\n\r\n"),
    ("a port without a host", "GET /hello/shape HTTP/1.1\r\nhost: :80\r\n\r\n"),
    ("an address without its bracket", "GET /hello/shape HTTP/1.1\r\nhost: [::1\r\n\r\n"),
    ("a name in brackets", "GET /hello/shape HTTP/1.1\r\nhost: [a]\r\n\r\n"),
    ("a query in the host", "GET /hello/shape HTTP/1.1\r\nhost: a?b\r\n\r\n"),
    ("half an escape in the host", "GET /hello/shape HTTP/1.1\r\nhost: a%4\r\n\r\n"),
    ("a broken host in HTTP/1.0", "GET /hello/shape HTTP/1.0\r\nhost: a b\r\n\r\n"),
    // Targets of which there are two readings, or none.
    ("another host in the target", "GET http://other/hello/shape HTTP/1.1\r\nhost: e2e\r\n\r\n"),
    ("another port in the target", "GET http://e2e:81/hello/shape HTTP/1.1\r\nhost: e2e\r\n\r\n"),
    ("a user in the target", "GET http://u@e2e/hello/shape HTTP/1.1\r\nhost: e2e\r\n\r\n"),
    ("a target without a slash", "GET hello/shape HTTP/1.1\r\nhost: e2e\r\n\r\n"),
    ("a host for a target", "GET e2e:80 HTTP/1.1\r\nhost: e2e\r\n\r\n"),
    ("an asterisk for a target", "GET * HTTP/1.1\r\nhost: e2e\r\n\r\n"),
];

/// Bodies that are refused, behind a head that says `transfer-encoding: chunked`.
#[rustfmt::skip]
const CHUNKS: &[(&str, &str)] = &[
    ("a size beyond 64 bits", "10000000000000000\r\nhello\r\n0\r\n\r\n"),
    ("a size that would be 5 in 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("a negative size", "-5\r\nhello\r\n0\r\n\r\n"),
    ("a size with a plus", "+5\r\nhello\r\n0\r\n\r\n"),
    ("a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"),
    ("a size that is none", "five\r\nhello\r\n0\r\n\r\n"),
    ("no size", "\r\nhello\r\n0\r\n\r\n"),
    ("no size for the last chunk", "5\r\nhello\r\n\r\n\r\n"),
    ("a leading space", " 5\r\nhello\r\n0\r\n\r\n"),
    ("a space in the size", "5 5\r\nhello\r\n0\r\n\r\n"),
    ("a lone LF after a size", "5\nhello\r\n0\r\n\r\n"),
    ("a lone CR after a size", "5\rhello\r\n0\r\n\r\n"),
    ("a lone LF after the data", "5\r\nhello\n0\r\n\r\n"),
    ("data beyond its size", "5\r\nhello, world\r\n0\r\n\r\n"),
    ("a lone LF in an extension", "5;a\nb\r\nhello\r\n0\r\n\r\n"),
    ("NUL in an extension", "5;a\0b\r\nhello\r\n0\r\n\r\n"),
    ("a space behind a size", "5 \r\nhello\r\n0\r\n\r\n"),
    ("a tab behind a size", "5\t\r\nhello\r\n0\r\n\r\n"),
    ("an extension without a name", "5;\r\nhello\r\n0\r\n\r\n"),
    ("an extension without a value", "5;a=\r\nhello\r\n0\r\n\r\n"),
    ("a bracket in an extension's name", "5;bad[=x\r\nhello\r\n0\r\n\r\n"),
    ("a bracket in an extension's value", "5;a=b]\r\nhello\r\n0\r\n\r\n"),
    ("an extension's value without its quote", "5;a=\"b\r\nhello\r\n0\r\n\r\n"),
    ("text behind a quoted value", "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n"),
    ("a line's end in a quoted value", "5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n"),
    ("a space behind an extension", "5;a=b \r\nhello\r\n0\r\n\r\n"),
    ("an extension of the last chunk with a bracket", "5\r\nhello\r\n0;a[\r\n\r\n"),
    ("a comma behind a size", "5,a\r\nhello\r\n0\r\n\r\n"),
    // Behind the last chunk, where the next request could be taken for a trailer.
    ("a lone CR after the last chunk", "5\r\nhello\r\n0\r\n\rGET"),
    ("a lone LF for the last line", "5\r\nhello\r\n0\r\n\n"),
    ("a lone LF after the last size", "5\r\nhello\r\n0\n\r\n"),
    ("a lone LF after a trailer", "5\r\nhello\r\n0\r\na: b\n\r\n"),
    ("a lone CR after a trailer", "5\r\nhello\r\n0\r\na: b\r\r\n"),
    ("a CR before a trailer's end", "5\r\nhello\r\n0\r\na: b\r\r\n\r\n"),
    ("a trailer without a colon", "5\r\nhello\r\n0\r\na\r\n\r\n"),
    ("a trailer without a name", "5\r\nhello\r\n0\r\n: b\r\n\r\n"),
    ("a space before a trailer's colon", "5\r\nhello\r\n0\r\na : b\r\n\r\n"),
    ("NUL in a trailer", "5\r\nhello\r\n0\r\na: \0\r\n\r\n"),
    ("NUL in a trailer's name", "5\r\nhello\r\n0\r\na\0: b\r\n\r\n"),
    ("a control character in a trailer", "5\r\nhello\r\n0\r\na: \x7f\r\n\r\n"),
    ("a folded trailer", "5\r\nhello\r\n0\r\na: b\r\n c\r\n\r\n"),
    ("a trailer that begins with a space", "5\r\nhello\r\n0\r\n a: b\r\n\r\n"),
    ("a bracket in a trailer's name", "5\r\nhello\r\n0\r\na[]: b\r\n\r\n"),
    ("no line behind the last chunk", "5\r\nhello\r\n0\r\n"),
];

/// What must not be answered.
fn smuggled() -> String {
    get("/hello/smuggled")
}

fn chunked(body: &str) -> String {
    chunked_to("/upload", body)
}

fn chunked_to(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: e2e\r\ntransfer-encoding: chunked\r\n\r\n{body}")
}

fn shapes() -> Vec<(&'static str, String)> {
    let good = "/hello/shape HTTP/1.1\r\nhost: e2e\r\n";
    let heads = HEADS.iter();
    let heads = heads.map(|(name, head)| (*name, head.replace("{}", good)));
    let chunks = CHUNKS.iter().map(|(name, body)| (*name, chunked(body)));
    heads.chain(chunks).collect()
}

/// The same bodies, for a handler that does not look at them.
fn unread_shapes() -> impl Iterator<Item = (&'static str, String)> {
    let unread = CHUNKS.iter();
    unread.map(|(name, body)| (*name, chunked_to("/ignore", body)))
}

/// Bodies that are mostly framing, none of it wrong.
fn floods() -> Vec<(&'static str, String)> {
    let flood = 48 * 1024;
    let floods = [
        ("an endless extension", format!("5;{}", "x".repeat(flood))),
        ("a size of zeros", "0".repeat(flood)),
        (
            "extensions of tiny chunks",
            format!("1;{}\r\na\r\n", "x".repeat(100)).repeat(480),
        ),
        (
            "endless trailers",
            format!("0\r\n{}", "a: b\r\n".repeat(flood / 6)),
        ),
        (
            "too many trailers",
            format!("0\r\n{}\r\n", "a:\r\n".repeat(97)),
        ),
        (
            "an endless trailer",
            format!("0\r\na: {}", "x".repeat(flood)),
        ),
    ];
    floods.map(|(name, body)| (name, chunked(&body))).into()
}

#[track_caller]
fn expect_refused(wire: &mut Wire, name: &str) {
    println!("shape: {name}");
    let response = wire.response();
    assert_eq!(response.head.status, 400, "{name}: {}", response.text());
    assert!(response.head.says_goodbye(), "{name}");
    wire.expect_fin();
}

#[test]
fn each_broken_shape_is_refused_and_nothing_behind_it_is_answered() {
    let shapes = shapes();
    at_every_moment(
        |service| -> Vec<Wire> {
            let half = |_| {
                let mut wire = service.connect();
                wire.send("GET /hello/first HTTP/1.1\r\nho");
                wire
            };
            shapes.iter().map(half).collect()
        },
        |wires, _| {
            for (wire, (name, shape)) in wires.iter_mut().zip(&shapes) {
                wire.send(format!("st: e2e\r\n\r\n{shape}{}", smuggled()));
                let first = wire.response();
                first.expect(200, "Hello, first!");
                assert!(!first.head.says_goodbye(), "{name}: more was here already");
                expect_refused(wire, name);
            }
        },
    );
}

#[test]
fn a_broken_body_that_nobody_reads_is_refused_too() {
    let service = crate::process::Setup::new().serve();
    for (name, shape) in unread_shapes() {
        let mut wire = service.connect();
        wire.send(shape + &smuggled());
        expect_refused(&mut wire, name);
    }
    service.stop();
}

#[test]
fn each_broken_shape_is_refused_byte_by_byte() {
    let service = crate::process::Setup::new().serve();
    for (name, shape) in shapes() {
        let mut wire = service.connect();
        for byte in shape.bytes() {
            // It may have been refused by now.
            if wire.try_send([byte]).is_err() || !wire.is_silent() {
                break;
            }
        }
        let _ = wire.try_send(smuggled());
        expect_refused(&mut wire, name);
    }
    service.stop();
}

#[test]
fn a_flood_of_framing_is_refused_at_every_moment() {
    let floods = floods();
    at_every_moment(
        |service| -> Vec<Wire> {
            let first = |_| {
                let mut wire = service.connect();
                wire.send("P");
                wire
            };
            floods.iter().map(first).collect()
        },
        |wires, _| {
            for (wire, (name, flood)) in wires.iter_mut().zip(&floods) {
                wire.send(&flood[1..]);
                expect_refused(wire, name);
            }
        },
    );
}

#[test]
fn what_is_unusual_and_not_broken_is_served() {
    let service = crate::process::Setup::new().serve();
    let served = [
        (
            "two empty lines first",
            format!("\r\n\r\n{}", get("/hello/shape")),
        ),
        (
            "no space after the colon",
            "GET /hello/shape HTTP/1.1\r\nhost:e2e\r\n\r\n".to_owned(),
        ),
        (
            "spaces around a value",
            "GET /hello/shape HTTP/1.1\r\nhost: \t e2e \t\r\n\r\n".to_owned(),
        ),
        (
            "a whole target",
            "GET http://e2e/hello/shape HTTP/1.1\r\nhost: e2e\r\n\r\n".to_owned(),
        ),
        (
            "a whole target with a port that is the usual one",
            "GET http://E2E:80/hello/shape HTTP/1.1\r\nhost: e2e\r\n\r\n".to_owned(),
        ),
        (
            "an address for a host",
            "GET /hello/shape HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n".to_owned(),
        ),
        (
            "an empty host",
            "GET /hello/shape HTTP/1.1\r\nhost:\r\n\r\n".to_owned(),
        ),
        (
            "no host in HTTP/1.0",
            "GET /hello/shape HTTP/1.0\r\n\r\n".to_owned(),
        ),
        (
            "a length of zero",
            "GET /hello/shape HTTP/1.1\r\nhost: e2e\r\ncontent-length: 0\r\n\r\n".to_owned(),
        ),
    ];
    for (name, request) in served {
        println!("shape: {name}");
        service.connect().ask(&request).expect(200, "Hello, shape!");
    }
    let bodies = [
        ("capitals and zeros", "00A\r\n0123456789\r\n0\r\n\r\n"),
        (
            "an extension",
            "a;name=\"value\"\r\n0123456789\r\n0\r\n\r\n",
        ),
        (
            "extensions with blanks",
            "a ; b = \"c\\\"\" ;d\r\n0123456789\r\n0;e\r\n\r\n",
        ),
        ("trailers", "a\r\n0123456789\r\n0\r\na: b\r\nc: d\r\n\r\n"),
    ];
    for (name, body) in bodies {
        println!("shape: {name}");
        let mut wire = service.connect();
        wire.ask(&chunked(body)).expect(200, "10 a684c7c6");
        wire.ask(&get("/hello/next")).expect(200, "Hello, next!");
    }
    service.stop();
}
