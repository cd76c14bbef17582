use actix_http::h1::{Message, MessageType};
use tokio::task::LocalSet;

use super::*;

/// What is answered to a whole head; `None` if it is handed on.
fn answered(head: &str) -> Option<StatusCode> {
    decoded(head).err()
}

fn decoded(head: &str) -> Result<(Codec, actix_http::Request), StatusCode> {
    // A codec has a date, which ticks in a task.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async {
        if let Some(status) = before(head.as_bytes()) {
            return Err(status);
        }
        let (mut codec, mut read) = (Codec::default(), BytesMut::from(head));
        match codec.decode(&mut read) {
            Ok(Some(Message::Item(request))) => {
                match behind(request.head(), &LastHost::default()) {
                    None => Ok((codec, request)),
                    Some(status) => Err(status),
                }
            }
            Ok(_) => panic!("there is more to come: {head:.80}"),
            Err(error) => Err(status(&error, &read)),
        }
    })
}

fn get(host: &str) -> String {
    format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n")
}

const BAD: Option<StatusCode> = Some(StatusCode::BAD_REQUEST);

#[test]
fn a_name_of_any_length_and_of_any_bytes_is_answered() {
    let named = |name: &str| format!("GET / HTTP/1.1\r\nhost: a\r\n{name}: b\r\n\r\n");
    let too_large = Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    for (length, expected) in [
        (LONGEST_NAME - 1, None),
        (LONGEST_NAME, None),
        (LONGEST_NAME + 1, too_large),
        (LONGEST_NAME + 2, too_large),
        (131_000, too_large),
    ] {
        assert_eq!(answered(&named(&"x".repeat(length))), expected, "{length}");
    }
    let long_value = "x".repeat(70_000);
    assert_eq!(answered(&get(&format!("a\r\nb: {long_value}"))), None);
    for byte in 1..=u8::MAX {
        let answer = answered(&named(&format!("a{}b", char::from(byte))));
        assert!(matches!(answer, None | BAD), "{byte}");
    }
}

#[test]
fn what_is_behind_the_head_is_no_name() {
    let behind = format!("{}{}", get("a"), "x".repeat(70_000));
    assert_eq!(before(behind.as_bytes()), None);
}

#[test]
fn a_target_that_is_too_long_is_told_from_one_that_is_bad_and_from_a_large_head() {
    let asked = |length: usize| {
        format!(
            "GET /{} HTTP/1.1\r\nhost: a\r\n\r\n",
            "x".repeat(length - 1)
        )
    };
    let too_long = Some(StatusCode::URI_TOO_LONG);
    assert_eq!(answered(&asked(LONGEST_TARGET)), None);
    assert_eq!(answered(&asked(LONGEST_TARGET + 1)), too_long);
    assert_eq!(answered(&asked(130_000)), too_long);
    let without_an_end = format!("GET /{}", "x".repeat(131_072));
    assert_eq!(answered(&without_an_end), too_long);
    let large = format!("GET / HTTP/1.1\r\nhost: {}", "x".repeat(131_072));
    assert_eq!(
        answered(&large),
        Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
    );
    assert_eq!(answered("GET /\"\u{7f} HTTP/1.1\r\nhost: a\r\n\r\n"), BAD);
}

#[test]
fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
    for good in [
        "",
        "a",
        "a.example",
        "A-B_c~1",
        "a:80",
        "a:",
        "a:65535",
        "127.0.0.1:8080",
        "[::1]",
        "[::ffff:192.0.2.1]:443",
        "[::1]:",
        "a%41b",
        "xn--bcher-kva.example",
        "a!$&'()*+;=b",
    ] {
        assert_eq!(answered(&get(good)), None, "{good:?}");
    }
    for bad in [
        "a b", "a\tb", "u@a", "u:p@a", "a/b", "/", "a, b", "a,b", "a:b", "a:-1", "a:+1", "a:8 0",
        "a:65536", "a:80:80", ":80", ":", "::1", "[::1", "[::1]a", "[::1]:a", "[a]", "[]",
        "a[::1]", "a%4", "a%zz", "a?b", "a#b", "a\\b", "\"a\"", "<a>", "a\u{e4}", "a|b",
        "http://a", "{a}",
    ] {
        assert_eq!(answered(&get(bad)), BAD, "{bad:?}");
    }
    assert_eq!(answered("GET / HTTP/1.0\r\nhost: a b\r\n\r\n"), BAD);
    assert_eq!(answered("GET / HTTP/1.0\r\n\r\n"), None);
    assert_eq!(answered("GET / HTTP/1.1\r\na: b\r\n\r\n"), BAD);
    assert_eq!(answered(&get("a\r\nhost: a")), BAD);
}

#[test]
fn each_method_has_the_forms_of_targets_that_are_its_own() {
    let asked = |method: &str, target: &str| {
        answered(&format!("{method} {target} HTTP/1.1\r\nhost: a\r\n\r\n"))
    };
    for target in [
        "/",
        "/a?b",
        "//a",
        "http://a",
        "http://a/b",
        "HTTP://A:80/b",
        "http://a:/",
    ] {
        assert_eq!(asked("GET", target), None, "{target}");
    }
    assert_eq!(asked("OPTIONS", "*"), None);
    for target in [
        "*",
        "a",
        "a:1",
        "a/b",
        "http://b/",
        "http://a:81/",
        "https://a:80/",
        "http://u@a/",
        "http:///a",
        "http://a@/",
        "?a",
        "http://a,a/",
    ] {
        assert_eq!(asked("GET", target), BAD, "{target}");
    }
    assert_eq!(asked("OPTIONS", "*/a"), BAD);
    for target in ["a:1", "/a", "http://a/"] {
        let answer = asked("CONNECT", target);
        assert_eq!(answer, Some(StatusCode::NOT_IMPLEMENTED), "{target}");
    }
}

#[test]
fn an_offer_is_no_order() {
    for (version, fields, kept) in [
        ("1.1", "connection: upgrade\r\nupgrade: h2c", true),
        (
            "1.1",
            "connection: keep-alive, Upgrade\r\nupgrade: websocket",
            true,
        ),
        (
            "1.1",
            "connection: close, upgrade\r\nupgrade: websocket",
            false,
        ),
        ("1.1", "connection: close\r\nupgrade: websocket", false),
        ("1.1", "upgrade: websocket", true),
        ("1.0", "connection: upgrade\r\nupgrade: websocket", false),
        (
            "1.0",
            "connection: Keep-Alive, upgrade\r\nupgrade: websocket",
            true,
        ),
        ("1.0", "connection: keep-alive\r\nupgrade: websocket", true),
        ("1.0", "upgrade: websocket", false),
    ] {
        let head = format!("GET / HTTP/{version}\r\nhost: a\r\n{fields}\r\n\r\n");
        let (codec, request) = decoded(&head).unwrap();
        let codec = without_offer(codec.config().clone(), request.head());
        assert_eq!(codec.keep_alive(), kept, "{head}");
        assert!(!codec.upgrade() && codec.message_type() == MessageType::None);
    }
}
