//! Logs, metrics and spans: small, many, and sent in batches.
//!
//! They are encoded where they are captured and carried as bytes from there on. A batch puts the bytes side by side;
//! nothing is encoded twice.
//!
//! ```text
//! logger_info!, counter ─► scratch ─► shard of the thread ─┬─ 100 records, 64 KiB ─────► Transport::send
//!                          (JSON)     (Gathering)          └─ Gathered::hand_over, flush ──▲
//! ```
//!
//! A transport that [gathers](crate::Transport::gather) gets logs and metrics a hundred at a time; any other one gets each
//! at once.

mod gathered;
#[cfg_attr(
    not(any(test, feature = "logs", feature = "metrics")),
    expect(dead_code, reason = "without logs and metrics nothing is gathered")
)]
mod gathering;
#[cfg_attr(
    not(any(test, feature = "logs", feature = "metrics")),
    expect(dead_code, reason = "without logs and metrics nothing is gathered")
)]
mod place;
mod record;
#[cfg(any(feature = "logs", feature = "metrics"))]
mod scratch;

pub use self::gathered::Gathered;
pub(crate) use self::gathered::Source;
#[cfg(any(feature = "logs", feature = "metrics"))]
pub(crate) use self::gathering::Added;
pub(crate) use self::gathering::Gathering;
#[cfg(any(feature = "logs", feature = "metrics"))]
pub(crate) use self::place::{Ending, Place, Stamp};
pub use self::record::{Telemetry, TelemetryKind};
#[cfg(any(feature = "logs", feature = "metrics"))]
pub(crate) use self::scratch::Scratch;
