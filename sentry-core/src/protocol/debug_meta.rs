//! What a server needs to turn addresses into names: the list of loaded images.

use ::debugid::{CodeId, DebugId};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::fmt::Hyphenated;

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
    Ok(images
        .unwrap_or_default()
        .into_iter()
        .filter_map(|image| DebugImage::deserialize(image).ok())
        .collect())
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
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum DebugImage {
    /// An image of an Apple system, in its historical form.
    Apple(AppleDebugImage),
    /// A native image, written as `elf`, `macho` or `pe`.
    #[serde(alias = "elf", alias = "macho", alias = "pe")]
    Symbolic(SymbolicDebugImage),
    /// A ProGuard mapping.
    Proguard(ProguardDebugImage),
    /// A WebAssembly module.
    Wasm(WasmDebugImage),
}

impl DebugImage {
    /// The name of its kind.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match self {
            Self::Apple(_) => "apple",
            Self::Symbolic(_) => "symbolic",
            Self::Proguard(_) => "proguard",
            Self::Wasm(_) => "wasm",
        }
    }
}

/// An image with the name of its kind in front.
#[derive(Serialize)]
struct Tagged<'a, T> {
    r#type: &'a str,
    #[serde(flatten)]
    image: &'a T,
}

impl Serialize for DebugImage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let r#type = self.type_name();
        match self {
            Self::Apple(image) => Tagged { r#type, image }.serialize(serializer),
            Self::Symbolic(image) => image.write(Some(image.format()), serializer),
            Self::Proguard(image) => Tagged { r#type, image }.serialize(serializer),
            Self::Wasm(image) => Tagged { r#type, image }.serialize(serializer),
        }
    }
}

impl From<AppleDebugImage> for DebugImage {
    fn from(image: AppleDebugImage) -> Self {
        Self::Apple(image)
    }
}

impl From<SymbolicDebugImage> for DebugImage {
    fn from(image: SymbolicDebugImage) -> Self {
        Self::Symbolic(image)
    }
}

impl From<ProguardDebugImage> for DebugImage {
    fn from(image: ProguardDebugImage) -> Self {
        Self::Proguard(image)
    }
}

impl From<WasmDebugImage> for DebugImage {
    fn from(image: WasmDebugImage) -> Self {
        Self::Wasm(image)
    }
}

/// An image of an Apple system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppleDebugImage {
    /// Its path.
    pub name: String,
    /// The architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// The architecture, as a number of the Mach kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_type: Option<u32>,
    /// The kind of that architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_subtype: Option<u32>,
    /// Where it is loaded.
    pub image_addr: Addr,
    /// Its size in memory.
    pub image_size: u64,
    /// Where it would like to be loaded.
    #[serde(default, skip_serializing_if = "Addr::is_null")]
    pub image_vmaddr: Addr,
    /// Its id.
    pub uuid: Uuid,
}

/// A native image.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SymbolicDebugImage {
    /// Its path.
    #[serde(rename = "code_file", alias = "name")]
    pub name: String,
    /// The architecture.
    #[serde(default)]
    pub arch: Option<String>,
    /// Where it is loaded.
    pub image_addr: Addr,
    /// Its size in memory.
    #[serde(default)]
    pub image_size: u64,
    /// Where it would like to be loaded.
    #[serde(default)]
    pub image_vmaddr: Addr,
    /// The id of its debug information.
    #[serde(rename = "debug_id", alias = "id")]
    pub id: DebugId,
    /// The id of its code, such as the GNU build id.
    #[serde(default)]
    pub code_id: Option<CodeId>,
    /// The path of its debug information.
    #[serde(default)]
    pub debug_file: Option<String>,
}

impl Serialize for SymbolicDebugImage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.write(None, serializer)
    }
}

impl SymbolicDebugImage {
    /// By hand, since every crash has a dozen, and a flattened struct takes twice as long.
    fn write<S: Serializer>(&self, r#type: Option<&str>, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { name, arch, image_addr, image_size, image_vmaddr, id, code_id, debug_file } = self;
        let optional = [
            r#type.is_some(),
            arch.is_some(),
            !image_vmaddr.is_null(),
            code_id.is_some(),
            debug_file.is_some(),
        ];
        let count = 4 + optional.into_iter().filter(|is_there| *is_there).count();
        let mut image = serializer.serialize_struct("SymbolicDebugImage", count)?;
        if let Some(r#type) = r#type {
            image.serialize_field("type", r#type)?;
        }
        image.serialize_field("code_file", name)?;
        if let Some(arch) = arch {
            image.serialize_field("arch", arch)?;
        }
        image.serialize_field("image_addr", image_addr)?;
        image.serialize_field("image_size", image_size)?;
        if !image_vmaddr.is_null() {
            image.serialize_field("image_vmaddr", image_vmaddr)?;
        }
        let text = &mut [0; Hyphenated::LENGTH];
        match text_of(id, text) {
            Some(text) => image.serialize_field("debug_id", text)?,
            None => image.serialize_field("debug_id", id)?,
        }
        if let Some(code_id) = code_id {
            image.serialize_field("code_id", code_id)?;
        }
        if let Some(debug_file) = debug_file {
            image.serialize_field("debug_file", debug_file)?;
        }
        image.end()
    }

    /// The file format.
    ///
    /// The type has no field for it. A program database says PE; everything else was loaded by this very process, hence
    /// has the format of the platform.
    fn format(&self) -> &'static str {
        let has_pdb =
            self.debug_file.as_deref().is_some_and(|file| file.to_ascii_lowercase().ends_with(".pdb"));
        if has_pdb || cfg!(windows) {
            "pe"
        } else if cfg!(target_vendor = "apple") {
            "macho"
        } else {
            "elf"
        }
    }
}

/// The text of an id that is nothing but a UUID, as most are, without the formatter.
fn text_of<'b>(id: &DebugId, buffer: &'b mut [u8; Hyphenated::LENGTH]) -> Option<&'b str> {
    let is_uuid = !id.is_pdb20() && id.appendix() == 0;
    is_uuid.then(|| &*id.uuid().hyphenated().encode_lower(buffer))
}

/// A ProGuard mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProguardDebugImage {
    /// Its id.
    pub uuid: Uuid,
}

/// A WebAssembly module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WasmDebugImage {
    /// Its name.
    pub name: String,
    /// The id of its debug information.
    pub debug_id: Uuid,
    /// Where its debug information is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debug_file: Option<String>,
    /// The id of its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_id: Option<String>,
    /// Where it was loaded from.
    pub code_file: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn round_trip(json: &Value) -> Value {
        serde_json::to_value(serde_json::from_value::<DebugImage>(json.clone()).unwrap()).unwrap()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_native_image_is_written_in_the_format_of_the_platform() {
        let json = json!({
            "type": "elf", "code_file": "/usr/bin/app", "arch": "x86_64", "image_addr": "0x5000", "image_size": 4096,
            "image_vmaddr": "0x1000", "debug_id": "c0bcc3f1-9827-fe65-3058-404b2831d9e6",
            "code_id": "f1c3bcc0279865fe3058404b2831d9e64135386c", "debug_file": "/usr/lib/debug/app"
        });
        assert_eq!(round_trip(&json), json);
        let symbolic = json!({
            "type": "symbolic", "name": "/bin/sh", "image_addr": 0, "image_size": 1,
            "id": "c0bcc3f1-9827-fe65-3058-404b2831d9e6"
        });
        let image: DebugImage = serde_json::from_value(symbolic).unwrap();
        assert_eq!(image.type_name(), "symbolic");
        let json = json!({
            "type": "elf", "code_file": "/bin/sh", "image_addr": "0x0", "image_size": 1,
            "debug_id": "c0bcc3f1-9827-fe65-3058-404b2831d9e6"
        });
        assert_eq!(serde_json::to_value(image).unwrap(), json);
    }

    #[test]
    fn a_program_database_makes_a_pe_image() {
        let json = json!({
            "type": "pe", "code_file": "app.exe", "image_addr": "0x1", "image_size": 4096, "debug_file": "C:\\app.PDB",
            "debug_id": "c0bcc3f1-9827-fe65-3058-404b2831d9e6-1", "code_id": "5ab380779000"
        });
        assert_eq!(round_trip(&json), json);
    }

    #[test]
    fn the_other_images_survive_the_round_trip() {
        for json in [
            json!({
                "type": "apple", "name": "app", "arch": "arm64", "cpu_type": 1, "cpu_subtype": 2, "image_addr": "0x1",
                "image_size": 2, "image_vmaddr": "0x3", "uuid": "494f3aea-88fa-4296-9644-fa8ef5d139b6"
            }),
            json!({"type": "proguard", "uuid": "494f3aea-88fa-4296-9644-fa8ef5d139b6"}),
            json!({
                "type": "wasm", "name": "app", "debug_id": "494f3aea-88fa-4296-9644-fa8ef5d139b6",
                "debug_file": "app.debug.wasm", "code_id": "494f", "code_file": "https://example.com/app.wasm"
            }),
        ] {
            assert_eq!(round_trip(&json), json);
        }
    }

    #[test]
    fn unknown_images_are_skipped() {
        let meta: DebugMeta = serde_json::from_value(json!({
            "images": [{"type": "sourcemap"}, null, {"type": "proguard", "uuid": Uuid::nil()}],
            "sdk_info": {"sdk_name": "iOS", "version_major": 9, "version_minor": 3, "version_patchlevel": 0}
        }))
        .unwrap();
        assert_eq!(meta.images, [DebugImage::Proguard(ProguardDebugImage { uuid: Uuid::nil() })]);
        assert!(!meta.is_empty());
        assert_eq!(serde_json::to_value(DebugMeta::default()).unwrap(), json!({}));
    }
}
