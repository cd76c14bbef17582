use super::*;

/// The data, and what is left behind the body's end; `None` if it is broken.
fn decode(body: &str, piece: usize) -> Option<(Vec<u8>, Option<String>)> {
    let (mut chunks, mut read, mut data) = (Chunks::default(), BytesMut::new(), Vec::new());
    let mut pieces = body.as_bytes().chunks(piece);
    loop {
        match chunks.decode(&mut read) {
            Piece::Data(piece) => data.extend_from_slice(&piece),
            Piece::Bad => return None,
            Piece::None => match pieces.next() {
                Some(piece) => read.extend_from_slice(piece),
                None => return Some((data, None)),
            },
            Piece::End => {
                let rest = [&read[..], &pieces.collect::<Vec<_>>().concat()].concat();
                return Some((data, Some(String::from_utf8(rest).unwrap())));
            }
        }
    }
}

/// The same in one piece, and byte by byte.
#[track_caller]
fn whole(body: &str, data: &str) {
    for piece in [1, 7, usize::MAX] {
        let decoded = decode(&format!("{body}GET"), piece);
        let expected = (data.as_bytes().to_vec(), Some("GET".to_owned()));
        assert_eq!(decoded, Some(expected), "{body:?} in pieces of {piece}");
    }
}

#[track_caller]
fn broken(body: &str) {
    for piece in [1, 7, usize::MAX] {
        let decoded = decode(&format!("{body}\r\n\r\n"), piece);
        assert_eq!(decoded, None, "{body:?} in pieces of {piece}");
    }
}

#[test]
fn chunks_are_data_and_the_next_request_is_behind_them() {
    whole("0\r\n\r\n", "");
    whole("5\r\nhello\r\n0\r\n\r\n", "hello");
    whole("0005\r\nhello\r\n000\r\n\r\n", "hello");
    whole(
        "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
        "01234567890123456789",
    );
    whole("2\r\n\r\n\r\n0\r\n\r\n", "\r\n");
}

#[test]
fn a_size_is_hexadecimal_digits_of_at_most_64_bits() {
    for size in [
        "", " 5", "+5", "-5", "0x5", "5h", "5 ", "5\t", "5 5", "5\r", "5\u{665}",
    ] {
        broken(&format!("{size}\r\nhello\r\n0"));
    }
    assert!(decode("ffffffffffffffff\r\nhello", 1).is_some());
    broken("10000000000000000");
    broken("5\nhello\r\n0");
    broken("5\rhello\r\n0");
    broken("5\r\nhello\n0");
    broken("5\r\nhello\r0");
    broken("5\r\nhello0");
    broken("5\r\nhello!\r\n0");
}

#[test]
fn an_extension_is_what_the_grammar_has() {
    let good = [
        ";a",
        ";a=b",
        ";a=\"b\"",
        ";a=\"\"",
        ";a;b;c=d",
        " ; a = b",
        "\t;\ta\t;b",
        ";a=b ;c",
        ";a=\"b\\\"c;d\\\\\"",
        ";a=\"b\" ;c",
        ";a=\"\u{e4} \t\"",
        ";!#$%&'*+-.^_`|~09=z",
    ];
    for extension in good {
        whole(
            &format!("5{extension}\r\nhello\r\n0{extension}\r\n\r\n"),
            "hello",
        );
    }
    let bad = [
        ";",
        ";;",
        ";=b",
        ";a=",
        ";a=;b",
        ";bad[=x",
        ";a=b[",
        ";a b",
        ";a=b c",
        ";a ",
        ";a=b ",
        ";a=\"b\" ",
        ";a=\"b\"c",
        ";a=\"b",
        ";a=\"b\\",
        ";a=\"\\\r\n\"",
        ";a\0",
        ";a=\"\0\"",
        ";a=\"\\\0\"",
        ";a=\"\u{7f}\"",
        ";a\n",
        ";a=b\n",
        ";a=\"\n\"",
        ";\u{e4}",
        ";a==b",
        ",a",
    ];
    for extension in bad {
        broken(&format!("5{extension}\r\nhello\r\n0"));
        broken(&format!("0{extension}"));
    }
}

#[test]
fn a_trailer_is_a_field() {
    let good = [
        "a: b\r\n",
        "a:\r\n",
        "a:b\r\nc: \td e \r\n",
        "a::\r\n",
        "!#$%&'*+-.^_`|~: \u{e4}\r\n",
        "content-length: 5\r\n",
    ];
    for trailers in good {
        whole(&format!("0\r\n{trailers}\r\n"), "");
    }
    let bad = [
        "a: b\n",
        "a: b\r",
        "a\r\n",
        "a b: c\r\n",
        "a : b\r\n",
        ": b\r\n",
        " a: b\r\n",
        "a: b\r\n c\r\n",
        "a: b\r\n\tc\r\n",
        "a: \0\r\n",
        "a\0: b\r\n",
        "a: \x01\r\n",
        "a: \x7f\r\n",
        "a: b\rc\r\n",
        "[: b\r\n",
        "\u{e4}: b\r\n",
        "a: b\r\n\n",
        "\n",
        "\rGET",
        "GET /smuggled HTTP/1.1\r\nhost: a\r\n",
    ];
    for trailers in bad {
        broken(&format!("0\r\n{trailers}"));
    }
}

#[test]
fn framing_is_bounded_in_size_and_trailers_in_number() {
    let many = |count: usize| format!("0\r\n{}\r\n", "a:\r\n".repeat(count));
    whole(&many(usize::from(TRAILERS)), "");
    broken(&many(usize::from(TRAILERS) + 1));
    let long = |length: usize| format!("0\r\na: {}\r\n\r\n", "b".repeat(length));
    whole(&long(FRAMING - 100), "");
    broken(&long(FRAMING));
    broken(&"0".repeat(FRAMING + 1));
    whole(
        &format!("{}0\r\n\r\n", "1\r\na\r\n".repeat(9_999)),
        &"a".repeat(9_999),
    );
    broken(&format!("1;{}\r\na\r\n", "x".repeat(100)).repeat(480));
}
