//! Reporting the error of a result on its way up.

use std::error::Error;

use crate::api::capture_error_typed;

/// Reports errors on their way up.
///
/// ```
/// use sentry_core::CaptureErr as _;
///
/// fn port(text: &str) -> Result<u16, std::num::ParseIntError> {
///     let port = text.parse::<u16>().capture_err()?;
///     Ok(port)
/// }
///
/// let events = sentry_core::test::with_captured_events(|| {
///     assert!(port("80").is_ok() && port("x").is_err());
/// });
/// assert_eq!(events[0].exception[0].ty, "ParseIntError");
/// assert_eq!(events.len(), 1);
/// ```
pub trait CaptureErr: Sized {
    /// Captures the error, if it is one, on the current hub, and returns the result as it is.
    #[expect(clippy::return_self_not_must_use, reason = "called for its effect")]
    fn capture_err(self) -> Self;
}

impl<T, E: Error + 'static> CaptureErr for Result<T, E> {
    #[inline]
    fn capture_err(self) -> Self {
        if let Err(error) = &self {
            capture_error_typed(error);
        }
        self
    }
}
