//! The application.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::protocol::{Map, Value, timestamp};

/// The application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppContext {
    /// When it was started.
    #[serde(with = "timestamp::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub app_start_time: Option<SystemTime>,
    /// An id of the installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_app_hash: Option<String>,
    /// What kind of build it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_type: Option<String>,
    /// Its dotted identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_identifier: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// Its build number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_build: Option<String>,
    /// What else is known of it.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
