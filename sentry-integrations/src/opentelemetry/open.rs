//! The spans that have begun and not ended.
//!
//! Bounded: nothing says that a span ever ends. Where there is no room the oldest is given up, which is counted; a transaction
//! only if none of the oldest is anything else, since all that is below it goes with it. No lock is held while anything but
//! this table runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use sentry_core::protocol::SpanId;
use sentry_core::{TransactionOrSpan, diagnostics};

use super::ids::Key;

/// A power of two.
const SHARDS: usize = 16;
/// So many spans of one shard are open at the same time.
const ROOM: usize = 1_024;
/// All that is kept.
#[cfg(test)]
pub(super) const AT_MOST: usize = SHARDS * ROOM;
/// Among so many of the oldest one is looked for that is no transaction.
const OLDEST: usize = 8;

/// Those of all processors.
pub(super) static OPEN: OpenSpans = OpenSpans::new();

/// A span that has begun.
#[derive(Clone)]
pub(super) struct Open {
    /// Ours.
    pub(super) span: TransactionOrSpan,
    /// The span above it, if that is one of this process.
    pub(super) above: Option<SpanId>,
    pub(super) start: SystemTime,
    /// What the scope was bound to when it began.
    pub(super) bound: Option<SpanId>,
    /// The processor that saw it.
    pub(super) owner: usize,
}

pub(super) struct OpenSpans {
    shards: [Mutex<Shard>; SHARDS],
    len: AtomicUsize,
}

struct Shard {
    spans: BTreeMap<Key, (u64, Open)>,
    /// By their numbers, the oldest first.
    order: BTreeMap<u64, Key>,
    newest: u64,
}

impl OpenSpans {
    const fn new() -> Self {
        Self { shards: [const { Shard::new() }; SHARDS], len: AtomicUsize::new(0) }
    }

    /// Whether there is none. One that began on another thread is known to whoever has heard of it.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len.load(Ordering::Acquire) == 0
    }

    pub(super) fn has(&self, key: Key) -> bool {
        !self.is_empty() && self.shard(key).spans.contains_key(&key)
    }

    pub(super) fn get(&self, key: Key) -> Option<Open> {
        if self.is_empty() {
            return None;
        }
        self.shard(key).spans.get(&key).map(|(_, open)| open.clone())
    }

    /// Adds one that is not known. What has to make room for it is given up.
    pub(super) fn add(&self, key: Key, open: Open) {
        let lost = {
            let mut shard = self.shard(key);
            shard.newest += 1;
            let place = shard.newest;
            shard.order.insert(place, key);
            let before = shard.spans.insert(key, (place, open));
            if let Some((place, _)) = &before {
                shard.order.remove(place);
            }
            let lost = before.map(|(_, open)| open).or_else(|| shard.make_room());
            self.len.fetch_add(usize::from(lost.is_none()), Ordering::Release);
            lost
        };
        if let Some(lost) = lost {
            diagnostics::warn_once("OpenTelemetry spans", || {
                let all = SHARDS * ROOM;
                format!("more than {all} spans of OpenTelemetry have not ended; the oldest are given up")
            });
            lost.span.give_up();
        }
    }

    /// Puts `span` in the place of one whose transaction is over. Another thread may have done so before: returns what is there
    /// now, or `None` if it has ended meanwhile.
    pub(super) fn renew(&self, key: Key, span: TransactionOrSpan) -> Option<TransactionOrSpan> {
        let mut shard = self.shard(key);
        let (_, open) = shard.spans.get_mut(&key)?;
        if open.span.is_open() {
            return Some(open.span.clone());
        }
        let over = std::mem::replace(&mut open.span, span.clone());
        drop(shard);
        drop(over);
        Some(span)
    }

    pub(super) fn remove(&self, key: Key) -> Option<Open> {
        if self.is_empty() {
            return None;
        }
        let mut shard = self.shard(key);
        let (place, open) = shard.spans.remove(&key)?;
        shard.order.remove(&place);
        self.len.fetch_sub(1, Ordering::Release);
        Some(open)
    }

    /// Gives up all of a processor that will not hear of their ends.
    pub(super) fn give_up(&self, owner: usize) {
        for shard in &self.shards {
            let lost = locked(shard).take(owner);
            self.len.fetch_sub(lost.len(), Ordering::Release);
            lost.into_iter().for_each(|open| open.span.give_up());
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| locked(shard).spans.len()).sum()
    }

    fn shard(&self, key: Key) -> MutexGuard<'_, Shard> {
        locked(&self.shards[key.hash() % SHARDS])
    }
}

impl Shard {
    const fn new() -> Mutex<Self> {
        Mutex::new(Self { spans: BTreeMap::new(), order: BTreeMap::new(), newest: 0 })
    }

    /// Takes out one, if there are too many.
    fn make_room(&mut self) -> Option<Open> {
        if self.spans.len() <= ROOM {
            return None;
        }
        let is_span = |key: &Key| {
            self.spans.get(key).is_some_and(|(_, open)| matches!(open.span, TransactionOrSpan::Span(_)))
        };
        let oldest = || self.order.iter().take(OLDEST);
        let (&place, &key) = oldest().find(|(_, key)| is_span(key)).or_else(|| oldest().next())?;
        self.order.remove(&place);
        self.spans.remove(&key).map(|(_, open)| open)
    }

    fn take(&mut self, owner: usize) -> Vec<Open> {
        let keys: Vec<_> =
            self.spans.iter().filter(|(_, (_, open))| open.owner == owner).map(|(key, _)| *key).collect();
        let lost = keys.iter().filter_map(|key| {
            let (place, open) = self.spans.remove(key)?;
            self.order.remove(&place);
            Some(open)
        });
        lost.collect()
    }
}

fn locked(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
