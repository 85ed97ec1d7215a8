//! The list of modules as events carry it, so that a server can symbolicate.

use std::sync::{Arc, Mutex};

#[cfg(unix)]
use sentry_core::process::Held;
use sentry_core::protocol::{Addr, DebugImage, SymbolicDebugImage};

use crate::modules::build_id::Identity;
use crate::modules::{Module, elf, platform};
use crate::sync::lock;

static CACHED: Mutex<Option<Cached>> = Mutex::new(None);

/// The images of this process. Read again only after a library was loaded or unloaded.
pub(crate) fn images() -> Arc<[DebugImage]> {
    let generation = platform::generation();
    let mut cached = lock(&CACHED);
    match &*cached {
        Some(cached) if cached.generation == generation => Arc::clone(&cached.images),
        _ => {
            let images: Arc<[DebugImage]> = platform::loaded().iter().filter_map(image).collect();
            *cached = Some(Cached { generation, images: Arc::clone(&images) });
            images
        }
    }
}

/// For a fork.
#[cfg(unix)]
pub(crate) fn hold(held: &mut Held<'_>) {
    held.lock(&CACHED);
}

struct Cached {
    generation: (u64, u64),
    images: Arc<[DebugImage]>,
}

fn image(module: &Module) -> Option<DebugImage> {
    // The kernel's own module is in no file, and no server has symbols of it.
    let file = module.file.as_deref()?;
    let identity = Identity::from_build_id(&module.build_id)
        .or_else(|| elf::first_code(file).and_then(|code| Identity::from_text(&code)))?;
    Some(DebugImage::Symbolic(SymbolicDebugImage {
        name: module.path.as_ref().to_owned(),
        arch: Some(std::env::consts::ARCH.to_owned()),
        image_addr: Addr::from(module.start),
        image_size: u64::try_from(module.end - module.start).ok()?,
        image_vmaddr: Addr::from(module.start.wrapping_sub(module.bias)),
        id: identity.debug_id,
        code_id: identity.code_id,
        debug_file: None,
    }))
}
