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
