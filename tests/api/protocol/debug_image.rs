//! Loaded modules.

use std::fmt::Debug;

use sentry::protocol::debugid::{CodeId, DebugId};
use sentry::protocol::{
    Addr, AppleDebugImage, DebugImage, DebugMeta, ProguardDebugImage, SymbolicDebugImage, SystemSdkInfo,
    Uuid, WasmDebugImage,
};

fields!(DebugMeta {
    images: Vec<DebugImage>,
    sdk_info: Option<SystemSdkInfo>,
});
const _: fn(&DebugMeta) -> bool = DebugMeta::is_empty;
implements!(DebugMeta: Clone + Debug + Default + PartialEq);
wire!(DebugMeta);

all_fields!(SystemSdkInfo {
    sdk_name: String,
    version_major: u32,
    version_minor: u32,
    version_patchlevel: u32
});
implements!(SystemSdkInfo: Clone + Debug + PartialEq);
wire!(SystemSdkInfo);

const _: fn(DebugImage) = |value| match value {
    DebugImage::Apple(_) | DebugImage::Proguard(_) | DebugImage::Symbolic(_) | DebugImage::Wasm(_) => {}
};
const _: fn(AppleDebugImage) -> DebugImage = DebugImage::Apple;
const _: fn(ProguardDebugImage) -> DebugImage = DebugImage::Proguard;
const _: fn(SymbolicDebugImage) -> DebugImage = DebugImage::Symbolic;
const _: fn(WasmDebugImage) -> DebugImage = DebugImage::Wasm;
const _: fn(&DebugImage) -> &str = DebugImage::type_name;
implements!(DebugImage: Clone + Debug + From<AppleDebugImage> + From<ProguardDebugImage> +
    From<SymbolicDebugImage> + From<WasmDebugImage> + PartialEq);
wire!(DebugImage);

all_fields!(AppleDebugImage {
    arch: Option<String>,
    cpu_subtype: Option<u32>,
    cpu_type: Option<u32>,
    image_addr: Addr,
    image_size: u64,
    image_vmaddr: Addr,
    name: String,
    uuid: Uuid,
});
implements!(AppleDebugImage: Clone + Debug + PartialEq);
wire!(AppleDebugImage);

all_fields!(ProguardDebugImage { uuid: Uuid });
implements!(ProguardDebugImage: Clone + Debug + PartialEq);
wire!(ProguardDebugImage);

all_fields!(SymbolicDebugImage {
    arch: Option<String>,
    code_id: Option<CodeId>,
    debug_file: Option<String>,
    id: DebugId,
    image_addr: Addr,
    image_size: u64,
    image_vmaddr: Addr,
    name: String,
});
implements!(SymbolicDebugImage: Clone + Debug + PartialEq);
wire!(SymbolicDebugImage);

all_fields!(WasmDebugImage {
    code_file: String,
    code_id: Option<String>,
    debug_file: Option<String>,
    debug_id: Uuid,
    name: String,
});
implements!(WasmDebugImage: Clone + Debug + PartialEq);
wire!(WasmDebugImage);
