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

mod answers;
mod attempt;
mod attic;
mod collector;
mod consent;
mod epochs;
mod flights;
mod gathering;
mod generations;
mod inbox;
mod lanes;
mod last_words;
mod luggage;
mod outbox;
mod pipeline;
mod setup;
mod shared;
mod shelf;
mod start;
mod state;
mod thread;
mod waiting;
mod wake;
mod width;
mod worker;

pub(crate) use self::generations::Queue;
pub(crate) use self::setup::{MakeSender, Setup};
pub(crate) use self::shelf::OpenStore;
#[cfg(feature = "reqwest")]
pub(crate) use self::width::MOST as MAX_IN_FLIGHT;
