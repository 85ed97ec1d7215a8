//! Errors of `anyhow`, with their sources and the backtrace they were made with.
//!
//! ```
//! let error = anyhow::anyhow!("no such file").context("cannot start");
//! let event = sentry_integrations::anyhow::event_from_error(&error);
//! let values: Vec<_> = event.exception.iter().map(|it| it.value.as_deref().unwrap()).collect();
//! assert_eq!(values, ["no such file", "cannot start"]);
//! ```

use sentry_core::protocol::Event;
use sentry_core::types::Uuid;
use sentry_core::{Hint, Hub};

/// Captures an error on the current hub. Returns the nil id if it was dropped or no client is active.
#[expect(clippy::must_use_candidate, reason = "called for its effect")]
pub fn capture_anyhow(error: &anyhow::Error) -> Uuid {
    Hub::with_active(|hub| hub.capture_anyhow(error))
}

/// The event of an error: an exception for it and for each of its sources. With the feature `backtrace`, the backtrace
/// that the error was made with is the stack trace of the exception; the standard library looks its names up on the calling
/// thread, when it is read.
#[must_use]
pub fn event_from_error(error: &anyhow::Error) -> Event<'static> {
    let source: &dyn std::error::Error = error.as_ref();
    #[cfg_attr(not(feature = "backtrace"), expect(unused_mut, reason = "the stack trace needs the feature"))]
    let mut event = sentry_core::event_from_error(source);
    #[cfg(feature = "backtrace")]
    if error.backtrace().status() == std::backtrace::BacktraceStatus::Captured
        && event.exception.values.last().is_some_and(|exception| exception.stacktrace.is_none())
    {
        // The text is all that can be had of it. It is made, and symbols are loaded for it, on this thread.
        let backtrace = error.backtrace().to_string();
        let _ = sentry_panic::backtrace::attach_error_backtrace(&mut event, &backtrace);
    }
    event
}

/// Captures errors of `anyhow` on a hub.
pub trait AnyhowHubExt {
    /// Captures an error. Returns the nil id if it was dropped.
    fn capture_anyhow(&self, error: &anyhow::Error) -> Uuid;
}

impl AnyhowHubExt for Hub {
    fn capture_anyhow(&self, error: &anyhow::Error) -> Uuid {
        let outermost: &(dyn std::error::Error + 'static) = error.as_ref();
        let hint = Hint::of_error(outermost).with_captured(error);
        self.capture_event_with_hint(event_from_error(error), hint)
    }
}

/// Reports errors of `anyhow` on their way up.
///
/// ```
/// use anyhow::Context as _;
/// use sentry_integrations::anyhow::AnyhowResultExt as _;
///
/// fn port(text: &str) -> anyhow::Result<u16> {
///     let port = text.parse().context("the port is wrong").capture_err()?;
///     Ok(port)
/// }
///
/// let events = sentry_core::test::with_captured_events(|| assert!(port("80").is_ok() && port("x").is_err()));
/// assert_eq!(events.len(), 1);
/// ```
pub trait AnyhowResultExt: Sized {
    /// Captures the error, if it is one, on the current hub, and returns the result as it is.
    #[expect(clippy::return_self_not_must_use, reason = "called for its effect")]
    fn capture_err(self) -> Self;
}

impl<T> AnyhowResultExt for anyhow::Result<T> {
    fn capture_err(self) -> Self {
        if let Err(error) = &self {
            capture_anyhow(error);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use sentry_core::test::with_captured_events;

    use super::*;

    #[test]
    fn an_error_arrives_with_its_sources() {
        let error = "x".parse::<u8>().context("the port is wrong").unwrap_err();
        let events = with_captured_events(|| assert!(!capture_anyhow(&error).is_nil()));
        let values: Vec<_> = events[0].exception.iter().map(|it| it.value.as_deref().unwrap()).collect();
        assert_eq!(values, ["invalid digit found in string", "the port is wrong"]);
    }

    #[test]
    fn callbacks_see_the_error_its_sources_and_what_was_added() {
        use sentry_core::test::with_captured_events_options;

        let options = sentry_core::ClientOptions::new().before_send_with_hint(|mut event, hint| {
            let added = hint.captured::<anyhow::Error>()?.downcast_ref::<&str>().copied()?;
            assert!(hint.error::<std::num::ParseIntError>().is_some());
            event.tags.insert("added".to_owned(), added.to_owned());
            Some(event)
        });
        let capture = || _ = "x".parse::<u8>().context("the port is wrong").capture_err();
        let events = with_captured_events_options(capture, options);
        assert_eq!(events[0].tags["added"], "the port is wrong");
        // Without a context the captured error is the user's own.
        let options = sentry_core::ClientOptions::new()
            .before_send_with_hint(|event, hint| hint.error::<std::fmt::Error>().map(|_| event));
        let capture = || _ = capture_anyhow(&anyhow::Error::new(std::fmt::Error));
        assert_eq!(with_captured_events_options(capture, options).len(), 1);
    }

    #[cfg(feature = "backtrace")]
    #[test]
    fn a_backtrace_becomes_the_stack_trace() {
        // Whether errors have one is up to the environment of the process.
        let error = anyhow::anyhow!("x");
        let is_captured = error.backtrace().status() == std::backtrace::BacktraceStatus::Captured;
        let event = event_from_error(&error);
        let stacktrace = event.exception.values.last().unwrap().stacktrace.as_ref();
        assert_eq!(stacktrace.is_some(), is_captured);
        if let Some(stacktrace) = stacktrace {
            assert!(stacktrace.frames.iter().any(|frame| {
                frame.function.as_deref().is_some_and(|name| name.contains("a_backtrace_becomes"))
            }));
        }
    }
}
