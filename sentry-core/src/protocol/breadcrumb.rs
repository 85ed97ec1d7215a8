//! What happened before an event.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::clock;

use super::{Level, Map, Value, lenient, timestamp};

/// One step on the way to an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Breadcrumb {
    /// When it happened.
    #[serde(with = "timestamp::seconds")]
    pub timestamp: SystemTime,
    /// What kind it is: `default`, `http`, `navigation`, `query`, …
    #[serde(rename = "type", skip_serializing_if = "is_default_type", deserialize_with = "type_or_default")]
    pub ty: String,
    /// A dotted name of its source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// How severe it is.
    #[serde(skip_serializing_if = "Level::is_info")]
    pub level: Level,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// More about it.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub data: Map<String, Value>,
}

const DEFAULT_TYPE: &str = "default";

impl Default for Breadcrumb {
    /// An empty breadcrumb of this moment.
    fn default() -> Self {
        Self {
            timestamp: clock::now(),
            ty: DEFAULT_TYPE.into(),
            category: None,
            level: Level::Info,
            message: None,
            data: Map::new(),
        }
    }
}

fn is_default_type(ty: &str) -> bool {
    ty == DEFAULT_TYPE
}

fn type_or_default<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(|| DEFAULT_TYPE.into()))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_are_left_out() {
        let breadcrumb = Breadcrumb { timestamp: UNIX_EPOCH, ..Breadcrumb::default() };
        let json = serde_json::to_value(&breadcrumb).unwrap();
        assert_eq!(json, json!({"timestamp": 0}));
        assert_eq!(serde_json::from_value::<Breadcrumb>(json).unwrap(), breadcrumb);
    }

    #[test]
    fn a_full_breadcrumb_survives_the_round_trip() {
        let json = json!({
            "timestamp": 1_514_103_120.713, "type": "http", "category": "http.client", "level": "warning",
            "message": "GET /", "data": {"status_code": 404}
        });
        let breadcrumb: Breadcrumb = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(breadcrumb.ty, "http");
        assert_eq!(serde_json::to_value(&breadcrumb).unwrap(), json);
    }
}
