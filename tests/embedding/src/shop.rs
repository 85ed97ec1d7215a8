//! Code to be shown.

/// Reports the line it is in.
#[inline(never)]
pub(crate) fn order(number: u32) {
    // The line before.
    sentry::capture_message(&format!("order {number} failed"), sentry::Level::Error); // here
    // The line after.
}
