//! The list of modules as events carry it, so that a server can symbolicate.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, Mutex};

#[cfg(unix)]
use sentry_core::process::Held;
use sentry_core::protocol::{Addr, DebugImage, DebugMeta, SymbolicDebugImage};

use crate::backtrace::recorded::RecordedModule;
use crate::modules::build_id::Identity;
use crate::modules::{Module, elf, platform};
use crate::sync::lock;

static CACHED: Mutex<Cached> = Mutex::new(Cached { current: None, kept: Vec::new() });

struct Cached {
    current: Option<Current>,
    /// The different lists so far that were handed out as `'static`.
    kept: Vec<&'static DebugMeta>,
}

/// What is loaded.
struct Current {
    generation: (u64, u64),
    images: Arc<[DebugImage]>,
    meta: Option<&'static DebugMeta>,
}

/// Lists that are kept for the life of the process. Who loads and unloads libraries for ever makes more; those are copied.
const MOST_KEPT: usize = 16;

/// The images of this process. Read again only after a library was loaded or unloaded.
pub(crate) fn images() -> Arc<[DebugImage]> {
    Arc::clone(&lock(&CACHED).current().images)
}

/// The same as events carry it, borrowed where that is possible: a crash neither copies nor drops a list.
pub(crate) fn meta() -> Cow<'static, DebugMeta> {
    let mut cached = lock(&CACHED);
    let current = cached.current();
    if let Some(meta) = current.meta {
        return Cow::Borrowed(meta);
    }
    let images = Arc::clone(&current.images);
    let Some(meta) = cached.keep(&images) else {
        return Cow::Owned(DebugMeta { images: images.to_vec(), ..DebugMeta::default() });
    };
    if let Some(current) = &mut cached.current {
        current.meta = Some(meta);
    }
    Cow::Borrowed(meta)
}

impl Cached {
    fn current(&mut self) -> &mut Current {
        let generation = platform::generation();
        let current = self.current.take().filter(|current| current.generation == generation);
        self.current.insert(current.unwrap_or_else(|| {
            let images = platform::loaded().iter().filter_map(image).collect();
            Current { generation, images, meta: None }
        }))
    }

    fn keep(&mut self, images: &[DebugImage]) -> Option<&'static DebugMeta> {
        if let Some(kept) = self.kept.iter().find(|kept| *kept.images == *images) {
            return Some(kept);
        }
        if self.kept.len() >= MOST_KEPT {
            return None;
        }
        let meta = DebugMeta { images: images.to_vec(), ..DebugMeta::default() };
        let meta: &'static DebugMeta = Box::leak(Box::new(meta));
        self.kept.push(meta);
        Some(meta)
    }
}

/// For a fork.
#[cfg(unix)]
pub(crate) fn hold(held: &mut Held<'_>) {
    held.lock(&CACHED);
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
