//! The seam to core: capture here, resolve there.

use std::time::Instant;

use sentry_core::protocol::{Event, Stacktrace};
use sentry_core::{ClientOptions, RawStack, StackSource};

use crate::backtrace::capture;
use crate::backtrace::frames::{self, View};
use crate::backtrace::recorded;
use crate::backtrace::symbolicator::symbolicator;

/// Stack traces of native code.
///
/// Sources share one symbolicator per process; each only carries what its client's options say about frames.
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
    view: View,
}

impl NativeStackSource {
    /// A source that decides by paths and well-known crates which frames are the application's.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A source that knows the in-app prefixes of these options, and whether they want source lines.
    #[must_use]
    pub fn for_options(options: &ClientOptions) -> Self {
        let (include, exclude) = (options.in_app_include.clone(), options.in_app_exclude.clone());
        Self { view: View { include, exclude, with_source: options.include_source_context } }
    }

    /// What the options of its client say about frames.
    pub(crate) fn view(&self) -> &View {
        &self.view
    }
}

impl StackSource for NativeStackSource {
    #[inline(never)]
    fn capture(&self) -> RawStack {
        let marker = 0_u8;
        capture::above(capture::address_of(&marker))
    }

    fn resolve(&self, stack: &RawStack, deadline: Option<Instant>) -> Option<Stacktrace> {
        frames::stacktrace(&stack.addresses, &self.view, deadline)
    }

    /// Untrimmed: that is left to whoever knows the names.
    fn bare(&self, stack: &RawStack) -> Option<Stacktrace> {
        recorded::bare(stack)
    }

    fn restore(&self, event: &mut Event<'static>, deadline: Option<Instant>) -> bool {
        recorded::restore(event, &self.view, deadline)
    }

    /// Unmaps debug information and source files of the whole process. What was resolved stays cached, anything new is
    /// loaded again.
    fn release(&self) {
        symbolicator().release();
    }
}
