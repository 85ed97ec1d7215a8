//! The language runtime.

use serde::{Deserialize, Serialize};

use crate::protocol::{Map, Value};

/// The language runtime.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuntimeContext {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What else is known of it.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
