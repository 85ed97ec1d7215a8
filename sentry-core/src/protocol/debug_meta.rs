//! What a server needs to turn addresses into names: the list of loaded images.

use ::debugid::{CodeId, DebugId};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Addr, Uuid, Value};

/// The images a process has loaded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DebugMeta {
    /// Which system the symbols of the operating system belong to. Apple only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk_info: Option<SystemSdkInfo>,
    /// The images.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "known_images")]
    pub images: Vec<DebugImage>,
}

impl DebugMeta {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sdk_info.is_none() && self.images.is_empty()
    }
}

/// There are more kinds of images than [`DebugImage`] can hold; the others are skipped.
fn known_images<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<DebugImage>, D::Error> {
    let images: Option<Vec<Value>> = Deserialize::deserialize(deserializer)?;
    Ok(images.unwrap_or_default().into_iter().filter_map(|image| DebugImage::deserialize(image).ok()).collect())
}

/// The version of an Apple operating system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemSdkInfo {
    /// Its name.
    pub sdk_name: String,
    /// The first part of its version.
    pub version_major: u32,
    /// The second part.
    pub version_minor: u32,
    /// The third part.
    pub version_patchlevel: u32,
}

/// An executable or a library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum DebugImage {
    /// An image of an Apple system, in its historical form.
    Apple(AppleDebugImage),
    /// A native image. Written as `elf`, `macho` or `pe`.
    #[serde(alias = "elf", alias = "macho", alias = "pe")]
    #[serde(untagged)]
    Symbolic(SymbolicDebugImage),
    /// A ProGuard mapping.
    Proguard(ProguardDebugImage),
    /// A WebAssembly module.
    Wasm(WasmDebugImage),
}
