//! How many errors may leave: flood control.
//!
//! A program that fails in a loop would spend its quota, and that of everybody else in the organization, on one error.
//! So identical errors pass a token bucket: a burst, and so many a minute after that. Identical are errors of one type
//! from one place; what the place is, is read from addresses, before any symbol is loaded. Exempt are crashes and what is
//! captured as a message by hand. Ceilings on all errors together, by the minute and by the day, are off by default.
//!
//! What is held back is counted as [`REASON`] by whoever asks, and the next error of its kind that passes says how many
//! there were (`extra.suppressed_events`).

mod bucket;
mod control;
mod fingerprint;

pub(crate) use self::control::{Flood, Verdict};
pub(crate) use self::fingerprint::fingerprint;

use sentry_core::protocol::client_report::Reason;

/// The server knows a fixed list of reasons. Of those, this one says that the SDK itself held back an item because too
/// many of them came; a limit of our own making is closest to a rate limit that is obeyed.
pub(crate) const REASON: Reason = Reason::RatelimitBackoff;
