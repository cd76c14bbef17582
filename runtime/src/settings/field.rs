//! How single fields are read and written. Each refusal ends in ", expected …", which is what
//! the user is told as allowed (`super::error` takes it from there).

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

/// What a duration looks like.
pub(super) const DURATION: &str = r#"a duration such as "3s" or "500ms""#;

/// Beyond any use, and far below where the clock's arithmetic would overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

pub(super) fn expected<E: Error>(what: impl Display) -> E {
    E::custom(format_args!("invalid value, expected {what}"))
}

/// A whole number from `LOW` to `HIGH`, both included.
pub(super) fn whole<'de, const LOW: u32, const HIGH: u32, D>(source: D) -> Result<u32, D::Error>
where
    D: Deserializer<'de>,
{
    u32::deserialize(source)
        .ok()
        .filter(|number| (LOW..=HIGH).contains(number))
        .ok_or_else(|| expected(format_args!("a whole number from {LOW} to {HIGH}")))
}

/// An IP address with a port, or the path of a Unix socket.
pub(super) mod public_address {
    use super::*;
    use crate::Address;

    pub(crate) fn serialize<S>(address: &Address, sink: S) -> Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        sink.collect_str(address)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<Address, D::Error> {
        // What is no text is no address either.
        let text = String::deserialize(source).unwrap_or_default();
        Address::parse(&text).map_err(expected)
    }
}

/// An IP address with a port.
pub(super) fn address<'de, D: Deserializer<'de>>(source: D) -> Result<SocketAddr, D::Error> {
    SocketAddr::deserialize(source)
        .map_err(|_| expected(r#"an IP address and a port, such as "0.0.0.0:8080" or "[::]:8080""#))
}

/// A duration as people write it: `"3s"`.
pub(super) mod duration {
    use super::*;

    pub(crate) fn serialize<S>(duration: &Duration, sink: S) -> Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        text(*duration).serialize(sink)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<Duration, D::Error> {
        match humantime_serde::deserialize(source) {
            Ok(duration) if duration > LONGEST => Err(expected("a duration of at most 365 days")),
            Ok(duration) => Ok(duration),
            Err::<_, D::Error>(_) => Err(expected(DURATION)),
        }
    }
}

/// Paths, as they stand in a request without its query.
pub(super) fn paths<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    let is_path = |path: &String| {
        path.starts_with('/')
            && path
                .bytes()
                .all(|byte| !matches!(byte, b'?' | b'#' | ..=b' '))
    };
    let paths = Vec::<String>::deserialize(source).ok();
    paths
        .filter(|paths| paths.iter().all(is_path))
        .ok_or_else(|| expected(r#"a list of paths, each beginning with "/", such as ["/health"]"#))
}

/// Where a collector takes OTLP over HTTP, or none.
#[cfg(feature = "otlp")]
pub(super) fn collector<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    let is_url = |url: &String| {
        let url = url.parse::<http::Uri>();
        url.is_ok_and(|url| {
            let is_root = url
                .path_and_query()
                .is_none_or(|path| path.query().is_none());
            url.scheme_str() == Some("http") && url.host().is_some() && is_root
        })
    };
    match Option::<String>::deserialize(source) {
        Ok(url) if url.as_ref().is_none_or(is_url) => Ok(url),
        _ => Err(expected(
            r#"the URL of a collector, without TLS, such as "http://collector:4318""#,
        )),
    }
}

/// A number from 0 to 1, or none.
#[cfg(feature = "otlp")]
pub(super) fn share<'de, D: Deserializer<'de>>(source: D) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(source) {
        Ok(share) if share.is_none_or(|share| (0.0..=1.0).contains(&share)) => Ok(share),
        _ => Err(expected("a number from 0 to 1, such as 0.01")),
    }
}

/// A duration above zero, or none.
pub(super) mod optional_duration {
    use super::*;

    pub(crate) fn serialize<S>(duration: &Option<Duration>, sink: S) -> Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        duration.map(text).serialize(sink)
    }

    pub(crate) fn deserialize<'de, D>(source: D) -> Result<Option<Duration>, D::Error>
    where
        D: Deserializer<'de>,
    {
        #[derive(Deserialize)]
        struct Positive(#[serde(with = "positive_duration")] Duration);
        Ok(Option::deserialize(source)?.map(|Positive(duration)| duration))
    }
}

/// A duration above zero.
pub(super) mod positive_duration {
    use super::*;

    pub(crate) use super::duration::serialize;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<Duration, D::Error> {
        let duration = duration::deserialize(source)?;
        if duration.is_zero() {
            return Err(expected(format_args!("above zero: {DURATION}")));
        }
        Ok(duration)
    }
}

/// A duration as an operator writes it: `75s`, where humantime alone would say `1m 15s`.
pub(super) fn text(duration: Duration) -> String {
    match (duration.as_secs(), duration.subsec_nanos()) {
        (seconds, 0) => format!("{seconds}s"),
        (_, nanos) if nanos.is_multiple_of(1_000_000) => format!("{}ms", duration.as_millis()),
        _ => humantime_serde::re::humantime::format_duration(duration).to_string(),
    }
}
