//! Spans of a stream whose segment may still turn out to be unwanted.
//!
//! What is below a segment leaves before it. Where options drop segments by what is known at their end
//! (`trace_ignore_status_codes`, `ignore_transactions`), a server would be left with spans that hang in the air. So there
//! these wait in memory:
//!
//! ```text
//! span ends ─► waits ─┬─ segment ends, wanted ─────────────► all leave, then the segment
//!                     ├─ segment ends, unwanted ───────────► all are dropped with it, and counted
//!                     └─ five seconds, too many, flush ────► all leave; the segment will follow, whatever it ends with
//! ```
//!
//! So a worker that runs for days shows up all the same, and no span is sent without the segment above it, unless nobody
//! finishes that.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::client_report::protocol::Reason;
use crate::process::{Held, generation};
use crate::sync::{lock, try_lock};
use crate::telemetry::Telemetry;
use crate::trace::MAX_SPANS;
use crate::trace::root::Root;

/// How long telemetry waits in memory (protocol.md 5).
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// More bytes than this do not wait below one segment.
const MAX_BYTES: usize = 1024 * 1024;

/// What is to become of a segment that options may drop when it ends.
#[derive(Default)]
pub(super) enum Fate {
    /// Nothing is known, and nothing depends on it.
    #[default]
    Open,
    /// Spans below it wait.
    Awaited(Box<Waiting>),
    /// Spans below it have left, or it has been sent itself.
    Sent,
    /// It has ended, unwanted.
    Dropped(Reason),
}

/// Spans that wait for the fate of their segment. They leave when that is given up without having been finished: nobody
/// will know then that it was unwanted.
pub(super) struct Waiting {
    client: Arc<Client>,
    spans: Vec<Telemetry>,
    bytes: usize,
    since: Instant,
    /// Whose they are: a forked child leaves to its parent what it finds.
    generation: u32,
}

/// What follows for a span that has ended.
pub(super) enum Then {
    /// It waits. The first one of a segment has to be made known.
    Waits { is_first: bool },
    /// It leaves, after those that have waited.
    Leaves(Option<Box<Waiting>>, Telemetry),
    /// It goes the way of its segment.
    Dropped(Reason),
}

impl Fate {
    /// What becomes of a span below the segment.
    pub(super) fn meet(&mut self, span: Telemetry, client: &Arc<Client>, now: Instant) -> Then {
        match mem::take(self) {
            Self::Open => {
                *self = Self::Awaited(Box::new(Waiting::of(span, client, now)));
                Then::Waits { is_first: true }
            }
            Self::Awaited(mut waiting) => {
                waiting.leave_to_parent();
                if !waiting.has_room(span.json().len()) || waiting.is_over(now) {
                    *self = Self::Sent;
                    return Then::Leaves(Some(waiting), span);
                }
                // A forked child has not made it known.
                let is_first = waiting.spans.is_empty();
                waiting.add(span);
                *self = Self::Awaited(waiting);
                Then::Waits { is_first }
            }
            Self::Sent => {
                *self = Self::Sent;
                Then::Leaves(None, span)
            }
            Self::Dropped(reason) => {
                *self = Self::Dropped(reason);
                Then::Dropped(reason)
            }
        }
    }

    /// Whether spans wait for it.
    fn is_awaited(&self) -> bool {
        matches!(self, Self::Awaited(_))
    }

    /// Whether the segment may still be dropped.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open | Self::Awaited(_))
    }

    /// The segment is sent, or will be. Returns what leaves before it.
    pub(super) fn settle(&mut self) -> Option<Box<Waiting>> {
        self.become_(Self::Sent)
    }

    /// The segment is dropped. Returns what is dropped with it.
    pub(super) fn drop_for(&mut self, reason: Reason) -> Option<Box<Waiting>> {
        self.become_(Self::Dropped(reason))
    }

    fn become_(&mut self, new: Self) -> Option<Box<Waiting>> {
        match mem::replace(self, new) {
            Self::Awaited(waiting) => Some(waiting),
            Self::Open | Self::Sent | Self::Dropped(_) => None,
        }
    }

    /// The same if they have waited for long enough.
    fn settle_at(&mut self, now: Instant) -> Option<Box<Waiting>> {
        match self {
            Self::Awaited(waiting) if waiting.is_over(now) => self.settle(),
            Self::Open | Self::Awaited(_) | Self::Sent | Self::Dropped(_) => None,
        }
    }
}

impl Waiting {
    fn of(span: Telemetry, client: &Arc<Client>, now: Instant) -> Self {
        let bytes = span.json().len();
        let client = Arc::clone(client);
        Self { client, spans: vec![span], bytes, since: now, generation: generation() }
    }

    fn add(&mut self, span: Telemetry) {
        self.bytes += span.json().len();
        self.spans.push(span);
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.spans.len() < MAX_SPANS && self.bytes + bytes <= MAX_BYTES
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= PATIENCE
    }

    fn leave_to_parent(&mut self) {
        if self.generation != generation() {
            self.spans.clear();
            (self.bytes, self.generation) = (0, generation());
        }
    }

    /// Drops them, and tells how many they are.
    pub(super) fn forget(mut self) -> u64 {
        self.leave_to_parent();
        mem::take(&mut self.spans).len() as u64
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.leave_to_parent();
        for span in mem::take(&mut self.spans) {
            self.client.send_telemetry(span);
        }
    }
}

/// The segments of a client below which spans wait.
#[derive(Default)]
pub(crate) struct Undecided(Mutex<Segments>);

#[derive(Default)]
struct Segments {
    /// By their addresses.
    list: HashMap<usize, Weak<Root>>,
    generation: u32,
}

impl Undecided {
    pub(super) fn add(&self, root: &Arc<Root>) {
        if let Some(mut segments) = self.segments() {
            segments.list.insert(address(root), Arc::downgrade(root));
        }
    }

    pub(super) fn remove(&self, root: &Arc<Root>) {
        if let Some(mut segments) = self.segments() {
            segments.list.remove(&address(root));
        }
    }

    /// Lets go of all that waits.
    pub(crate) fn release_all(&self) {
        let Some(all) = self.segments().map(|mut segments| mem::take(&mut segments.list)) else { return };
        for root in all.into_values().filter_map(|root| root.upgrade()) {
            match root.change_fate(Fate::settle) {
                Some(waiting) => drop(waiting),
                // Another thread is at it, and this one panics.
                None => self.add(&root),
            }
        }
    }

    /// Lets go of what has waited for long enough. Tells whether there is more.
    pub(crate) fn release_at(&self, now: Instant) -> bool {
        let Some(segments) = self.segments() else { return false };
        let all: Vec<_> = segments.list.iter().map(|(key, root)| (*key, Weak::clone(root))).collect();
        drop(segments);
        for (key, root) in all {
            let Some(root) = root.upgrade() else {
                // Its place in memory may have another one meanwhile.
                if let Some(mut segments) = self.segments()
                    && segments.list.get(&key).is_some_and(|root| root.strong_count() == 0)
                {
                    segments.list.remove(&key);
                }
                continue;
            };
            let settled = root.change_fate(|fate| {
                let waiting = fate.settle_at(now);
                // Also if it was decided before it was made known.
                (!fate.is_awaited()).then_some(waiting)
            });
            if let Some(Some(waiting)) = settled {
                self.remove(&root);
                drop(waiting);
            }
        }
        self.segments().is_some_and(|segments| !segments.list.is_empty())
    }

    /// For a fork.
    pub(crate) fn hold<'a>(&'a self, held: &mut Held<'a>) {
        held.lock(&self.0);
    }

    fn segments(&self) -> Option<MutexGuard<'_, Segments>> {
        let mut segments = unless_it_panics(&self.0)?;
        if segments.generation != generation() {
            *segments = Segments { generation: generation(), ..Segments::default() };
        }
        Some(segments)
    }
}

/// A thread that panics may hold the lock itself. Its panic hook flushes all the same.
pub(super) fn unless_it_panics<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    if thread::panicking() { try_lock(mutex) } else { Some(lock(mutex)) }
}

fn address(root: &Arc<Root>) -> usize {
    Arc::as_ptr(root).addr()
}
