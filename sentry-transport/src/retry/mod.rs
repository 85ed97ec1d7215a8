//! What an answer means for an item, and when the host may be tried again. Pure: the worker obeys.

mod backoff;
mod classify;

pub(crate) use self::backoff::{FLOOR, Gate, jittered};
pub(crate) use self::classify::{MAX_AMBIGUOUS, MAX_UNAVAILABLE, Outcome, classify};
