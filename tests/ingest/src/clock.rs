//! The one place where this crate reads the clock.

use std::time::Instant;

#[expect(
    clippy::disallowed_methods,
    reason = "this crate depends on none of ours, so it has no clock to ask"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
