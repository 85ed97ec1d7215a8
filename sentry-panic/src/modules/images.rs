//! The list of modules as events carry it, so that a server can symbolicate.

use std::path::Path;
use std::sync::{Arc, Mutex};

#[cfg(unix)]
use sentry_core::process::Held;
use sentry_core::protocol::{Addr, DebugImage, SymbolicDebugImage};

use crate::backtrace::recorded::RecordedModule;
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

/// The image of a module that an earlier run had loaded.
pub(crate) fn recorded_image(module: &RecordedModule) -> Option<DebugImage> {
    // As for those that are loaded now: the kernel's own is in no file.
    let file = Some(Path::new(&module.path)).filter(|file| file.is_absolute())?;
    let identity = identify(&module.build_id, file)?;
    let RecordedModule { start, size, vmaddr, ref path, .. } = *module;
    Some(symbolic(path, identity, (start, size, vmaddr)))
}

/// What identifies a file now.
pub(crate) fn identity_of(file: &Path) -> Option<Identity> {
    identify(&elf::build_id(file).unwrap_or_default(), file)
}

fn identify(build_id: &[u8], file: &Path) -> Option<Identity> {
    Identity::from_build_id(build_id)
        .or_else(|| elf::first_code(file).and_then(|code| Identity::from_text(&code)))
}

fn image(module: &Module) -> Option<DebugImage> {
    // The kernel's own module is in no file, and no server has symbols of it.
    let file = module.file.as_deref()?;
    let identity = identify(&module.build_id, file)?;
    let start = u64::try_from(module.start).ok()?;
    let size = u64::try_from(module.end - module.start).ok()?;
    let vmaddr = u64::try_from(module.start.wrapping_sub(module.bias)).ok()?;
    Some(symbolic(&module.path, identity, (start, size, vmaddr)))
}

fn symbolic(path: &str, identity: Identity, (start, size, vmaddr): (u64, u64, u64)) -> DebugImage {
    DebugImage::Symbolic(SymbolicDebugImage {
        name: path.to_owned(),
        arch: Some(std::env::consts::ARCH.to_owned()),
        image_addr: Addr(start),
        image_size: size,
        image_vmaddr: Addr(vmaddr),
        id: identity.debug_id,
        code_id: identity.code_id,
        debug_file: None,
    })
}
