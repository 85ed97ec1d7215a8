//! Between the capturing threads and the wire.
//!
//! ```text
//! push ──► Lanes (bounded) ──► Worker ── finish ─ limit ─ encode ──► Sender ──► classify ─┬─► answered
//!              │                  ▲                                                       │
//!            shed ─► counted      └────────────── waiting, behind the gate ◄──────────────┘
//!
//! flush / close: one lock, one ticket, one absolute deadline; they never queue behind data
//! ```
//!
//! Everything both sides share is one [`Shared`]: the state behind one mutex, so that a generation counter can restart it
//! in a forked child. Every accepted item is answered exactly once: delivered, discarded as the server asked, or counted
//! as lost. A flush waits for answers, nothing else.

mod attempt;
mod epochs;
mod flights;
mod inbox;
mod lanes;
mod pipeline;
mod shared;
mod thread;
mod wake;
mod worker;

pub(crate) use self::shared::{Setup, Shared};

/// How many requests may be under way at once: enough for 1,000 events a second at 15 ms.
pub(crate) const MAX_IN_FLIGHT: usize = 16;
