//! Small items gathered into batches (protocol section 5).
//!
//! One batcher for everything that is sent in batches: a bucket per key, each with a bound in items and in bytes and a
//! timer that starts with the first item and is never restarted. It knows neither threads nor clocks: whoever drives it
//! says what time it is. Nothing is ever dropped in here. Items are taken out of the bounded lanes only when there is
//! room on the wire, so where too many buckets are open, or hold too much together, the oldest simply leave early.
//!
//! What merges instead of piling up (session aggregates) is a batcher of one bucket whose item knows how to merge.

mod batcher;

pub(crate) use self::batcher::{Batch, Batcher, Bounds, DELAY};

#[cfg(test)]
mod wire_tests;
