//! Points in time on the wire.
//!
//! Events, breadcrumbs, transactions, spans, logs and metrics carry seconds since 1970 as a number with microseconds
//! ([`seconds`]); sessions, contexts and headers carry RFC 3339 text in UTC ([`rfc3339`]). Both forms are read by both.
//!
//! Every [`SystemTime`] can be written: what lies outside of the years 0 to 9999 is clamped, times before 1970 are
//! negative numbers. A clock that is off must never cost an event.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde::de::{self, Visitor};

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
/// The year 0 in microseconds since 1970.
const MIN: i64 = -62_167_219_200 * SECOND;
/// The last moment that is in the year 9999 in every time zone, where jiff ends.
const MAX: i64 = 253_402_207_200 * SECOND;

/// Formats `time` as RFC 3339 in UTC, with up to six digits of a second.
#[must_use]
pub fn to_rfc3339(time: SystemTime) -> String {
    // `to_micros` clamps to what jiff accepts, so the default is never used.
    Timestamp::from_microsecond(to_micros(time)).unwrap_or_default().to_string()
}

/// Parses RFC 3339. Text without an offset is taken as UTC, anything below a microsecond is cut.
#[must_use]
pub fn from_rfc3339(text: &str) -> Option<SystemTime> {
    let parse = |text: &str| text.parse::<Timestamp>().ok();
    let time = parse(text).or_else(|| parse(&format!("{text}Z")))?;
    let micros = time.as_nanosecond().div_euclid(1_000);
    from_micros(i64::try_from(micros).ok()?)
}

/// Microseconds since 1970, clamped to what the protocol can express.
fn to_micros(time: SystemTime) -> i64 {
    let micros = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    };
    micros.clamp(MIN, MAX)
}

/// `None` only where the platform's clock cannot express it.
fn from_micros(micros: i64) -> Option<SystemTime> {
    let micros = micros.clamp(MIN, MAX);
    let distance = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}

/// Reads a time in either form.
struct Either;

impl Either {
    fn micros<E: de::Error>(micros: i64) -> Result<SystemTime, E> {
        from_micros(micros).ok_or_else(|| E::custom("time out of range"))
    }
}

impl Visitor<'_> for Either {
    type Value = SystemTime;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds since 1970 or an RFC 3339 time")
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<SystemTime, E> {
        Self::micros(seconds.saturating_mul(SECOND))
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<SystemTime, E> {
        self.visit_i64(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<SystemTime, E> {
        if !seconds.is_finite() {
            return Err(E::invalid_value(de::Unexpected::Float(seconds), &self));
        }
        // `as` saturates, which is the clamp we want.
        Self::micros((seconds * 1e6).round() as i64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SystemTime, E> {
        if let Some(time) = from_rfc3339(text) {
            return Ok(time);
        }
        match text.parse() {
            Ok(seconds) => self.visit_f64(seconds),
            Err(_) => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}

/// The same for times that may be `null`.
struct OptionalEither;

impl<'de> Visitor<'de> for OptionalEither {
    type Value = Option<SystemTime>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Either.expecting(f)
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(Either).map(Some)
    }
}

/// For `#[serde(with)]`: a number of seconds.
pub mod seconds {
    use serde::{Deserializer, Serializer};

    use super::{Either, SECOND, SystemTime, to_micros};

    /// Writes `time` as a number of seconds with microseconds, without a fraction where there is none.
    ///
    /// # Errors
    ///
    /// Only those of the serializer.
    pub fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        let micros = to_micros(*time);
        if micros % SECOND == 0 {
            serializer.serialize_i64(micros / SECOND)
        } else {
            // Exact up to the year 2255.
            serializer.serialize_f64(micros as f64 / 1e6)
        }
    }

    /// Reads a time in either form.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        deserializer.deserialize_any(Either)
    }

    /// The same for times that may be missing.
    pub mod option {
        use serde::{Deserializer, Serializer};

        use super::super::{OptionalEither, SystemTime};

        /// Writes `null` for `None`.
        ///
        /// # Errors
        ///
        /// Only those of the serializer.
        pub fn serialize<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => super::serialize(time, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Reads a time in either form, or `null`.
        ///
        /// # Errors
        ///
        /// When it is none of them.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<SystemTime>, D::Error> {
            deserializer.deserialize_option(OptionalEither)
        }
    }
}

/// For `#[serde(with)]`: RFC 3339 text.
pub mod rfc3339 {
    use serde::{Deserializer, Serializer};

    use super::{Either, SystemTime, to_rfc3339};

    /// Writes `time` as [`to_rfc3339`] does.
    ///
    /// # Errors
    ///
    /// Only those of the serializer.
    pub fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_rfc3339(*time))
    }

    /// Reads a time in either form.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        deserializer.deserialize_any(Either)
    }

    /// The same for times that may be missing.
    pub mod option {
        use serde::{Deserializer, Serializer};

        use super::super::{OptionalEither, SystemTime};

        /// Writes `null` for `None`.
        ///
        /// # Errors
        ///
        /// Only those of the serializer.
        pub fn serialize<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => super::serialize(time, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Reads a time in either form, or `null`.
        ///
        /// # Errors
        ///
        /// When it is none of them.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<SystemTime>, D::Error> {
            deserializer.deserialize_option(OptionalEither)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Times {
        #[serde(with = "seconds")]
        number: SystemTime,
        #[serde(with = "rfc3339")]
        text: SystemTime,
        #[serde(default, with = "seconds::option")]
        number_maybe: Option<SystemTime>,
        #[serde(default, with = "rfc3339::option")]
        text_maybe: Option<SystemTime>,
    }

    fn written(time: SystemTime) -> (Value, Value) {
        let times = Times { number: time, text: time, number_maybe: Some(time), text_maybe: Some(time) };
        let json = serde_json::to_value(&times).unwrap();
        assert_eq!(json["number"], json["number_maybe"]);
        assert_eq!(json["text"], json["text_maybe"]);
        (json["number"].clone(), json["text"].clone())
    }

    fn read(json: &Value) -> Option<SystemTime> {
        let times = json!({ "number": json.clone(), "text": json.clone(), "number_maybe": json.clone(), "text_maybe": json });
        let times: Times = serde_json::from_value(times).ok()?;
        assert_eq!(Some(times.number), times.number_maybe);
        assert_eq!(Some(times.text), times.text_maybe);
        assert_eq!(times.number, times.text);
        Some(times.number)
    }

    fn at(micros: i64) -> SystemTime {
        from_micros(micros).unwrap()
    }

    #[test]
    fn times_are_written_with_microseconds() {
        assert_eq!(written(UNIX_EPOCH), (json!(0), json!("1970-01-01T00:00:00Z")));
        assert_eq!(
            written(at(1_544_719_860 * SECOND)),
            (json!(1_544_719_860), json!("2018-12-13T16:51:00Z"))
        );
        let fraction = at(1_544_719_860 * SECOND + 123_456) + Duration::from_nanos(789);
        assert_eq!(written(fraction), (json!(1_544_719_860.123_456), json!("2018-12-13T16:51:00.123456Z")));
        assert_eq!(serde_json::to_string(&written(fraction).0).unwrap(), "1544719860.123456");
    }

    #[test]
    fn times_before_1970_are_negative_numbers() {
        assert_eq!(written(at(-1_500_000)), (json!(-1.5), json!("1969-12-31T23:59:58.5Z")));
        assert_eq!(written(at(-SECOND)), (json!(-1), json!("1969-12-31T23:59:59Z")));
    }

    #[test]
    fn times_beyond_the_calendar_are_clamped() {
        let longest = (0..64).rev().map(|bit| Duration::from_secs(1 << bit));
        let past = longest.clone().fold(UNIX_EPOCH, |time, step| time.checked_sub(step).unwrap_or(time));
        let future = longest.fold(UNIX_EPOCH, |time, step| time.checked_add(step).unwrap_or(time));
        assert_eq!(written(future).1, json!("9999-12-30T22:00:00Z"));
        assert!(written(future).0.as_f64().is_some_and(|number| number > 253e9 && number < 254e9));
        #[cfg(unix)]
        assert_eq!(written(past), (json!(-62_167_219_200_i64), json!("0000-01-01T00:00:00Z")));
        assert!(read(&written(past).0).is_some());
        assert!(read(&written(future).1).is_some());
    }

    #[test]
    fn every_form_is_read_by_both() {
        let time = at(1_544_719_860 * SECOND + 500_000);
        for json in [
            json!(1_544_719_860.5),
            json!("1544719860.5"),
            json!("2018-12-13T16:51:00.5Z"),
            json!("2018-12-13T17:51:00.500+01:00"),
            json!("2018-12-13T16:51:00.5"),
        ] {
            assert_eq!(read(&json), Some(time), "{json}");
        }
        assert_eq!(read(&json!(-1.5)), Some(at(-1_500_000)));
        assert_eq!(read(&json!(1e300)), Some(at(MAX)));
        assert_eq!(read(&json!(u64::MAX)), Some(at(MAX)));
    }

    #[test]
    fn junk_is_refused() {
        for json in
            [json!("yesterday"), json!("NaN"), json!(""), json!(true), json!([]), json!({}), json!(",,,:;:")]
        {
            assert_eq!(read(&json), None, "{json}");
        }
    }

    #[test]
    fn a_missing_time_is_none() {
        let times: Times =
            serde_json::from_value(json!({"number": 0, "text": 0, "text_maybe": null})).unwrap();
        assert_eq!((times.number_maybe, times.text_maybe), (None, None));
    }

    #[test]
    fn microseconds_survive_the_round_trip() {
        for micros in [1, 999_999, 1_700_000_000_123_457, 1_999_999_999_999_999, -1, -123_457] {
            let (number, text) = written(at(micros));
            assert_eq!(read(&number), Some(at(micros)));
            assert_eq!(read(&text), Some(at(micros)));
        }
    }
}
