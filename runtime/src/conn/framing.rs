use actix_http::{Response, ResponseHead, StatusCode, body::BodySize, header};

/// How a response's body is framed, by either protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Framing {
    /// What the head says of it.
    pub(super) announced: BodySize,
    /// None of it is sent, whatever the handler returned: so it is not even produced.
    pub(super) bare: bool,
}

impl Framing {
    /// That of a response whose body says to have this size.
    ///
    /// A client knows from the request's method and the status whether there is a body, and takes
    /// what is sent beside it for the next response (RFC 9112, 6.3).
    #[inline]
    pub(super) fn of<T>(response: &Response<T>, size: BodySize, is_head: bool) -> Self {
        let head = response.head();
        let announced = match head.status {
            status if status.is_informational() => BodySize::None,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => BodySize::None,
            StatusCode::RESET_CONTENT => BodySize::Sized(0),
            _ => announced(head, size, is_head),
        };
        Self {
            announced,
            bare: is_head || announced.is_eof(),
        }
    }
}

/// The size that a response may have says so, or its handler.
#[inline]
fn announced(head: &ResponseHead, size: BodySize, is_head: bool) -> BodySize {
    let said = || {
        let length = head.headers.get(header::CONTENT_LENGTH)?;
        length.to_str().ok()?.parse().ok().map(BodySize::Sized)
    };
    match size {
        // `no_chunking(LENGTH)`: then it must be the body's.
        BodySize::Stream if !head.chunked() => said().unwrap_or(size),
        // A handler that knows of HEAD has no body to measure.
        BodySize::None | BodySize::Sized(0) if is_head => said().unwrap_or(size),
        // Without a length it would last until the connection ends.
        BodySize::None => BodySize::Sized(0),
        _ => size,
    }
}

#[cfg(test)]
mod tests {
    use actix_http::ResponseBuilder;

    use super::*;

    const SIZES: [BodySize; 4] = [
        BodySize::None,
        BodySize::Sized(0),
        BodySize::Sized(7),
        BodySize::Stream,
    ];

    fn framing(status: u16, size: BodySize, is_head: bool) -> Framing {
        let response = ResponseBuilder::new(StatusCode::from_u16(status).unwrap()).finish();
        Framing::of(&response, size, is_head)
    }

    #[test]
    fn a_response_whose_status_has_no_body_has_none_whatever_its_handler_returned() {
        for (status, announced) in [
            (100, BodySize::None),
            (101, BodySize::None),
            (103, BodySize::None),
            (204, BodySize::None),
            (205, BodySize::Sized(0)),
            (304, BodySize::None),
        ] {
            let expected = Framing {
                announced,
                bare: true,
            };
            for size in SIZES {
                assert_eq!(framing(status, size, false), expected, "{status} {size:?}");
                assert_eq!(framing(status, size, true), expected, "{status} {size:?}");
            }
        }
    }

    #[test]
    fn the_answer_to_head_announces_what_it_does_not_send() {
        for size in SIZES {
            let expected = Framing {
                announced: size,
                bare: true,
            };
            assert_eq!(framing(200, size, true), expected);
        }
    }

    #[test]
    fn any_other_body_is_sent_and_one_of_no_size_is_empty() {
        for size in SIZES {
            let announced = match size {
                BodySize::None => BodySize::Sized(0),
                size => size,
            };
            let expected = Framing {
                announced,
                bare: size.is_eof(),
            };
            assert_eq!(framing(200, size, false), expected);
        }
    }

    #[test]
    fn a_length_that_the_handler_says_itself_is_the_bodys() {
        let said = |no_chunking: bool| {
            let mut response = ResponseBuilder::new(StatusCode::OK);
            match no_chunking {
                true => response.no_chunking(9),
                false => response.insert_header((header::CONTENT_LENGTH, 9)),
            };
            response.finish()
        };
        let nine = BodySize::Sized(9);
        let of =
            |chunking: bool, size, is_head| Framing::of(&said(!chunking), size, is_head).announced;
        assert_eq!(of(false, BodySize::Stream, false), nine);
        assert_eq!(of(true, BodySize::Stream, false), BodySize::Stream);
        assert_eq!(of(true, BodySize::Sized(0), true), nine, "HEAD");
        assert_eq!(
            of(true, BodySize::Sized(7), true),
            BodySize::Sized(7),
            "HEAD"
        );
        assert_eq!(of(true, BodySize::Sized(0), false), BodySize::Sized(0));
    }
}
