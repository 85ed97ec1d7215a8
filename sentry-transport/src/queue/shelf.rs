//! The queue's side of the store: envelopes in, envelopes out, losses counted.
//!
//! The store is opened by whoever needs it first: the worker, or a thread that panics. It may be missing, and it may refuse;
//! then everything stays in memory, and is counted if it is lost.

use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use sentry_core::client_report::Recorder;
use sentry_core::envelope::EnvelopeItem;
use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::Reason;
use sentry_core::{Durability, clock, diagnostics};

use crate::store::{EntryId, Rank, Record, Store};

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

/// Where envelopes are kept, if anywhere.
pub(super) struct Shelf {
    recorder: Recorder,
    store: OnceLock<Option<Mutex<Box<dyn Store>>>>,
}

impl Shelf {
    pub(super) fn new(recorder: Recorder) -> Self {
        Self { recorder, store: OnceLock::new() }
    }

    /// Opens the store if that has not been tried yet.
    pub(super) fn open(&self, open: Option<&OpenStore>) {
        self.store.get_or_init(|| open.and_then(|open| open()).map(Mutex::new));
    }

    pub(super) fn is_on(&self) -> bool {
        self.store.get().is_some_and(Option::is_some)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_none_or(|store| store.is_empty())
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
        if !self.is_on() {
            return None;
        }
        self.take_reports(envelope);
        let mut bytes = Vec::new();
        // What cannot be written is counted when it is sent.
        envelope.write_to(&mut bytes).ok().filter(|written| written.items > 0)?;
        let record = Record {
            bytes: &bytes,
            rank: if how.is_crash { Rank::Crash } else { rank_of(envelope) },
            event_id: envelope.uuid().copied(),
            durability: how.durability,
            is_held: how.is_held,
        };
        let kept = self.lock()?.put(record, clock::now());
        match kept {
            Ok(kept) => {
                kept.evicted.iter().for_each(|bytes| self.count(bytes, Reason::CacheOverflow));
                Some(kept.id)
            }
            Err(error) => {
                self.recorder.set_last_error(&format!("the cache directory cannot be written: {error}"));
                diagnostics::warn_once("cache", || {
                    format!("the cache directory cannot be written, events stay in memory: {error}")
                });
                None
            }
        }
    }

    /// The next envelope to be tried.
    pub(super) fn next(&self) -> Option<(EntryId, Envelope)> {
        let now = clock::now();
        let expired = self.lock()?.expire(now);
        expired.iter().for_each(|bytes| self.count(bytes, Reason::CacheOverflow));
        loop {
            let entry = self.lock()?.next(now)?;
            match Envelope::from_slice(&entry.bytes) {
                Ok(envelope) => return Some((entry.id, envelope)),
                // Its checksum was right: it was written by something else.
                Err(_) => self.remove(entry.id),
            }
        }
    }

    pub(super) fn remove(&self, id: EntryId) {
        if let Some(mut store) = self.lock() {
            store.remove(id);
        }
    }

    /// It could not be sent. What is given up is counted.
    pub(super) fn give_back(&self, id: EntryId, now: SystemTime) {
        let given_up = self.lock().and_then(|mut store| store.give_back(id, now));
        if let Some(bytes) = given_up {
            self.count(&bytes, Reason::NetworkError);
        }
    }

    fn count(&self, bytes: &[u8], reason: Reason) {
        if let Ok(envelope) = Envelope::from_slice(bytes) {
            self.recorder.record_loss(&envelope, reason);
        }
    }

    fn lock(&self) -> Option<MutexGuard<'_, Box<dyn Store>>> {
        let store = self.store.get()?.as_ref()?;
        Some(store.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("is_on", &self.is_on()).finish_non_exhaustive()
    }
}

fn rank_of(envelope: &Envelope) -> Rank {
    let rank = |item: &EnvelopeItem| match item {
        EnvelopeItem::Event(_) | EnvelopeItem::Feedback(_) => Rank::Error,
        EnvelopeItem::SessionUpdate(_)
        | EnvelopeItem::SessionAggregates(_)
        | EnvelopeItem::MonitorCheckIn(_) => Rank::Session,
        _ => Rank::Other,
    };
    envelope.items().map(rank).max().unwrap_or(Rank::Other)
}
