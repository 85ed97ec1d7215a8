//! Errors, one link of the chain at a time.

use serde::{Deserialize, Serialize};

use super::{Mechanism, Stacktrace, ThreadId, lenient};

/// One error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exception {
    /// Its type.
    #[serde(
        rename = "type",
        skip_serializing_if = "String::is_empty",
        deserialize_with = "lenient::or_default"
    )]
    pub ty: String,
    /// Its message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The module its type is defined in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Where it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stacktrace: Option<Stacktrace>,
    /// The stack trace before it was processed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_stacktrace: Option<Stacktrace>,
    /// The thread it happened on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
    /// How it came to be reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<Mechanism>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_full_exception_survives_the_round_trip() {
        let json = json!({
            "type": "ParseIntError", "value": "invalid digit", "module": "core::num",
            "stacktrace": {"frames": [{"function": "main"}]}, "raw_stacktrace": {"frames": []}, "thread_id": 7,
            "mechanism": {"type": "generic", "handled": true}
        });
        let exception: Exception = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&exception).unwrap(), json);
    }

    #[test]
    fn an_exception_may_have_a_value_only() {
        let exception: Exception = serde_json::from_value(json!({"type": null, "value": "x"})).unwrap();
        assert_eq!(serde_json::to_value(&exception).unwrap(), json!({"value": "x"}));
    }
}
