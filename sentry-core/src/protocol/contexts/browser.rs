//! The browser of the user.

use serde::{Deserialize, Serialize};

use crate::protocol::{Map, Value};

/// The browser of the user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BrowserContext {
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
