//! Stacks of an earlier run of the program, named by this one.
//!
//! ```text
//! address, images of then ─► image it lay in ─┬─► the same build is loaded now ─► its place now ─► the usual way, cached
//!                                             └─► the same build is on disk    ─► its debug information
//! ```
//!
//! What counts as the same build are the ids of its debug image, and nothing else: neither path nor time. An address
//! without such a build stays bare, for a server that knows the build.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use sentry_core::RawStack;
use sentry_core::protocol::{Addr, DebugImage, Event, Frame, Stacktrace, SymbolicDebugImage};
use sentry_core::stacktrace::trim::Role;

use crate::backtrace::NativeStackSource;
use crate::backtrace::frames::{self, View};
use crate::backtrace::symbol::{Resolved, role};
use crate::backtrace::symbolicator::symbolicator;
use crate::modules;

/// Names the bare frames of an event by the images in its `debug_meta`. Tells whether there was anything to name.
pub(crate) fn restore(event: &mut Event<'static>, view: &View, deadline: Option<Instant>) -> bool {
    let Event { exception, threads, stacktrace, debug_meta, .. } = event;
    let of_exceptions = exception.values.iter_mut().filter_map(|exception| exception.stacktrace.as_mut());
    let of_threads = threads.values.iter_mut().filter_map(|thread| thread.stacktrace.as_mut());
    let mut bare: Vec<&mut Stacktrace> = of_exceptions
        .chain(of_threads)
        .chain(stacktrace)
        .filter(|stacktrace| stacktrace.frames.iter().any(is_bare))
        .collect();
    if bare.is_empty() || debug_meta.images.is_empty() {
        return false;
    }
    let mut names = Names::new(&debug_meta.images);
    for stacktrace in &mut bare {
        let levels =
            stacktrace.frames.drain(..).rev().flat_map(|frame| names.levels(frame, 0, view, deadline));
        stacktrace.frames = shown(levels.collect());
    }
    true
}

/// The frames of a stack of an earlier run, innermost address first, as the client of `source` wants to see them.
#[cfg_attr(
    not(any(
        test,
        all(
            feature = "crash-handler",
            target_os = "linux",
            any(target_arch = "x86_64", target_arch = "aarch64")
        )
    )),
    expect(dead_code, reason = "for records of native crashes")
)]
pub(crate) fn stacktrace(
    addresses: &[u64],
    innermost: Innermost,
    images: &[DebugImage],
    source: &NativeStackSource,
    deadline: Option<Instant>,
) -> Option<Stacktrace> {
    let mut names = Names::new(images);
    let mut levels = Vec::new();
    for (index, address) in addresses.iter().enumerate() {
        let exact = u64::from(index == 0 && innermost != Innermost::Return);
        let frame = Frame { instruction_addr: Some(Addr(*address)), ..Frame::default() };
        levels.extend(names.levels(frame, exact, source.view(), deadline));
    }
    let frames = shown_of_crash(levels, innermost);
    (!frames.is_empty()).then(|| Stacktrace { frames, ..Stacktrace::default() })
}

/// What the innermost address of a stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(any(
        test,
        all(
            feature = "crash-handler",
            target_os = "linux",
            any(target_arch = "x86_64", target_arch = "aarch64")
        )
    )),
    expect(dead_code, reason = "for records of native crashes")
)]
pub(crate) enum Innermost {
    /// The instruction itself, as in a signal.
    Exact,
    /// The same, where the process has aborted: it may be the end of a panic.
    Abort,
    /// The one behind a call, as all others are.
    Return,
}

/// A module as an earlier run had it loaded.
#[derive(Clone, Debug)]
pub(crate) struct RecordedModule {
    /// Where it began in memory.
    pub(crate) start: u64,
    /// How long it was there.
    pub(crate) size: u64,
    /// Where it begins as the linker counts: `start` without what was added to all addresses.
    pub(crate) vmaddr: u64,
    /// Its path, as people know it.
    pub(crate) path: String,
    /// The build id the linker gave it; empty if none.
    pub(crate) build_id: Vec<u8>,
}

/// The images of these modules, as events list them. One without a build id is known by its file, if that is still there.
#[cfg_attr(not(test), expect(dead_code, reason = "for records of native crashes"))]
pub(crate) fn images(modules: &[RecordedModule]) -> Vec<DebugImage> {
    modules.iter().filter_map(modules::recorded_image).collect()
}

/// The frames of a stack of this run, for another one to name; `None` without images, by which it could.
pub(crate) fn bare(stack: &RawStack) -> Option<Stacktrace> {
    if stack.addresses.is_empty() || modules::images().is_empty() {
        return None;
    }
    let frame = |address: &usize| Frame { instruction_addr: Some(Addr::from(*address)), ..Frame::default() };
    Some(Stacktrace { frames: stack.addresses.iter().rev().map(frame).collect(), ..Stacktrace::default() })
}

/// A frame that was written down when nothing was known but its address. Naming gives every frame at least its package.
fn is_bare(frame: &Frame) -> bool {
    frame.instruction_addr.is_some()
        && frame.function.is_none()
        && frame.package.is_none()
        && frame.image_addr.is_none()
        && frame.filename.is_none()
        && frame.abs_path.is_none()
        && frame.module.is_none()
        && frame.symbol.is_none()
}

/// Innermost first in, and trimmed; oldest first out, as the protocol has it.
fn shown(levels: Vec<(Frame, Role)>) -> Vec<Frame> {
    let (mut levels, roles): (Vec<Frame>, Vec<Role>) = levels.into_iter().unzip();
    let kept = frames::shown(&roles, |index| levels[index].in_app == Some(true));
    levels.truncate(kept.end);
    levels.drain(..kept.start);
    levels.reverse();
    levels
}

/// The same for a crash. Where it happened is shown, be it within the machinery of a panic: in a hook, or in a function that a hook
/// calls. An abort of that machinery itself belongs to who has panicked.
fn shown_of_crash(mut levels: Vec<(Frame, Role)>, innermost: Innermost) -> Vec<Frame> {
    let roles: Vec<Role> = levels.iter().map(|(_, role)| *role).collect();
    let in_app = |index: usize| levels[index].0.in_app == Some(true);
    let kept = frames::shown(&roles, in_app);
    let is_end_of_panic = innermost == Innermost::Abort && !(0..kept.start).any(in_app);
    levels.truncate(kept.end);
    if is_end_of_panic {
        levels.drain(..kept.start);
    }
    levels.into_iter().rev().map(|(frame, _)| frame).collect()
}

/// The images of then, each with where the same build is to be found now.
struct Names<'a> {
    images: Vec<(&'a SymbolicDebugImage, Option<Twin>)>,
    loaded: Arc<[DebugImage]>,
}

/// The same build.
#[derive(Clone, Debug)]
enum Twin {
    /// Loaded now, and there.
    Loaded(u64),
    /// In this file.
    File(PathBuf),
    /// Nowhere.
    Gone,
}

impl<'a> Names<'a> {
    fn new(images: &'a [DebugImage]) -> Self {
        let symbolic = images.iter().filter_map(symbolic).map(|image| (image, None)).collect();
        Self { images: symbolic, loaded: modules::images() }
    }

    /// The functions at a bare frame, innermost first; any other frame as it is. `exact` is 1 when its address is the
    /// instruction itself and 0 when it is the one behind a call.
    fn levels(
        &mut self,
        frame: Frame,
        exact: u64,
        view: &View,
        deadline: Option<Instant>,
    ) -> Vec<(Frame, Role)> {
        let Some(address) = frame.instruction_addr.filter(|_| is_bare(&frame)) else {
            let path = frame.abs_path.as_deref();
            let role = role(frame.function.as_deref(), path);
            return vec![(frame, role)];
        };
        let Some((image, resolved)) = self.resolve(address.0.saturating_add(exact), deadline) else {
            return vec![(frame, Role::Other)];
        };
        let level = |symbol| {
            let level = frames::frame(address, &resolved, symbol, view, deadline);
            (Frame { image_addr: Some(image), in_app: frame.in_app.or(level.in_app), ..level }, symbol.role)
        };
        resolved.symbols.iter().map(level).collect()
    }

    /// The image a return address lay in, and what is known about the address.
    fn resolve(&mut self, address: u64, deadline: Option<Instant>) -> Option<(Addr, Arc<Resolved>)> {
        let call = address.checked_sub(1)?;
        let (image, twin) = self.images.iter_mut().find(|(image, _)| {
            call.checked_sub(image.image_addr.0).is_some_and(|offset| offset < image.image_size)
        })?;
        let offset = address - image.image_addr.0;
        let resolved = match twin.get_or_insert_with(|| twin_of(image, &self.loaded)) {
            Twin::Loaded(start) => {
                let address = usize::try_from(start.checked_add(offset)?).ok()?;
                symbolicator().resolve(&[address], deadline).pop()?
            }
            Twin::File(path) => {
                let address = image.image_vmaddr.0.checked_add(offset)?;
                symbolicator().resolve_in(path, &image.name, address, deadline)
            }
            Twin::Gone => None,
        };
        Some((image.image_addr, resolved?))
    }
}

fn twin_of(image: &SymbolicDebugImage, loaded: &[DebugImage]) -> Twin {
    if image.id.is_nil() {
        return Twin::Gone;
    }
    let is_same = |other: &&SymbolicDebugImage| {
        (other.id, &other.code_id, other.image_vmaddr) == (image.id, &image.code_id, image.image_vmaddr)
    };
    if let Some(now) = loaded.iter().filter_map(symbolic).find(is_same) {
        return Twin::Loaded(now.image_addr.0);
    }
    let path = Path::new(&image.name);
    match modules::identity_of(path) {
        Some(identity) if identity.debug_id == image.id && identity.code_id == image.code_id => {
            Twin::File(path.to_owned())
        }
        _ => Twin::Gone,
    }
}

fn symbolic(image: &DebugImage) -> Option<&SymbolicDebugImage> {
    match image {
        DebugImage::Symbolic(image) => Some(image),
        _ => None,
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::borrow::Cow;

    use sentry_core::StackSource;
    use sentry_core::protocol::debugid::DebugId;
    use sentry_core::protocol::{DebugMeta, Exception};

    use super::*;
    use crate::backtrace::capture;

    #[inline(never)]
    fn raw() -> Vec<u64> {
        let marker = 0_u8;
        let stack = std::hint::black_box(capture::above(capture::address_of(&marker)));
        stack.addresses.iter().map(|address| *address as u64).collect()
    }

    /// A crash of a run in which everything lay `moved` higher.
    fn crash(moved: u64) -> Event<'static> {
        let mut images = crate::debug_images::debug_images();
        for image in &mut images {
            if let DebugImage::Symbolic(image) = image {
                image.image_addr.0 += moved;
            }
        }
        let bare =
            |address: &u64| Frame { instruction_addr: Some(Addr(address + moved)), ..Frame::default() };
        let stacktrace = Stacktrace::from_frames_reversed(raw().iter().map(bare).collect());
        Event {
            exception: vec![Exception { stacktrace, ..Exception::default() }].into(),
            debug_meta: Cow::Owned(DebugMeta { images, ..DebugMeta::default() }),
            ..Event::default()
        }
    }

    fn functions(event: &Event<'_>) -> Vec<String> {
        let frames = &event.exception[0].stacktrace.as_ref().unwrap().frames;
        frames.iter().map(|frame| frame.function.clone().unwrap_or_default()).collect()
    }

    fn change(event: &mut Event<'static>, change: impl Fn(&mut SymbolicDebugImage)) {
        for image in &mut event.debug_meta.to_mut().images {
            if let DebugImage::Symbolic(image) = image {
                change(image);
            }
        }
    }

    #[test]
    fn frames_are_named_although_everything_lies_elsewhere_now() {
        for moved in [0, 0x1000, 0x7000_0000] {
            let mut event = crash(moved);
            assert!(restore(&mut event, &View::default(), None));
            let functions = functions(&event);
            assert!(functions.iter().any(|name| name.contains("run_test")), "{functions:?}");
            assert!(!functions.iter().any(|name| name.contains("thread_start")), "trimmed");
            let frame = event.exception[0].stacktrace.as_ref().unwrap().frames.last().unwrap();
            let image = frame.image_addr.unwrap().0;
            assert!(frame.instruction_addr.unwrap().0 > image && frame.package.is_some());
            assert_eq!(frame.in_app, Some(false));
            assert!(!restore(&mut event, &View::default(), None), "nothing is left to name");
        }
    }

    #[test]
    fn what_is_written_down_bare_is_named_later() {
        let stack = RawStack { addresses: raw().iter().map(|address| *address as usize).collect() };
        let stacktrace = bare(&stack).unwrap();
        assert!(stacktrace.frames.iter().all(is_bare));
        let mut event = Event {
            exception: vec![Exception { stacktrace: Some(stacktrace), ..Exception::default() }].into(),
            debug_meta: modules::meta(),
            ..Event::default()
        };
        assert!(restore(&mut event, &View::default(), None));
        let at_once = NativeStackSource::new().resolve(&stack, None);
        assert_eq!(event.exception[0].stacktrace, at_once);
        assert_eq!(bare(&RawStack::default()), None);
    }

    #[test]
    fn another_build_names_nothing() {
        let mut event = crash(0x1000);
        let count = event.exception[0].stacktrace.as_ref().unwrap().frames.len();
        change(&mut event, |image| image.id = DebugId::from_guid_age(&[7; 16], 0).unwrap());
        restore(&mut event, &View::default(), None);
        assert_eq!(functions(&event), vec![String::new(); count]);
        assert!(event.exception[0].stacktrace.as_ref().unwrap().frames.iter().all(is_bare));
    }

    #[test]
    fn a_build_that_is_not_loaded_is_read_from_its_file() {
        let mut event = crash(0);
        let exe = std::env::current_exe().unwrap();
        event
            .debug_meta
            .to_mut()
            .images
            .retain(|image| symbolic(image).is_some_and(|image| Path::new(&image.name) == exe));
        let Event { exception, debug_meta, .. } = &mut event;
        let [DebugImage::Symbolic(image)] = &debug_meta.images[..] else { panic!("one image") };
        let mut names = Names { images: vec![(image, None)], loaded: Arc::default() };
        let frames = std::mem::take(&mut exception[0].stacktrace.as_mut().unwrap().frames);
        let levels: Vec<_> = frames
            .into_iter()
            .rev()
            .flat_map(|frame| names.levels(frame, 0, &View::default(), None))
            .collect();
        assert!(matches!(names.images[0].1, Some(Twin::File(_))));
        let named = shown(levels);
        let is_named = |frame: &Frame| frame.function.as_ref().is_some_and(|name| name.contains("run_test"));
        assert!(named.iter().any(is_named), "{named:#?}");
    }

    #[test]
    fn records_become_frames_and_images() {
        let modules: Vec<RecordedModule> = modules::loaded()
            .iter()
            .map(|module| RecordedModule {
                start: module.start as u64,
                size: (module.end - module.start) as u64,
                vmaddr: (module.start - module.bias) as u64,
                path: module.path.to_string(),
                build_id: module.build_id.to_vec(),
            })
            .collect();
        let images = images(&modules);
        assert_eq!(images, crate::debug_images::debug_images());
        let source = NativeStackSource::new();
        let here = records_become_frames_and_images as fn() as usize as u64;
        for (address, innermost) in [(here, Innermost::Exact), (here + 1, Innermost::Return)] {
            let stacktrace = stacktrace(&[address], innermost, &images, &source, None).unwrap();
            assert_eq!(stacktrace.frames.len(), 1);
            let frame = &stacktrace.frames[0];
            assert!(
                frame.function.as_deref().unwrap().ends_with("records_become_frames_and_images"),
                "{frame:#?}"
            );
            assert_eq!(frame.instruction_addr, Some(Addr(address)));
        }
        assert_eq!(stacktrace(&[], Innermost::Return, &images, &source, None), None);
    }

    #[test]
    fn a_crash_within_a_hook_is_shown_and_the_abort_of_a_panic_is_its_end() {
        let level = |(name, in_app): &(&str, bool)| {
            let frame =
                Frame { function: Some((*name).to_owned()), in_app: Some(*in_app), ..Frame::default() };
            (frame, role(Some(name), None))
        };
        let stack = |hook: &[(&'static str, bool)]| -> Vec<(Frame, Role)> {
            let machinery =
                [("std::panicking::rust_panic_with_hook", false), ("core::panicking::panic_fmt", false)];
            let outer = [("shop::place", true), ("shop::main", true), ("main", false), ("_start", false)];
            hook.iter().chain(&machinery).chain(&outer).map(level).collect()
        };
        let newest = |hook: &[(&'static str, bool)], innermost| {
            let frames = shown_of_crash(stack(hook), innermost);
            assert_eq!(frames[0].function.as_deref(), Some("shop::main"));
            frames.last().and_then(|frame| frame.function.clone()).unwrap()
        };
        let by_std = [("abort", false), ("std::process::abort", false)];
        let by_hook = [("abort", false), ("shop::hook", true)];
        let in_c = [("memset", false), ("std::fmt::write", false)];
        assert_eq!(newest(&by_std, Innermost::Abort), "shop::place");
        assert_eq!(newest(&by_hook, Innermost::Abort), "abort");
        assert_eq!(newest(&by_hook, Innermost::Exact), "abort");
        assert_eq!(newest(&in_c, Innermost::Exact), "memset");
        assert_eq!(newest(&[], Innermost::Abort), "shop::place");
    }

    #[test]
    fn hostile_events_are_survived() {
        let mut event = crash(0);
        change(&mut event, |image| {
            image.image_size = u64::MAX;
            image.image_vmaddr = Addr(u64::MAX - 1);
            image.name = "/dev/zero".into();
        });
        let frames = &mut event.exception[0].stacktrace.as_mut().unwrap().frames;
        for address in [0, 1, u64::MAX] {
            frames.push(Frame { instruction_addr: Some(Addr(address)), ..Frame::default() });
        }
        restore(&mut event, &View::default(), None);
        assert!(!restore(&mut Event::default(), &View::default(), None));
    }

    #[test]
    fn without_time_frames_stay_bare() {
        let mut event = crash(0x5000);
        restore(&mut event, &View::default(), Some(sentry_core::clock::instant()));
        assert!(functions(&event).len() > 2);
    }
}
