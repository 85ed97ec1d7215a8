//! The integration that tells the server which object files are loaded.

use std::fmt;

use sentry_core::protocol::{DebugImage, Event, Stacktrace};
use sentry_core::{ClientOptions, Integration};

use crate::backtrace::capture;
use crate::backtrace::symbolicator::symbolicator;
use crate::modules;

/// The executable and the libraries that are loaded now.
#[must_use]
pub fn debug_images() -> Vec<DebugImage> {
    modules::images().to_vec()
}

/// What the program that runs brings for reading its stack traces.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Readability {
    /// The build id of the executable: what a server finds its debug files by.
    pub build_id: Option<String>,
    /// Whether functions have names without the help of a server.
    pub has_names: bool,
    /// Whether they have files and lines, too.
    pub has_lines: bool,
}

/// Tries how well the stack of the caller can be read. Loads symbols, and blocks meanwhile.
///
/// `None` on platforms whose modules cannot be listed.
#[must_use]
#[inline(never)]
pub fn readability() -> Option<Readability> {
    // The first one is the executable.
    let images = modules::images();
    let Some(DebugImage::Symbolic(executable)) = images.first() else { return None };
    let end = executable.image_addr.0.saturating_add(executable.image_size);
    let own = executable.image_addr.0..end;
    let marker = 0_u8;
    let stack = capture::above(capture::address_of(&marker));
    // Not trimmed: the SDK's own functions are as good a sample as others.
    let resolved = symbolicator().resolve(&stack.addresses, None);
    let is_own = |address: &usize| u64::try_from(*address).is_ok_and(|address| own.contains(&address));
    let frames = stack.addresses.iter().zip(&resolved).filter(|(address, _)| is_own(address));
    let symbols =
        || frames.clone().filter_map(|(_, resolved)| resolved.as_deref()).flat_map(|found| &found.symbols);
    // std is shipped with line tables of its own.
    let is_std = |path: &str| path.starts_with("/rustc/");
    Some(Readability {
        build_id: executable.code_id.as_ref().map(ToString::to_string),
        has_names: symbols().any(|symbol| symbol.function.is_some()),
        has_lines: symbols()
            .any(|symbol| symbol.line.is_some() && !symbol.path.as_deref().is_some_and(is_std)),
    })
}

/// Adds the list of loaded images to events with addresses in them, so that a server can turn these into names.
pub struct DebugImagesIntegration {
    filter: Box<dyn Fn(&Event<'_>) -> bool + Send + Sync>,
}

impl DebugImagesIntegration {
    /// An integration for all events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves out the events for which `filter` says false.
    #[must_use]
    pub fn filter<F>(mut self, filter: F) -> Self
    where
        F: Fn(&Event<'_>) -> bool + Send + Sync + 'static,
    {
        self.filter = Box::new(filter);
        self
    }
}

impl Default for DebugImagesIntegration {
    fn default() -> Self {
        Self { filter: Box::new(|_| true) }
    }
}

impl Integration for DebugImagesIntegration {
    fn name(&self) -> &'static str {
        "debug-images"
    }

    fn enrich(&self, event: &mut Event<'static>, _options: &ClientOptions) {
        if event.debug_meta.is_empty() && has_addresses(event) && (self.filter)(event) {
            event.debug_meta = modules::meta();
        }
    }

    fn processes_events(&self) -> bool {
        false
    }
}

impl fmt::Debug for DebugImagesIntegration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DebugImagesIntegration").finish_non_exhaustive()
    }
}

/// The list is only looked at for the addresses of frames.
fn has_addresses(event: &Event<'_>) -> bool {
    let has = |stacktrace: Option<&Stacktrace>| {
        stacktrace
            .is_some_and(|stacktrace| stacktrace.frames.iter().any(|frame| frame.instruction_addr.is_some()))
    };
    has(event.stacktrace.as_ref())
        || event.exception.iter().any(|exception| has(exception.stacktrace.as_ref()))
        || event.threads.iter().any(|thread| has(thread.stacktrace.as_ref()))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use sentry_core::protocol::{Addr, Exception, Frame, SymbolicDebugImage};

    use super::*;

    fn event() -> Event<'static> {
        let frame = Frame { instruction_addr: Some(Addr(1)), ..Frame::default() };
        let stacktrace = Some(Stacktrace { frames: vec![frame], ..Stacktrace::default() });
        Event { exception: vec![Exception { stacktrace, ..Exception::default() }].into(), ..Event::default() }
    }

    #[test]
    fn the_executable_and_libc_are_listed() {
        let images: Vec<SymbolicDebugImage> = debug_images()
            .into_iter()
            .filter_map(|image| match image {
                DebugImage::Symbolic(image) => Some(image),
                _ => None,
            })
            .collect();
        let here = (the_executable_and_libc_are_listed as fn()) as usize as u64;
        let exe = images
            .iter()
            .find(|image| (image.image_addr.0..image.image_addr.0 + image.image_size).contains(&here))
            .unwrap();
        assert_eq!(exe.name, std::env::current_exe().unwrap().to_str().unwrap());
        assert!(!exe.id.is_nil());
        assert!(
            images.iter().any(|image| image.name.contains("libc") && image.code_id.is_some()),
            "{images:#?}"
        );
    }

    #[test]
    fn this_test_can_be_read() {
        let readability = readability().unwrap();
        assert!(readability.build_id.is_some() && readability.has_names && readability.has_lines);
    }

    fn names() -> Vec<String> {
        let name = |image| match image {
            DebugImage::Symbolic(image) => Some(image.name),
            _ => None,
        };
        debug_images().into_iter().filter_map(name).collect()
    }

    #[test]
    #[expect(unsafe_code, reason = "loads a library as a host with plugins does")]
    fn a_library_that_is_loaded_later_is_listed_from_then_on() {
        let is_listed = |file: &str| names().iter().any(|name| name.ends_with(file));
        // Parts of the C library that no test needs.
        let candidates = [c"libBrokenLocale.so.1", c"libanl.so.1", c"libnss_hesiod.so.2", c"libz.so.1"];
        for file in candidates.iter().filter(|file| !is_listed(&file.to_string_lossy())) {
            // SAFETY: a library of the system, whose constructors do nothing that this test does not bear.
            let library = unsafe { libc::dlopen(file.as_ptr(), libc::RTLD_NOW) };
            if library.is_null() {
                continue;
            }
            assert!(is_listed(&file.to_string_lossy()), "{file:?} in {:?}", names());
            let image = debug_images().into_iter().rev().find_map(|image| match image {
                DebugImage::Symbolic(image) if image.name.ends_with(&*file.to_string_lossy()) => Some(image),
                _ => None,
            });
            assert!(image.is_some_and(|image| !image.id.is_nil() && image.image_size > 0));
            // SAFETY: the handle is open, and nothing of the library is used.
            unsafe { libc::dlclose(library) };
            assert!(!is_listed(&file.to_string_lossy()), "{file:?} is gone");
            return;
        }
    }

    #[test]
    fn only_events_with_addresses_get_the_list() {
        let options = ClientOptions::new();
        let integration = DebugImagesIntegration::new();
        let mut message = Event::default();
        integration.enrich(&mut message, &options);
        assert!(message.debug_meta.is_empty());
        let mut error = event();
        integration.enrich(&mut error, &options);
        assert!(!error.debug_meta.is_empty());
        let mut filtered = event();
        DebugImagesIntegration::new().filter(|_| false).enrich(&mut filtered, &options);
        assert!(filtered.debug_meta.is_empty());
    }
}
