//! The integration that tells the server which object files are loaded.

use std::borrow::Cow;
use std::fmt;

use sentry_core::protocol::{DebugImage, DebugMeta, Event, Stacktrace};
use sentry_core::{ClientOptions, Integration};

use crate::modules;

/// The executable and the libraries that are loaded now.
#[must_use]
pub fn debug_images() -> Vec<DebugImage> {
    modules::images().to_vec()
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
            let images = debug_images();
            if !images.is_empty() {
                event.debug_meta = Cow::Owned(DebugMeta { images, ..DebugMeta::default() });
            }
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
