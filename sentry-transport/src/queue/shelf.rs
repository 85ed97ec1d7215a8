//! The queue's side of the store: envelopes in, envelopes out, losses counted.
//!
//! The store is opened by whoever needs it first: the worker, or a thread that panics. It may be missing, and it may refuse;
//! then everything stays in memory, and is counted if it is lost. One that cannot be opened is tried again every minute.

use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use sentry_core::client_report::Recorder;
use sentry_core::envelope::{EnvelopeItem, ItemContainer};
use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::{Category, Reason};
use sentry_core::types::Uuid;
use sentry_core::{ConsentGate, Durability, clock, diagnostics};

use super::luggage::{self, Behind};
use crate::store::{Entry, EntryId, Lost, Rank, Record, Store};

/// How long a store that could not be opened is left alone.
const REOPEN_AFTER: Duration = Duration::from_secs(60);

/// Opens the store. `None`: it cannot be used, which has been told.
pub(crate) type OpenStore = Box<dyn Fn() -> Option<Box<dyn Store>> + Send + Sync>;

/// How an envelope is kept.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct How {
    /// It goes last when there is no room, and first when there is a way.
    pub(super) is_crash: bool,
    /// It is on its way already: the store only holds it in case that fails.
    pub(super) is_held: bool,
    /// What it has to survive.
    pub(super) durability: Durability,
}

/// What was kept.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: EntryId,
    /// How many bytes it takes.
    pub(super) length: usize,
    /// They themselves, if nothing was left behind.
    pub(super) encoded: Option<Vec<u8>>,
}

/// Where envelopes are kept, if anywhere.
pub(super) struct Shelf {
    recorder: Recorder,
    gate: ConsentGate,
    store: Mutex<Option<Box<dyn Store>>>,
    is_on: AtomicBool,
    behind: Behind,
    /// A crash has taken what was made ready for it.
    is_unprepared: AtomicBool,
    /// When it may be opened. Held while it is.
    opens: Mutex<Option<Instant>>,
}

impl Shelf {
    pub(super) fn new(recorder: Recorder, gate: ConsentGate) -> Self {
        Self {
            recorder,
            gate,
            store: Mutex::new(None),
            is_on: AtomicBool::new(false),
            behind: Behind::default(),
            is_unprepared: AtomicBool::new(false),
            opens: Mutex::new(None),
        }
    }

    /// Opens the store, unless that has failed a moment ago.
    pub(super) fn open(&self, open: Option<&OpenStore>) {
        self.open_at(open, clock::instant());
    }

    fn open_at(&self, open: Option<&OpenStore>, now: Instant) {
        let Some(open) = open.filter(|_| !self.is_on()) else { return };
        let mut opens = self.opens.lock().unwrap_or_else(PoisonError::into_inner);
        if opens.is_some_and(|at| now < at) || self.is_on() {
            return;
        }
        match open() {
            Some(store) => {
                *self.lock() = Some(store);
                self.is_unprepared.store(true, Ordering::Relaxed);
                self.is_on.store(true, Ordering::Release);
            }
            None => *opens = Some(now + REOPEN_AFTER),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }

    /// Leaves what is there to whoever comes next, in this process or another. A later panic opens it again.
    pub(super) fn close(&self) {
        let store = self.lock().take();
        self.is_on.store(false, Ordering::Release);
        drop(store);
    }

    /// Looks after the store: takes over what others have left meanwhile, and gives up what is too old.
    pub(super) fn tidy(&self) {
        let Some(lost) = self.with(|store| store.expire(clock::now())) else { return };
        self.count_lost(&lost);
    }

    /// Makes ready what the next crash would have to wait for, if that is not there.
    pub(super) fn prepare(&self) {
        // A hint: one crash later is soon enough.
        if self.is_unprepared.load(Ordering::Relaxed)
            && !self.gate.is_refused()
            && self.is_unprepared.swap(false, Ordering::Relaxed)
        {
            self.with(|store| store.prepare(clock::now()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.with(|store| store.is_empty()).unwrap_or(true)
    }

    /// Whether there may be something: there is, nobody has looked yet, or somebody is at it.
    pub(super) fn may_have_any(&self) -> bool {
        match self.store.try_lock() {
            Ok(store) => store.as_ref().is_none_or(|store| !store.is_empty()),
            Err(_) => true,
        }
    }

    /// Whether crashes are waiting or on their way.
    pub(super) fn has_crashes(&self) -> bool {
        self.with(|store| store.has_crashes()).unwrap_or(false)
    }

    /// Reports go back to where they are counted: they ride with whatever goes out next.
    pub(super) fn take_reports(&self, envelope: &mut Envelope) {
        envelope.retain_items(|item| match item {
            EnvelopeItem::ClientReport(report) => {
                self.recorder.record_loss(report, Reason::InternalSdkError);
                false
            }
            _ => true,
        });
    }

    /// Keeps an envelope, without the reports in it; `None` if that was impossible.
    pub(super) fn put(&self, envelope: &mut Envelope, how: How) -> Option<EntryId> {
        self.write(envelope, how).map(|stored| stored.id)
    }

    /// The same, and what was written.
    pub(super) fn write(&self, envelope: &mut Envelope, how: How) -> Option<Stored> {
        if !self.is_on() {
            return None;
        }
        self.take_reports(envelope);
        let mut written = self.write_with(envelope, how, luggage::MAX_FILES);
        if written.as_ref().is_err_and(|error| error.kind() == ErrorKind::FileTooLarge)
            && envelope.items().any(EnvelopeItem::is_attachment)
        {
            written = self.write_with(envelope, how, 0);
        }
        match written {
            Ok(written) => Some(written),
            // What it does not take is no fault of the place.
            Err(error) if is_choice(error.kind()) => None,
            Err(error) => {
                self.recorder.set_last_error(&format!("the cache directory cannot be written: {error}"));
                diagnostics::warn_once("cache", || {
                    format!("the cache directory cannot be written, events stay in memory: {error}")
                });
                None
            }
        }
    }

    /// Keeps an envelope with so many bytes of files.
    fn write_with(&self, envelope: &Envelope, how: How, files: u64) -> io::Result<Stored> {
        let (envelope, mut behind) = luggage::pack(envelope, files);
        // A crash is waited for: room for most of them, at once.
        let mut bytes = Vec::with_capacity(16 << 10);
        let written = envelope.write_to(&mut bytes)?;
        if written.items == 0 {
            // It is counted when it is sent.
            return Err(ErrorKind::QuotaExceeded.into());
        }
        behind.extend(written.losses);
        let record = Record {
            bytes: &bytes,
            rank: if how.is_crash { Rank::Crash } else { rank_of(&envelope) },
            event_id: envelope.uuid().copied(),
            session: session_of(&envelope),
            durability: how.durability,
            is_held: how.is_held,
        };
        // Under the lock: what comes after a purge is refused.
        let kept = self.with(|store| (!self.gate.is_refused()).then(|| store.put(record, clock::now())));
        let kept = kept.flatten().unwrap_or_else(|| Err(ErrorKind::QuotaExceeded.into()))?;
        if how.is_crash {
            self.is_unprepared.store(true, Ordering::Relaxed);
        }
        self.count_lost(&kept.evicted);
        let is_whole = behind.is_empty();
        if how.is_held {
            self.behind.note(kept.id, behind);
        } else {
            self.recorder.record_loss(&behind[..], Reason::CacheOverflow);
        }
        Ok(Stored { id: kept.id, length: bytes.len(), encoded: is_whole.then_some(bytes) })
    }

    /// The next envelope to be tried, and what is known of it.
    pub(super) fn next(&self) -> Option<(Entry, Envelope)> {
        self.tidy();
        let now = clock::now();
        loop {
            let entry = self.with(|store| store.next(now))??;
            match Envelope::from_slice_lossless(&entry.bytes) {
                Ok(envelope) => return Some((entry, envelope)),
                // Its checksum was right: it was written by something else.
                Err(_) => self.with(|store| store.reject(entry.id))?,
            }
        }
    }

    pub(super) fn remove(&self, id: EntryId) {
        self.behind.take(id);
        self.with(|store| store.remove(id));
    }

    /// Removes everything, and counts what is not on its way.
    pub(super) fn purge(&self) {
        self.behind.clear();
        let purged = self.with(|store| store.purge());
        for rank in purged.unwrap_or_default() {
            self.recorder.record(Reason::NoConsent, category_of(rank), 1);
        }
    }

    /// It is ready to be sent, and has not harmed this process.
    pub(super) fn survived(&self, id: EntryId) {
        self.with(|store| store.survived(id));
    }

    /// It could not be sent. What is given up is counted.
    pub(super) fn give_back(&self, id: EntryId, now: SystemTime) {
        let given_up = self.with(|store| store.give_back(id, now)).flatten();
        if let Some(bytes) = given_up {
            self.count(&bytes, Reason::NetworkError);
        }
        self.recorder.record_loss(&self.behind.take(id)[..], Reason::CacheOverflow);
    }

    /// In a forked child: the entries and the locks are the parent's.
    pub(super) fn disown(&self) {
        // Another thread may have been at work; then they stay open for as long as the child lives.
        if let Ok(mut store) = self.store.try_lock()
            && let Some(store) = &mut *store
        {
            store.disown();
        }
    }

    fn count_lost(&self, lost: &[Lost]) {
        for lost in lost {
            match lost {
                Lost::Envelope(bytes) => self.count(bytes, Reason::CacheOverflow),
                Lost::Damaged(rank) => self.recorder.record(Reason::InternalSdkError, category_of(*rank), 1),
            }
        }
    }

    fn count(&self, bytes: &[u8], reason: Reason) {
        if let Ok(envelope) = Envelope::from_slice(bytes) {
            self.recorder.record_loss(&envelope, reason);
        }
    }

    fn with<R>(&self, act: impl FnOnce(&mut dyn Store) -> R) -> Option<R> {
        Some(act(self.lock().as_mut()?.as_mut()))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn Store>>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("is_on", &self.is_on()).finish_non_exhaustive()
    }
}

/// Whether the place is fine, and does not want it.
fn is_choice(error: ErrorKind) -> bool {
    matches!(error, ErrorKind::FileTooLarge | ErrorKind::QuotaExceeded)
}

fn rank_of(envelope: &Envelope) -> Rank {
    let rank = |item: &EnvelopeItem| match item {
        EnvelopeItem::Event(_) | EnvelopeItem::Feedback(_) => Rank::Error,
        EnvelopeItem::SessionUpdate(_)
        | EnvelopeItem::UnhandledSession(_)
        | EnvelopeItem::SessionAggregates(_)
        | EnvelopeItem::MonitorCheckIn(_) => Rank::Session,
        EnvelopeItem::Transaction(_) | EnvelopeItem::ItemContainer(ItemContainer::Spans(_)) => Rank::Span,
        EnvelopeItem::ItemContainer(ItemContainer::Logs(_)) => Rank::Log,
        EnvelopeItem::ItemContainer(ItemContainer::Metrics(_)) => Rank::Metric,
        EnvelopeItem::Unknown(item) => match item.ty() {
            "event" | "feedback" => Rank::Error,
            "check_in" | "session" | "sessions" => Rank::Session,
            "profile" | "profile_chunk" | "span" | "transaction" => Rank::Span,
            "log" => Rank::Log,
            "statsd" | "trace_metric" => Rank::Metric,
            _ => Rank::Other,
        },
        _ => Rank::Other,
    };
    envelope.items().map(rank).max().unwrap_or(Rank::Other)
}

/// What is lost with something of that rank, as far as that can be said of what cannot be read.
fn category_of(rank: Rank) -> Category {
    match rank {
        Rank::Crash | Rank::Error => Category::Error,
        Rank::Session => Category::Session,
        Rank::Span => Category::Transaction,
        Rank::Log => Category::LogItem,
        Rank::Metric => Category::TraceMetric,
        Rank::Other => Category::Internal,
    }
}

/// The session that an envelope brings an update of.
fn session_of(envelope: &Envelope) -> Option<Uuid> {
    envelope.items().find_map(|item| Some(item.session_update()?.session_id))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_store_that_cannot_be_opened_is_tried_again_after_a_minute() {
        static TRIES: AtomicUsize = AtomicUsize::new(0);
        let open: OpenStore = Box::new(|| {
            TRIES.fetch_add(1, Ordering::SeqCst);
            None
        });
        let (shelf, now) = (Shelf::new(Recorder::default(), ConsentGate::default()), clock::instant());
        let tries_at = |after: Duration| {
            shelf.open_at(Some(&open), now + after);
            TRIES.load(Ordering::SeqCst)
        };
        assert_eq!(tries_at(Duration::ZERO), 1);
        assert_eq!(tries_at(REOPEN_AFTER / 2), 1);
        assert_eq!(tries_at(REOPEN_AFTER), 2);
        assert_eq!(tries_at(REOPEN_AFTER + REOPEN_AFTER / 2), 2);
        assert!(!shelf.is_on() && shelf.is_empty() && !shelf.has_crashes());
    }
}
