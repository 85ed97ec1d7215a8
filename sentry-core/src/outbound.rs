//! What travels from a capture to a transport: the item with everything needed to finish it later.

use std::time::SystemTime;
use std::sync::Arc;

use crate::client::Completion;
use crate::envelope::Envelope;
use crate::protocol::client_report::ItemLoss;
use crate::protocol::{Event, Exception, Level, Transaction};
use crate::scope::ScopeSnapshot;
use crate::stacktrace::RawStack;
use crate::types::Uuid;

/// The last stage of finishing: scrubs an envelope and trims it to the size limits. Implemented by `sentry-transport`.
pub trait Finish: Send + Sync {
    /// Changes `envelope` in place.
    fn finish(&self, envelope: &mut Envelope);
}

/// The queue an item waits in; lower lanes are shed first under overload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Logs and metrics.
    Log,
    /// Transactions and spans.
    Trace,
    /// Sessions, check-ins and client reports.
    Session,
    /// Errors, messages, feedback and crashes.
    Error,
}

/// Whether the process may end right after the capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// It goes on.
    #[default]
    Normal,
    /// It is about to end: `Transport::send` returns only after the item is as safe as it can be made.
    Fatal,
}

/// What an item must survive once `Transport::send` has returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Nothing: memory is enough.
    #[default]
    Memory,
    /// The end of the process.
    Process,
    /// The loss of power.
    Power,
}

/// What was captured, as far as it is known at the capture.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OutboundItem {
    /// A message.
    Message {
        /// Its level.
        level: Level,
        /// Its text.
        text: String,
    },
    /// A chain of exceptions, oldest first.
    Exceptions {
        /// The level of the event.
        level: Level,
        /// The chain.
        values: Vec<Exception>,
    },
    /// An event that was built by the caller.
    Event(Box<Event<'static>>),
    /// An event that has passed every stage but scrubbing already, because a callback had to see it.
    Completed(Box<Event<'static>>),
    /// A transaction.
    Transaction(Box<Transaction<'static>>),
    /// A ready envelope.
    Envelope(Box<Envelope>),
}
