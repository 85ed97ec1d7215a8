//! The device.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::protocol::{Map, Value, number, timestamp};

/// How a device is held.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Orientation {
    /// Upright.
    Portrait,
    /// Sideways.
    Landscape,
}

/// The device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceContext {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The family of its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The internal name of its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// The architecture of its processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// How full its battery is, in percent.
    #[serde(skip_serializing_if = "number::is_unwritable_f32")]
    pub battery_level: Option<f32>,
    /// How it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<Orientation>,
    /// Whether it is none but a simulator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulator: Option<bool>,
    /// Its memory, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_size: Option<u64>,
    /// Its free memory, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_memory: Option<u64>,
    /// The memory that the application may use, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usable_memory: Option<u64>,
    /// Its storage, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_size: Option<u64>,
    /// Its free storage, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_storage: Option<u64>,
    /// Its external storage, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_storage_size: Option<u64>,
    /// Its free external storage, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_free_storage: Option<u64>,
    /// When it was started.
    #[serde(with = "timestamp::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub boot_time: Option<SystemTime>,
    /// Its time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// What else is known of it.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
