//! A message with its parameters.

use serde::{Deserialize, Serialize};

use super::{Value, lenient};

/// A message template and what was put into it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogEntry {
    /// The template.
    #[serde(deserialize_with = "lenient::or_default")]
    pub message: String,
    /// The parameters.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::or_default")]
    pub params: Vec<Value>,
    /// The template with its parameters filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_log_entry_survives_the_round_trip() {
        for json in [json!({"message": "a"}), json!({"message": "%s", "params": ["a"], "formatted": "a"})] {
            let entry: LogEntry = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(&entry).unwrap(), json);
        }
    }
}
