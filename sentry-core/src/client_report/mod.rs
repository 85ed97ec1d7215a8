//! Counting what was lost on the way, so that nothing disappears silently.
//!
//! ```text
//! whoever drops an item ── record(item, reason) ──► Recorder ── take() ──► Report, sent with the next envelope
//!                                                            └─ totals() ─► client.stats()
//! ```
//!
//! An item is counted once, by whoever dropped it, in the category the server bills it under.
//!
//! ```
//! use sentry_core::client_report::{Reason, Recorder};
//! use sentry_core::protocol::Attachment;
//!
//! let recorder = Recorder::default();
//! recorder.record_lost_data(&Attachment { buffer: vec![0; 3], ..Default::default() }, Reason::QueueOverflow);
//! assert!(recorder.take().is_some());
//! assert!(recorder.take().is_none());
//! assert_eq!(recorder.totals()[0].quantity(), 3);
//! ```

pub mod protocol;
mod recorder;
mod table;

pub use self::recorder::{Reason, Recorder};
