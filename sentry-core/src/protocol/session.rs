//! Sessions: how healthy a release is.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use super::{Uuid, Value, id, number, timestamp};

/// How a session goes or how it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionStatus {
    /// It goes on.
    #[default]
    Ok,
    /// The process died of an error.
    Crashed,
    /// The process vanished.
    Abnormal,
    /// It ended as it should.
    Exited,
}

impl SessionStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Crashed => "crashed",
            Self::Abnormal => "abnormal",
            Self::Exited => "exited",
        }
    }
}

impl fmt::Display for SessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is no session status.
#[derive(Debug)]
pub struct ParseSessionStatusError;

impl fmt::Display for ParseSessionStatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid session status, expected ok, crashed, abnormal or exited")
    }
}

impl Error for ParseSessionStatusError {}

impl FromStr for SessionStatus {
    type Err = ParseSessionStatusError;

    fn from_str(text: &str) -> Result<Self, ParseSessionStatusError> {
        Ok(match text {
            "ok" => Self::Ok,
            "crashed" => Self::Crashed,
            "abnormal" => Self::Abnormal,
            "exited" => Self::Exited,
            _ => return Err(ParseSessionStatusError),
        })
    }
}

impl Serialize for SessionStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for SessionStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What does not change during a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionAttributes<'a> {
    /// The version of the application.
    pub release: Cow<'a, str>,
    /// Where the application runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Cow<'a, str>>,
    /// The address of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<IpAddr>,
    /// The browser of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// The state of one session. Every update carries all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionUpdate<'a> {
    /// Its id.
    #[serde(rename = "sid", with = "id")]
    pub session_id: Uuid,
    /// Whose session it is.
    #[serde(rename = "did", default, skip_serializing_if = "Option::is_none")]
    pub distinct_id: Option<String>,
    /// Orders the updates.
    #[serde(rename = "seq", default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// When it was updated.
    #[serde(default, with = "timestamp::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<SystemTime>,
    /// When it started.
    #[serde(with = "timestamp::rfc3339")]
    pub started: SystemTime,
    /// Whether this is the first update that is sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub init: bool,
    /// How many seconds it has lasted.
    #[serde(default, skip_serializing_if = "number::is_unwritable")]
    pub duration: Option<f64>,
    /// How it goes or how it ended.
    #[serde(default)]
    pub status: SessionStatus,
    /// How many errors it has seen.
    #[serde(default)]
    pub errors: u64,
    /// What does not change.
    #[serde(rename = "attrs")]
    pub attributes: SessionAttributes<'a>,
}

/// The state of a session that has ended with an error that nobody handled: [`SessionStatus`] has no name for that.
pub(crate) struct Unhandled<T>(pub(crate) T);

const UNHANDLED: &str = "unhandled";

impl Serialize for Unhandled<&SessionUpdate<'_>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut json = serde_json::to_value(self.0).map_err(ser::Error::custom)?;
        json["status"] = UNHANDLED.into();
        json.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Unhandled<Option<SessionUpdate<'static>>> {
    /// Nothing, if it has ended in another way.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut json = Value::deserialize(deserializer)?;
        if json.get("status").is_none_or(|status| status != UNHANDLED) {
            return Ok(Self(None));
        }
        json["status"] = SessionStatus::Exited.name().into();
        serde_json::from_value(json).map(|update| Self(Some(update))).map_err(de::Error::custom)
    }
}

/// How the sessions of a minute went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionAggregateItem {
    /// The minute they started in.
    #[serde(with = "timestamp::rfc3339")]
    pub started: SystemTime,
    /// Whose sessions they are.
    #[serde(rename = "did", default, skip_serializing_if = "Option::is_none")]
    pub distinct_id: Option<String>,
    /// How many ended without any error.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub exited: u32,
    /// How many ended and had seen errors.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub errored: u32,
    /// How many vanished.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub abnormal: u32,
    /// How many died of an error.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub crashed: u32,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Many sessions, counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionAggregates<'a> {
    /// The counts.
    #[serde(default)]
    pub aggregates: Vec<SessionAggregateItem>,
    /// What all of them have in common.
    #[serde(rename = "attrs")]
    pub attributes: SessionAttributes<'a>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_full_update_survives_the_round_trip() {
        let json = json!({
            "sid": "8333339f5675441892d50fe7c69ecd50", "did": "foo", "seq": 42, "timestamp": "2020-02-07T15:17:00Z",
            "started": "2020-02-07T14:16:00.5Z", "init": true, "duration": 1234.5, "status": "exited", "errors": 0,
            "attrs": {
                "release": "app@1.0.0", "environment": "production", "ip_address": "127.0.0.1", "user_agent": "Firefox"
            }
        });
        let update: SessionUpdate<'static> = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&update).unwrap(), json);
    }

    #[test]
    fn the_defaults_of_an_update_are_filled_in() {
        let update: SessionUpdate<'static> = serde_json::from_value(json!({
            "sid": "8333339f-5675-4418-92d5-0fe7c69ecd50", "started": 0, "attrs": {"release": "r"}
        }))
        .unwrap();
        let json = json!({
            "sid": "8333339f5675441892d50fe7c69ecd50", "started": "1970-01-01T00:00:00Z", "status": "ok", "errors": 0,
            "attrs": {"release": "r"}
        });
        assert_eq!(serde_json::to_value(&update).unwrap(), json);
    }

    #[test]
    fn a_session_without_a_release_is_refused() {
        let json = json!({"sid": Uuid::nil(), "started": 0, "attrs": {}});
        assert!(serde_json::from_value::<SessionUpdate<'static>>(json).is_err());
    }

    #[test]
    fn aggregates_leave_out_zero_counts() {
        let json = json!({
            "aggregates": [
                {"started": "2020-02-07T14:16:00Z", "did": "foo", "exited": 12, "errored": 3, "abnormal": 1,
                 "crashed": 2},
                {"started": "2020-02-07T14:17:00Z", "exited": 1}
            ],
            "attrs": {"release": "app@1.0.0", "environment": "development"}
        });
        let aggregates: SessionAggregates<'static> = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(aggregates.aggregates[1].crashed, 0);
        assert_eq!(serde_json::to_value(&aggregates).unwrap(), json);
    }

    #[test]
    fn statuses_are_lower_case_text() {
        for status in
            [SessionStatus::Ok, SessionStatus::Crashed, SessionStatus::Abnormal, SessionStatus::Exited]
        {
            assert_eq!(status.to_string(), format!("{status:?}").to_lowercase());
            assert_eq!(status.to_string().parse::<SessionStatus>().unwrap(), status);
            assert_eq!(serde_json::to_value(status).unwrap(), status.to_string());
        }
        assert!("".parse::<SessionStatus>().is_err());
    }
}
