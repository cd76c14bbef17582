//! How quick a body must be.

use std::fmt;
use std::num::NonZeroU64;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

/// Bytes per second, written as a whole number or with a unit: `"1KiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate(NonZeroU64);

const UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

impl Rate {
    /// Bytes per second.
    pub(crate) fn bytes_per_second(self) -> NonZeroU64 {
        self.0
    }

    fn parse(text: &str) -> Option<u64> {
        let with_unit = |(unit, size): (&str, u64)| {
            let number = text.strip_suffix(unit)?.trim_end();
            number.parse::<u64>().ok()?.checked_mul(size)
        };
        UNITS.into_iter().find_map(with_unit)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, sink: S) -> Result<S::Ok, S::Error> {
        let bytes = self.0.get();
        let largest = UNITS
            .into_iter()
            .find(|(_, size)| bytes.is_multiple_of(*size));
        let (unit, size) = largest.unwrap_or(("B", 1));
        sink.collect_str(&format_args!("{}{unit}", bytes / size))
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(Visitor)
    }
}

struct Visitor;

impl Visitor {
    fn rate<E: de::Error>(
        self,
        bytes: Option<u64>,
        written: de::Unexpected<'_>,
    ) -> Result<Rate, E> {
        let bytes = bytes.and_then(NonZeroU64::new);
        bytes
            .map(Rate)
            .ok_or_else(|| E::invalid_value(written, &self))
    }
}

impl de::Visitor<'_> for Visitor {
    type Value = Rate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("above zero: bytes per second, such as 500 or \"1KiB\"")
    }

    fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Rate, E> {
        self.rate(Some(bytes), de::Unexpected::Unsigned(bytes))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Rate, E> {
        self.rate(Rate::parse(text), de::Unexpected::Str(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<u64> {
        let rate = serde_json::from_str::<Rate>(json).ok()?;
        Some(rate.0.get())
    }

    #[test]
    fn a_rate_is_a_number_of_bytes_or_has_a_unit() {
        for (written, bytes) in [
            ("500", 500),
            (r#""500B""#, 500),
            (r#""1KiB""#, 1_024),
            (r#""2 MiB""#, 2 << 20),
            (r#""3GiB""#, 3 << 30),
        ] {
            assert_eq!(read(written), Some(bytes), "{written}");
        }
    }

    #[test]
    fn nothing_else_is_a_rate() {
        for written in [
            "0",
            r#""0KiB""#,
            "-1",
            "1.5",
            "true",
            "[]",
            "null",
            r#""1""#,
            r#""KiB""#,
            r#""1kb""#,
            r#""-1KiB""#,
            r#""18446744073709551615KiB""#,
            r#""""#,
        ] {
            assert_eq!(read(written), None, "{written}");
        }
    }

    #[test]
    fn a_rate_is_written_in_its_largest_whole_unit() {
        for (bytes, written) in [
            (500, "500B"),
            (1_536, "1536B"),
            (4_096, "4KiB"),
            (1 << 20, "1MiB"),
        ] {
            let rate = Rate(NonZeroU64::new(bytes).unwrap());
            assert_eq!(serde_json::to_value(rate).unwrap(), written);
        }
    }
}
