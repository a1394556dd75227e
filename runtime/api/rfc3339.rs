//! Times as RFC 3339 writes them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use crate::message::Timestamp;

/// A point in time in a request or an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-23T14:30:00Z")]
pub struct Time(pub Timestamp);

impl Time {
    pub fn parse(text: &str) -> Result<Time, String> {
        let wrong = || format!("{text:?} is no time of RFC 3339, such as 2026-11-23T14:30:00Z");
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| wrong())?;
        let millis = u64::try_from(time.unix_timestamp_nanos() / 1_000_000).map_err(|_| wrong())?;
        Ok(Time(Timestamp(millis)))
    }

    /// Times beyond the year 9999 have no such form and become the last that has.
    pub fn text(self) -> String {
        let nanos = i128::from(self.0.0) * 1_000_000;
        let time = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
        let text = time.and_then(|time| time.format(&Rfc3339).ok());
        text.unwrap_or_else(|| "9999-12-31T23:59:59Z".to_owned())
    }
}

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Time {
        Time(at)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        Time::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_back_in_utc_whatever_their_offset() {
        let time = Time::parse("2026-11-23T15:30:00.25+01:00").expect("a time");
        assert_eq!(time.text(), "2026-11-23T14:30:00.25Z");
        assert_eq!(Time::parse(&time.text()), Ok(time));
        for wrong in ["", "tomorrow", "2026-11-23", "1969-12-31T23:59:59Z", "2026-11-23 14:30:00"] {
            assert!(Time::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Time(Timestamp(u64::MAX)).text(), "9999-12-31T23:59:59Z");
    }
}
