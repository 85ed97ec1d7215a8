//! What the queue asks of a place that outlives the process.

use std::fmt::Debug;
use std::io;
use std::time::SystemTime;

use sentry_core::Durability;
use sentry_core::types::Uuid;

/// An entry of a store, as long as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct EntryId(pub(crate) u64);

/// What goes last when there is no room for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// Logs, metrics, spans, transactions, reports.
    Other,
    /// Sessions and check-ins.
    Session,
    /// Errors and feedback.
    Error,
    /// Crashes.
    Crash,
}

/// What is to be kept: an encoded envelope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) rank: Rank,
    pub(crate) event_id: Option<Uuid>,
    pub(crate) durability: Durability,
    /// Not to be returned by [`Store::next`] before it is given back: it is on its way already.
    pub(crate) is_held: bool,
}

/// What came of keeping something.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) id: EntryId,
    /// What had to go for it, as it was put in.
    pub(crate) evicted: Vec<Vec<u8>>,
}

/// An entry to be sent.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: EntryId,
    pub(crate) bytes: Vec<u8>,
}

/// A place for envelopes that outlives the process. Called by one thread at a time; every call is short.
pub(crate) trait Store: Send + Debug {
    /// Keeps an envelope. When this has returned, it is there.
    ///
    /// # Errors
    /// When it could not be written; nothing is left of it then.
    fn put(&mut self, record: Record<'_>, now: SystemTime) -> io::Result<Kept>;

    /// The next envelope that may be tried: crashes first, then the oldest. It counts as tried from now on, and is not
    /// returned again before it is given back.
    fn next(&mut self, now: SystemTime) -> Option<Entry>;

    /// The server has answered: it need not be kept any more.
    fn remove(&mut self, id: EntryId);

    /// It could not be sent. Returns its bytes if it is given up.
    fn give_back(&mut self, id: EntryId, now: SystemTime) -> Option<Vec<u8>>;

    /// What is too old by now, as it was put in.
    fn expire(&mut self, now: SystemTime) -> Vec<Vec<u8>>;

    /// Whether nothing is waiting to be tried.
    fn is_empty(&self) -> bool;
}
