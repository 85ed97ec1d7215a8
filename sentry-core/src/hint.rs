//! What callbacks are shown beside an event: the error itself, the panic, the scope.
//!
//! ```text
//! capture_error(&e) ─► Hint borrows e ─► before_send_with_hint(event, &hint), error_sampler(&event, &hint) ─► gone
//! ```
//!
//! A hint only borrows, and lives as long as the capture: nothing of it is copied or kept. What a panic hook captures is
//! shown later, on the worker, where there is no error any more; then there is a [`PanicInfo`].

use std::any::{Any, type_name};
use std::error::Error;
use std::{fmt, iter};

use crate::error::MAX_CHAIN;
use crate::protocol::Event;
use crate::scope::ScopeSnapshot;

/// What an event was made of.
///
/// ```
/// use std::io;
/// use sentry_core::ClientOptions;
///
/// let options = ClientOptions::new().before_send_with_hint(|event, hint| {
///     let is_expected = hint.error::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
///     (!is_expected).then_some(event)
/// });
/// let events = sentry_core::test::with_captured_events_options(
///     || {
///         sentry_core::capture_error_typed(&io::Error::from(io::ErrorKind::BrokenPipe));
///         sentry_core::capture_error_typed(&io::Error::from(io::ErrorKind::NotFound));
///     },
///     options,
/// );
/// assert_eq!(events.len(), 1);
/// ```
#[derive(Clone, Copy, Default)]
pub struct Hint<'a> {
    /// The outermost error whose type can be asked for.
    first: Option<&'a (dyn Error + 'static)>,
    /// The path of the type of the error that was captured, where that is known.
    type_name: Option<&'static str>,
    captured: Option<&'a dyn Any>,
    panic: Option<&'a PanicInfo>,
    scope: Option<&'a ScopeSnapshot>,
}

impl<'a> Hint<'a> {
    /// A hint that tells nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The hint of an error.
    #[must_use]
    pub fn of_error(error: &'a (dyn Error + 'static)) -> Self {
        Self { first: Some(error), ..Self::default() }
    }

    /// The hint of an error whose type is known.
    pub(crate) fn of_typed<E: Error + 'static>(error: &'a E) -> Self {
        Self { type_name: Some(type_name::<E>()), ..Self::of_error(error) }
    }

    /// The hint of an error that may borrow: its type cannot be asked for, those of its sources can.
    pub(crate) fn of_sources<E: ?Sized>(source: Option<&'a (dyn Error + 'static)>) -> Self {
        Self { first: source, type_name: Some(type_name::<E>()), ..Self::default() }
    }

    /// Adds what was captured itself, where that is no error: an `anyhow::Error`, for instance. For integrations.
    #[must_use]
    pub fn with_captured(self, captured: &'a dyn Any) -> Self {
        Self { captured: Some(captured), ..self }
    }

    pub(crate) fn within(self, scope: &'a ScopeSnapshot, panic: Option<&'a PanicInfo>) -> Self {
        Self { scope: Some(scope), panic, ..self }
    }

    /// The outermost error of the type `E`: the captured one or one of its sources.
    ///
    /// [`capture_error`](crate::capture_error) takes errors that borrow, and therefore shows their sources only;
    /// [`capture_error_typed`](crate::capture_error_typed), [`capture_err`](crate::CaptureErr) and the integration for
    /// `anyhow` show the captured error as well.
    #[must_use]
    pub fn error<E: Error + 'static>(&self) -> Option<&'a E> {
        self.errors().find_map(|error| error.downcast_ref())
    }

    /// All errors whose type can be asked for, the outermost first; of a long chain the first 50.
    pub fn errors(&self) -> impl Iterator<Item = &'a (dyn Error + 'static)> + use<'a> {
        iter::successors(self.first, |&error| error.source()).take(MAX_CHAIN)
    }

    /// The path of the type of the error that was captured, such as `core::num::error::ParseIntError`, where it is known.
    #[must_use]
    pub fn error_type(&self) -> Option<&'static str> {
        self.type_name
    }

    /// What was captured itself, where that is no error: `hint.captured::<anyhow::Error>()`.
    #[must_use]
    pub fn captured<T: 'static>(&self) -> Option<&'a T> {
        self.captured?.downcast_ref()
    }

    /// The panic, if the event is one.
    #[must_use]
    pub fn panic_info(&self) -> Option<&'a PanicInfo> {
        self.panic
    }

    /// The scopes that the event was captured in. `None` for what a process that is gone has left.
    #[must_use]
    pub fn scope(&self) -> Option<&'a ScopeSnapshot> {
        self.scope
    }
}

impl fmt::Debug for Hint<'_> {
    /// What errors say is not shown: formatting them is the user's code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hint")
            .field("error_type", &self.type_name)
            .field("has_error", &self.first.is_some())
            .field("has_captured", &self.captured.is_some())
            .field("panic", &self.panic)
            .finish_non_exhaustive()
    }
}

/// What is known of a panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanicInfo {
    message: String,
    location: Option<String>,
}

impl PanicInfo {
    /// The panic that `event` reports.
    pub(crate) fn of(event: &Event<'_>) -> Option<Self> {
        let exception = event.exception.last()?;
        let mechanism = exception.mechanism.as_ref().filter(|mechanism| mechanism.ty == "panic")?;
        let location = mechanism.data.get("location").and_then(|location| location.as_str());
        Some(Self {
            message: exception.value.clone().unwrap_or_default(),
            location: location.map(str::to_owned),
        })
    }

    /// What it said.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it was: file, line and column, such as `src/main.rs:3:5`.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use std::num::ParseIntError;

    use super::*;

    #[derive(Debug)]
    struct Port(ParseIntError);

    impl fmt::Display for Port {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the port is wrong")
        }
    }

    impl Error for Port {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    fn port() -> Port {
        Port("x".parse::<u16>().unwrap_err())
    }

    #[test]
    fn the_outer_error_and_its_sources_are_found_by_type() {
        let error = port();
        let hint = Hint::of_typed(&error);
        assert!(std::ptr::eq(hint.error::<Port>().unwrap(), &raw const error));
        assert!(hint.error::<ParseIntError>().is_some() && hint.error::<fmt::Error>().is_none());
        assert_eq!(hint.errors().count(), 2);
    }

    #[test]
    fn an_error_that_may_borrow_shows_its_sources() {
        let error = port();
        let hint = Hint::of_sources::<Port>(error.source());
        assert!(hint.error::<Port>().is_none() && hint.error::<ParseIntError>().is_some());
        assert!(hint.error_type().unwrap().ends_with("::Port"));
    }

    #[test]
    fn an_endless_chain_ends() {
        #[derive(Debug)]
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                Ok(())
            }
        }
        impl Error for Endless {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&Self)
            }
        }
        assert_eq!(Hint::of_error(&Endless).errors().count(), MAX_CHAIN);
        assert!(Hint::of_error(&Endless).error::<Port>().is_none());
    }

    #[test]
    fn debug_formats_no_error() {
        #[derive(Debug)]
        struct Bad;
        impl fmt::Display for Bad {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("formatting is the user's code")
            }
        }
        impl Error for Bad {}
        assert!(format!("{:?}", Hint::of_typed(&Bad)).contains("has_error: true"));
    }
}
