//! Data of OpenTelemetry.

use serde::{Deserialize, Serialize};

use crate::protocol::{Map, Value};

/// Data of OpenTelemetry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OtelContext {
    /// The attributes of the span.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
    /// The attributes of the resource.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub resource: Map<String, Value>,
    /// What else is known of it.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
