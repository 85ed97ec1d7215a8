//! What the server has asked us to stop sending, and for how long.
//!
//! ```text
//! Response ──► header / retry_after (pure parsers) ──► Limits (longest deadline per category) ──► filter (envelopes)
//! ```
//!
//! The worker keeps one [`Limits`] per client; every answer updates it, whatever its status. All deadlines are on the
//! monotonic clock and at most 24 hours away, so neither a hostile header nor a clock set back can silence a client.

mod category;
mod filter;
mod header;
mod limiter;
mod limits;
mod retry_after;

pub use self::category::RateLimitingCategory;
pub use self::limiter::RateLimiter;
pub(crate) use self::limits::Limits;
pub(crate) use self::retry_after::{date, seconds};
