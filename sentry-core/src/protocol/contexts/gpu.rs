//! The graphics processor.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::protocol::{Map, Value};

/// The graphics processor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GpuContext {
    /// Its name.
    pub name: String,
    /// The version of its interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version of its driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_version: Option<String>,
    /// Its PCI id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The PCI id of its vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<String>,
    /// The name of its vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_name: Option<String>,
    /// Its memory, in megabytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_size: Option<u32>,
    /// Whether it renders from several threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_threaded_rendering: Option<bool>,
    /// The interface it is used through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_type: Option<String>,
    /// Its support for textures whose sides are no powers of two. Text on the wire: servers refuse anything else.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_text",
        deserialize_with = "from_text"
    )]
    pub npot_support: Option<bool>,
    /// The largest side of a texture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_texture_size: Option<u32>,
    /// How capable its shaders are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graphics_shader_level: Option<String>,
    /// Its support for draw call instancing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_draw_call_instancing: Option<bool>,
    /// Its support for ray tracing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_ray_tracing: Option<bool>,
    /// Its support for compute shaders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_compute_shaders: Option<bool>,
    /// Its support for geometry shaders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_geometry_shaders: Option<bool>,
    /// What else is known of it.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

fn as_text<S: Serializer>(is_supported: &Option<bool>, serializer: S) -> Result<S::Ok, S::Error> {
    is_supported.map(|is_supported| is_supported.to_string()).serialize(serializer)
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(is_supported) => Some(is_supported),
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}
