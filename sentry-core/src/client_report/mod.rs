//! Counting what was delivered and what was lost on the way, so that nothing disappears silently.
//!
//! ```text
//! whoever drops an item ── record(item, reason) ──► Recorder ── take() ──► Report, sent with the next envelope
//!                                                     ▲  │ ├─── tell ────► on_drop
//! transport ── count_accepted, _delivered, _dropped, … ┘  │ └─ stats() ───► client.stats()
//! transport ── set_unhealthy ──► downsample_factor() ─────┴───────────────► samplers of traces
//! ```
//!
//! A loss is counted once, by whoever dropped the item, in the category the server bills it under.
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

mod alarm;
mod counter;
mod health;
mod left_out;
mod on_drop;
pub mod protocol;
mod recorder;
mod stats;
mod table;

pub use self::alarm::OnPending;
pub use self::on_drop::{Dropped, OnDrop};
pub use self::recorder::{Reason, Recorder};
pub use self::stats::Stats;
