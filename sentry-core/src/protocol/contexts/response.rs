//! The HTTP response.

use serde::{Deserialize, Serialize};

use crate::protocol::{Map, Value, lenient};

/// The HTTP response.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResponseContext {
    /// The `Set-Cookie` headers.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub cookies: Option<String>,
    /// The headers.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::string_map")]
    pub headers: Map<String, String>,
    /// The status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u64>,
    /// The size of the body, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_size: Option<u64>,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}
