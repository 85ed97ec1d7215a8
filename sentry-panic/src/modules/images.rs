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

static CACHED: Mutex<Cached> = Mutex::new(Cached { current: None, kept: [None; MOST_KEPT] });

/// Lists that are kept for the life of the process. Who loads and unloads libraries for ever makes more; those are copied.
const MOST_KEPT: usize = 16;

struct Cached {
    current: Option<Current>,
    /// The different lists so far that were handed out as `'static`.
    kept: [Option<&'static DebugMeta>; MOST_KEPT],
}

/// What is loaded.
struct Current {
    generation: (u64, u64),
    images: Arc<[DebugImage]>,
    meta: Option<&'static DebugMeta>,
}

/// The images of this process. Read again only after a library was loaded or unloaded.
pub(crate) fn images() -> Arc<[DebugImage]> {
    Arc::clone(&lock(&CACHED).current().images)
}

/// The same as events carry it, borrowed where that is possible: a crash neither copies nor drops a list.
pub(crate) fn meta() -> Cow<'static, DebugMeta> {
    let images = {
        let mut cached = lock(&CACHED);
        let current = cached.current();
        if let Some(meta) = current.meta {
            return Cow::Borrowed(meta);
        }
        Arc::clone(&current.images)
    };
    // Not under the lock: a panic in here would come back to it.
    let meta = Box::new(DebugMeta { images: images.to_vec(), ..DebugMeta::default() });
    lock(&CACHED).keep(&images, meta)
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

    /// Keeps `meta`, which is made of `images`, if there is room.
    fn keep(&mut self, images: &Arc<[DebugImage]>, meta: Box<DebugMeta>) -> Cow<'static, DebugMeta> {
        let kept = self.kept.iter().flatten().find(|kept| ***kept == *meta);
        let kept = match (kept, self.kept.iter().position(Option::is_none)) {
            (Some(kept), _) => *kept,
            (None, Some(place)) => self.kept[place].insert(Box::leak(meta)),
            (None, None) => return Cow::Owned(*meta),
        };
        if let Some(current) = self.current.as_mut().filter(|current| Arc::ptr_eq(&current.images, images)) {
            current.meta = Some(kept);
        }
        Cow::Borrowed(kept)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lists_are_kept_once_and_only_so_many() {
        let mut cached = Cached { current: None, kept: [None; MOST_KEPT] };
        let mut keep = |count: usize| {
            let image = symbolic("/lib/a.so", Identity::from_build_id(&[7; 20]).unwrap(), (1, 2, 0));
            let images: Arc<[DebugImage]> = std::iter::repeat_n(image, count).collect();
            let meta = DebugMeta { images: images.to_vec(), ..DebugMeta::default() };
            let kept = cached.keep(&images, Box::new(meta.clone()));
            assert_eq!(*kept, meta);
            match kept {
                Cow::Borrowed(kept) => Some(std::ptr::from_ref(kept)),
                Cow::Owned(_) => None,
            }
        };
        let first = keep(1);
        assert!(first.is_some() && keep(1) == first);
        for count in 2..=MOST_KEPT {
            assert!(keep(count).is_some_and(|kept| Some(kept) != first));
        }
        assert_eq!(keep(MOST_KEPT + 1), None);
        assert_eq!(keep(1), first);
    }
}
