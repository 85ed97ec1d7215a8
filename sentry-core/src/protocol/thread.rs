//! Threads of the process.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Map, Stacktrace, Value, lenient};

/// The id of a thread.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ThreadId {
    /// A number.
    Int(u64),
    /// A name.
    String(String),
}

impl Default for ThreadId {
    fn default() -> Self {
        Self::Int(0)
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::String(name) => name.fmt(f),
        }
    }
}

impl From<u64> for ThreadId {
    fn from(number: u64) -> Self {
        Self::Int(number)
    }
}

impl From<i64> for ThreadId {
    /// Negative numbers become names.
    fn from(number: i64) -> Self {
        u64::try_from(number).map_or_else(|_| Self::String(number.to_string()), Self::Int)
    }
}

impl From<i32> for ThreadId {
    fn from(number: i32) -> Self {
        i64::from(number).into()
    }
}

impl From<u32> for ThreadId {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<u16> for ThreadId {
    fn from(number: u16) -> Self {
        Self::Int(number.into())
    }
}

impl From<String> for ThreadId {
    fn from(name: String) -> Self {
        Self::String(name)
    }
}

impl<'a> From<&'a str> for ThreadId {
    fn from(name: &'a str) -> Self {
        Self::String(name.into())
    }
}

impl Serialize for ThreadId {
    /// Numbers that are too wide for the protocol are written as text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(number) if i64::try_from(*number).is_ok() => serializer.serialize_u64(*number),
            Self::Int(number) => serializer.collect_str(number),
            Self::String(name) => serializer.serialize_str(name),
        }
    }
}

impl<'de> Deserialize<'de> for ThreadId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrText)
    }
}

struct NumberOrText;

impl Visitor<'_> for NumberOrText {
    type Value = ThreadId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number or the name of a thread")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<ThreadId, E> {
        Ok(number.into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<ThreadId, E> {
        Ok(number.into())
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<ThreadId, E> {
        Ok(name.into())
    }
}

/// A thread of the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thread {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ThreadId>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it was doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stacktrace: Option<Stacktrace>,
    /// The stack trace before it was processed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_stacktrace: Option<Stacktrace>,
    /// Whether it crashed.
    #[serde(skip_serializing_if = "std::ops::Not::not", deserialize_with = "lenient::or_default")]
    pub crashed: bool,
    /// Whether it was running when the event was captured.
    #[serde(skip_serializing_if = "std::ops::Not::not", deserialize_with = "lenient::or_default")]
    pub current: bool,
    /// Whether it is the main thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub main: Option<bool>,
    /// What the scheduler said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The locks it held, by address.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub held_locks: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_full_thread_survives_the_round_trip() {
        let json = json!({
            "id": 42, "name": "worker", "stacktrace": {"frames": [{"function": "f"}]},
            "raw_stacktrace": {"frames": []}, "crashed": true, "current": true, "main": false, "state": "RUNNABLE",
            "held_locks": {"0x1": {"type": 1}}
        });
        let thread: Thread = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&thread).unwrap(), json);
        assert_eq!(serde_json::to_value(Thread::default()).unwrap(), json!({}));
    }

    #[test]
    fn ids_are_numbers_or_text() {
        for (id, json) in [
            (ThreadId::from(7_u16), json!(7)),
            (ThreadId::from(i64::MAX), json!(i64::MAX)),
            (ThreadId::from(-7), json!("-7")),
            (ThreadId::from("main"), json!("main")),
        ] {
            assert_eq!(serde_json::to_value(&id).unwrap(), json);
            assert_eq!(serde_json::from_value::<ThreadId>(json).unwrap(), id);
        }
        assert_eq!(serde_json::from_value::<ThreadId>(json!(-7)).unwrap(), ThreadId::from("-7"));
        assert_eq!(serde_json::to_value(ThreadId::Int(u64::MAX)).unwrap(), json!(u64::MAX.to_string()));
        assert_eq!(ThreadId::default().to_string(), "0");
    }
}
