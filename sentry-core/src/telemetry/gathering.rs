//! Where the records of a client wait for company.
//!
//! A thread always uses the same shard, so its records leave in the order it wrote them: a full batch joins the queue of
//! those that are ready while its shard is locked, and only one thread at a time takes from that queue. Nothing of the
//! application's runs under a shard's lock.

use std::cell::Cell;
use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, SystemTime};

use super::place::Ending;
use super::record::{MAX_RECORDS, Telemetry, TelemetryKind};
use crate::clock;
use crate::process::{Held, generation};
use crate::sync::{lock, try_lock};

/// Threads beyond this number share.
const SHARDS: usize = 8;

/// A batch of so many bytes leaves, however few records it has.
const FULL: usize = 64 * 1024;

/// Batches that wait for the thread that sends: it may have no processor, or be held up by code of the application.
const MAX_READY: usize = 128;

/// How long a flush waits for another thread to send what it is sending, which is a push to a queue.
const PATIENCE: Duration = Duration::from_millis(100);

/// All logs and metrics of a client that its transport does not have yet.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    shards: [Shard; SHARDS],
    /// Full ones, in the order in which they leave.
    ready: Mutex<Ready>,
    /// Held by whoever hands over.
    order: Mutex<()>,
    /// The transport knows that something waits.
    announced: AtomicBool,
}

/// On a cache line of its own: shards are there to keep threads apart.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    logs: Batch,
    metrics: Batch,
    ending: Ending,
    /// Whose they are: a forked child leaves to its parent what it finds.
    generation: u32,
    /// Nothing is taken any more.
    closed: bool,
}

/// Records side by side.
#[derive(Debug, Default)]
struct Batch {
    json: Vec<u8>,
    records: u32,
    /// When the first of them was captured.
    since: Option<SystemTime>,
}

/// A batch on its way out, and when the first of its records was captured.
pub(crate) type Leaving = (Telemetry, SystemTime);

#[derive(Debug, Default)]
struct Ready {
    batches: VecDeque<Leaving>,
    generation: u32,
}

/// What has become of a record.
#[derive(Debug)]
pub(crate) enum Added {
    /// It waits, and the transport knows.
    Waits,
    /// It waits, and the transport has to be told that something does.
    First,
    /// A batch is to be handed over. With one that is lost for it, if nobody gets round to that.
    Full(Option<Box<Telemetry>>),
    /// It is too late.
    Closed,
}

impl Gathering {
    /// Adds a log or a metric, that `write` appends, with the end of the record before at hand. The shard is locked meanwhile: no code of the user's may run in there.
    #[inline]
    pub(crate) fn add(
        &self,
        kind: TelemetryKind,
        time: SystemTime,
        write: impl FnOnce(&mut Vec<u8>, &mut Ending),
    ) -> Added {
        let mut open = lock(&self.shards[own_shard()].0);
        if open.leave_to_parent() {
            self.announced.store(false, Ordering::Release);
        }
        if open.closed {
            return Added::Closed;
        }
        let (batch, ending) = open.batch(kind);
        if batch.records == 0 {
            batch.since = Some(time);
        } else {
            batch.json.push(b',');
        }
        write(&mut batch.json, ending);
        batch.records += 1;
        if batch.records >= MAX_RECORDS || batch.json.len() >= FULL {
            return Added::Full(self.is_full(batch.take(kind)));
        }
        drop(open);
        // Whoever takes what waits says so before it looks: this record was seen, or the next load says `false`.
        if !self.announced.load(Ordering::Acquire) && !self.announced.swap(true, Ordering::AcqRel) {
            return Added::First;
        }
        Added::Waits
    }

    #[cold]
    fn is_full(&self, batch: Option<Leaving>) -> Option<Box<Telemetry>> {
        self.ready().push(batch).map(Box::new)
    }

    /// Gives what is full to `send`, in order, unless another thread is at it: that one takes all.
    pub(crate) fn send_full(&self, mut send: impl FnMut(Leaving)) {
        while !self.ready().batches.is_empty() {
            let Some(_order) = try_lock(&self.order) else { return };
            self.send_ready(&mut send);
        }
    }

    /// Gives everything to `send`; `is_last`: nothing is taken from now on. When it returns, whatever was added before has been
    /// sent by this thread or another one; unless this thread is in the middle of sending (`is_nested`), or the other one
    /// takes longer than [`PATIENCE`]. Returns what had to go because that one does not get on, for whoever counts losses.
    pub(crate) fn send_all(
        &self,
        is_last: bool,
        is_nested: bool,
        mut send: impl FnMut(Leaving),
    ) -> Vec<Telemetry> {
        let mut lost = Vec::new();
        self.announced.store(false, Ordering::Release);
        for shard in &self.shards {
            let mut open = lock(&shard.0);
            open.leave_to_parent();
            open.closed |= is_last;
            for kind in [TelemetryKind::Log, TelemetryKind::Metric] {
                if let rest @ Some(_) = open.batch(kind).0.take(kind) {
                    lost.extend(self.ready().push(rest));
                }
            }
        }
        let patience = if is_nested { Duration::ZERO } else { PATIENCE };
        let deadline = clock::instant() + patience;
        loop {
            if let Some(_order) = try_lock(&self.order) {
                self.send_ready(&mut send);
                break;
            }
            if clock::instant() >= deadline {
                return lost;
            }
            thread::yield_now();
        }
        // What came while the lock was being released.
        self.send_full(send);
        lost
    }

    /// How many records wait.
    pub(crate) fn len(&self) -> u64 {
        let ready: usize = self.ready().batches.iter().map(|(batch, _)| batch.records()).sum();
        let open = |shard: &Shard| {
            let mut open = lock(&shard.0);
            open.leave_to_parent();
            u64::from(open.logs.records) + u64::from(open.metrics.records)
        };
        ready as u64 + self.shards.iter().map(open).sum::<u64>()
    }

    /// For a fork.
    pub(crate) fn hold<'a>(&'a self, held: &mut Held<'a>) {
        held.lock(&self.order);
        self.shards.iter().for_each(|shard| _ = held.lock(&shard.0));
        held.lock(&self.ready);
    }

    fn send_ready(&self, send: &mut impl FnMut(Leaving)) {
        loop {
            // Sending may take a while and run code of the application: no lock but that of the order is held.
            let Some(batch) = self.ready().batches.pop_front() else { return };
            send(batch);
        }
    }

    fn ready(&self) -> MutexGuard<'_, Ready> {
        let mut ready = lock(&self.ready);
        if ready.generation != generation() {
            *ready = Ready { generation: generation(), ..Ready::default() };
        }
        ready
    }
}

impl Open {
    #[inline]
    fn batch(&mut self, kind: TelemetryKind) -> (&mut Batch, &mut Ending) {
        let batch = if kind == TelemetryKind::Log { &mut self.logs } else { &mut self.metrics };
        (batch, &mut self.ending)
    }

    /// Tells whether there was anything to leave.
    #[inline]
    fn leave_to_parent(&mut self) -> bool {
        let is_parents = self.generation != generation();
        if is_parents {
            *self = Self { generation: generation(), closed: self.closed, ..Self::default() };
        }
        is_parents
    }
}

impl Ready {
    /// Adds a batch, and returns the one that has to go for it if the thread that sends does not get on.
    fn push(&mut self, batch: Option<Leaving>) -> Option<Telemetry> {
        let lost = if self.batches.len() >= MAX_READY { self.batches.pop_front() } else { None };
        self.batches.extend(batch);
        lost.map(|(batch, _)| batch)
    }
}

impl Batch {
    fn take(&mut self, kind: TelemetryKind) -> Option<Leaving> {
        let since = self.since.take()?;
        // The next one will be much the same.
        let is_full = self.records >= MAX_RECORDS || self.json.len() >= FULL;
        let room = if is_full { (self.json.len() + self.json.len() / 8).min(2 * FULL) } else { 0 };
        let json = mem::replace(&mut self.json, Vec::with_capacity(room));
        Some((Telemetry::batch(kind, json, mem::take(&mut self.records)), since))
    }
}

fn own_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    OWN.try_with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        own.get()
    })
    .unwrap_or(0)
        % SHARDS
}

#[cfg(test)]
#[path = "gathering_tests.rs"]
mod tests;
