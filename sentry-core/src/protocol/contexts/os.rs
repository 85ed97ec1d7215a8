//! The operating system.

use serde::{Deserialize, Serialize};

use crate::protocol::{Map, Value};

/// The operating system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OsContext {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// The version of its kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel_version: Option<String>,
    /// Whether its protection is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rooted: Option<bool>,
    /// What else is known of it.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
