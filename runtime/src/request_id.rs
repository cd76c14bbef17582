use std::{
    cell::Cell,
    collections::hash_map::RandomState,
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    hash::BuildHasher as _,
};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};

/// The header that it comes and goes in.
pub(crate) const NAME: HeaderName = HeaderName::from_static("x-request-id");

/// It is in every line of the log, whatever its client sends.
const LONGEST: usize = 128;

thread_local! {
    static IDS: Ids = Ids(RandomState::new(), Cell::new(0));
}

/// The id of a request, by which its lines in the logs of all who have had to do with it are found.
///
/// Where `http.request_id` is on, it is also in the response, in the access log, and in a span
/// around everything that is done for the request. A handler takes it to pass it on, as the header
/// `x-request-id` of a request of its own; middleware finds it in the request's extensions. Where it is
/// off, one is made for the handler that asks, and shows nowhere else.
///
/// ```
/// use lastcall::RequestId;
///
/// async fn order(id: RequestId) -> String {
///     // client.get(stock).insert_header(("x-request-id", id.as_str()))
///     format!("your order has the number {id}")
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// A new one: 32 random hexadecimal digits.
    pub(crate) fn made() -> Self {
        Self(IDS.with(Ids::next))
    }

    /// The one that the client gives, if it is fit for a log.
    pub(crate) fn given(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(NAME)?;
        let fits = (1..=LONGEST).contains(&value.len());
        (fits && value.as_bytes().iter().all(u8::is_ascii_graphic)).then(|| Self(value.clone()))
    }

    /// Visible ASCII, at most 128 bytes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // It has been looked at.
        self.0.to_str().unwrap_or_default()
    }

    pub(crate) fn header(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromRequest for RequestId {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let known = request.extensions().get::<Self>().cloned();
        let id = known.unwrap_or_else(|| {
            let id = Self::given(request.headers()).unwrap_or_else(Self::made);
            request.extensions_mut().insert(id.clone());
            id
        });
        ready(Ok(id))
    }
}

/// A thread's source of ids: a counter under a keyed hash, whose key is the system's randomness.
struct Ids(RandomState, Cell<u64>);

impl Ids {
    fn next(&self) -> HeaderValue {
        let count = self.1.get();
        self.1.set(count + 1);
        let [high, low] = [0, 1].map(|half: u8| self.0.hash_one((count, half)));
        let id = format!("{high:016x}{low:016x}");
        // Hexadecimal digits are.
        HeaderValue::from_maybe_shared(bytes::Bytes::from(id))
            .unwrap_or(HeaderValue::from_static("0"))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn given(value: &str) -> Option<String> {
        let request = TestRequest::default().insert_header((NAME, value));
        let id = RequestId::given(request.to_http_request().headers());
        id.map(|id| id.to_string())
    }

    #[test]
    fn an_id_is_taken_if_it_fits_a_log() {
        assert_eq!(given("a-1.B/2"), Some("a-1.B/2".to_owned()));
        assert_eq!(given(&"x".repeat(128)), Some("x".repeat(128)));
        for unfit in ["", "a b", "a\tb", "\u{fc}", &"x".repeat(129)] {
            assert_eq!(given(unfit), None, "{unfit:?}");
        }
    }

    #[test]
    fn one_that_is_made_is_like_no_other() {
        let (one, other) = (RequestId::made(), RequestId::made());
        assert_ne!(one, other);
        assert!(one.as_str().len() == 32 && one.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
    }

    #[actix_web::test]
    async fn a_handler_that_asks_twice_gets_the_same_though_it_is_off() {
        let request = TestRequest::default().to_http_request();
        let first = RequestId::extract(&request).await.unwrap();
        assert_eq!(RequestId::extract(&request).await.unwrap(), first);
    }
}
