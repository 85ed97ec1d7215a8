//! Structured logs.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{LogAttribute, Map, TraceId, attribute, lenient, timestamp};

/// The severity of a log, in the words of logs: `warn`, where events say `warning`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// The finest detail.
    Trace,
    /// For developers.
    Debug,
    /// Worth knowing.
    Info,
    /// Not as it should be.
    Warn,
    /// Something failed.
    Error,
    /// The process or the task could not go on.
    Fatal,
}

impl LogLevel {
    /// The name on the wire.
    #[cfg(feature = "logs")]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// The lowest severity number of this level.
    #[must_use]
    pub fn severity_number(self) -> LogSeverityNumber {
        LogSeverityNumber(match self {
            Self::Trace => 1,
            Self::Debug => 5,
            Self::Info => 9,
            Self::Warn => 13,
            Self::Error => 17,
            Self::Fatal => 21,
        })
    }
}

/// The severity of a log as a number from 1 to 24, four for each level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct LogSeverityNumber(u8);

impl LogSeverityNumber {
    /// The lowest number.
    pub const MIN: u8 = 1;
    /// The highest number.
    pub const MAX: u8 = 24;
}

impl TryFrom<u8> for LogSeverityNumber {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        if (Self::MIN..=Self::MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err(format!("severity number {number} is not within {} and {}", Self::MIN, Self::MAX))
        }
    }
}

impl From<LogSeverityNumber> for u8 {
    fn from(number: LogSeverityNumber) -> Self {
        number.0
    }
}

/// One log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// Its severity.
    pub level: LogLevel,
    /// Its text.
    pub body: String,
    /// The trace it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// When it was written.
    #[serde(with = "timestamp::seconds")]
    pub timestamp: SystemTime,
    /// Its severity as a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity_number: Option<LogSeverityNumber>,
    /// What else is known.
    #[serde(
        default,
        skip_serializing_if = "attribute::are_absent",
        serialize_with = "attribute::serialize_present",
        deserialize_with = "lenient::or_default"
    )]
    pub attributes: Map<String, LogAttribute>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_log_survives_the_round_trip() {
        let json = json!({
            "timestamp": 1_544_719_860, "trace_id": "5b8efff798038103d269b633813fc60c", "level": "info",
            "severity_number": 9, "body": "User John has logged in!",
            "attributes": {
                "sentry.message.template": {"value": "User %s has logged in!", "type": "string"},
                "sentry.message.parameter.0": {"value": "John", "type": "string"}
            }
        });
        let log: Log = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(log.attributes["sentry.message.parameter.0"], LogAttribute::from("John"));
        assert_eq!(serde_json::to_value(&log).unwrap(), json);
    }

    #[test]
    fn optional_fields_are_left_out() {
        let json = json!({"timestamp": 1.5, "level": "warn", "body": ""});
        let log: Log = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&log).unwrap(), json);
    }

    #[test]
    fn levels_have_their_lowest_number() {
        for (level, name, number) in [
            (LogLevel::Trace, "trace", 1),
            (LogLevel::Debug, "debug", 5),
            (LogLevel::Info, "info", 9),
            (LogLevel::Warn, "warn", 13),
            (LogLevel::Error, "error", 17),
            (LogLevel::Fatal, "fatal", 21),
        ] {
            assert_eq!(serde_json::to_value(level).unwrap(), name);
            assert_eq!(serde_json::to_value(level.severity_number()).unwrap(), number);
        }
    }

    #[test]
    fn severity_numbers_have_a_range() {
        for (number, is_valid) in [(0, false), (1, true), (24, true), (25, false)] {
            assert_eq!(LogSeverityNumber::try_from(number).is_ok(), is_valid);
            assert_eq!(serde_json::from_value::<LogSeverityNumber>(json!(number)).is_ok(), is_valid);
        }
    }
}
