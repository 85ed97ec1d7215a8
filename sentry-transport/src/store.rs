//! What the queue asks of a place that outlives the process.

use std::fmt::Debug;
use std::io;
use std::time::SystemTime;

use sentry_core::Durability;
use sentry_core::types::Uuid;

/// An entry of a store, as long as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct EntryId(pub(crate) u64);

/// What goes last when there is no room for all. The numbers are in the names of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// Reports, and what is unknown.
    Other = 0,
    /// Metrics.
    Metric = 1,
    /// Logs.
    Log = 2,
    /// Spans, transactions and profiles.
    Span = 3,
    /// Sessions and check-ins.
    Session = 4,
    /// Errors and feedback.
    Error = 5,
    /// Crashes.
    Crash = 6,
}

impl Rank {
    /// From the one that goes first to the one that goes last.
    pub(crate) const ALL: [Self; 7] =
        [Self::Other, Self::Metric, Self::Log, Self::Span, Self::Session, Self::Error, Self::Crash];
}

/// What is to be kept: an encoded envelope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) rank: Rank,
    pub(crate) event_id: Option<Uuid>,
    /// The session it brings an update of. If an update is given up that would have been the first of its session, the next
    /// one becomes that.
    pub(crate) session: Option<Uuid>,
    pub(crate) durability: Durability,
    /// Not to be returned by [`Store::next`] before it is given back: it is on its way already.
    pub(crate) is_held: bool,
}

/// What came of keeping something.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) id: EntryId,
    /// What had to go for it.
    pub(crate) evicted: Vec<Lost>,
}

/// What a store has given up, to be counted by who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// There was no room, or it was too old: as it was put in.
    Envelope(Vec<u8>),
    /// It cannot be read any more, or killed whoever read it.
    Damaged(Rank),
}

/// An entry to be sent.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: EntryId,
    pub(crate) rank: Rank,
    /// Processes that have read it, and were gone before they had come further.
    pub(crate) deaths: u8,
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

    /// It was read and is ready to be sent: whatever ends the process from here on, this envelope does not. Does not count
    /// as tried any more.
    fn survived(&mut self, id: EntryId);

    /// It is no envelope: nobody shall try it again.
    fn reject(&mut self, id: EntryId);

    /// Looks after the place: takes over what others have left, and gives up what is too old. Returns everything that was
    /// given up since it was called last and has not been told.
    fn expire(&mut self, now: SystemTime) -> Vec<Lost>;

    /// The user has said no: removes everything. Returns what was not on its way; who has the rest in hand counts that.
    fn purge(&mut self) -> Vec<Rank>;

    /// There is time: makes ready what a crash would have to wait for.
    fn prepare(&mut self, now: SystemTime);

    /// Whether crashes are waiting or on their way; `true` as long as nobody has looked for what others have left.
    fn has_crashes(&self) -> bool;

    /// In a forked child: forgets everything and touches nothing, as it is the parent's. Locks are closed and not released.
    fn disown(&mut self);

    /// Whether nothing is waiting to be tried.
    fn is_empty(&self) -> bool;
}
