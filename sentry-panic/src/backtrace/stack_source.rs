//! The seam to core: capture here, resolve there.

use std::time::Instant;

use sentry_core::protocol::Stacktrace;
use sentry_core::{ClientOptions, RawStack, StackSource};

use crate::backtrace::capture;
use crate::backtrace::frames::{self, InAppPrefixes};
use crate::backtrace::symbolicator::symbolicator;

/// Stack traces of native code.
///
/// Sources share one symbolicator per process; each only carries the in-app prefixes of its client.
///
/// ```
/// use sentry_core::StackSource;
///
/// let source = sentry_panic::NativeStackSource::new();
/// let stack = source.capture();
/// let stacktrace = source.resolve(&stack, None);
/// # #[cfg(target_os = "linux")]
/// assert!(stacktrace.is_some_and(|stacktrace| !stacktrace.frames.is_empty()));
/// ```
#[derive(Clone, Debug, Default)]
pub struct NativeStackSource {
    prefixes: InAppPrefixes,
}

impl NativeStackSource {
    /// A source that decides by paths and well-known crates which frames are the application's.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A source that knows the in-app prefixes of these options.
    #[must_use]
    pub fn for_options(options: &ClientOptions) -> Self {
        let (include, exclude) = (options.in_app_include.clone(), options.in_app_exclude.clone());
        Self { prefixes: InAppPrefixes { include, exclude } }
    }

    /// Unmaps debug information and source files of the whole process. What was resolved stays cached, anything new is
    /// loaded again. For a worker that has been idle for a while.
    pub fn release(&self) {
        symbolicator().release();
    }
}

impl StackSource for NativeStackSource {
    #[inline(never)]
    fn capture(&self) -> RawStack {
        let marker = 0_u8;
        capture::above(capture::address_of(&marker))
    }

    fn resolve(&self, stack: &RawStack, deadline: Option<Instant>) -> Option<Stacktrace> {
        frames::stacktrace(&stack.addresses, &self.prefixes, deadline)
    }
}
