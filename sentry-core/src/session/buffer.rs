//! What there is to tell about sessions and need not be told at once.
//!
//! It goes with the next flush, or after a minute. A thread waits for that minute, and only while there is something to
//! wait for: servers have it, applications with one session do not.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::tally::Tally;
use super::{Session, Status};
use crate::client::WeakClient;
use crate::client_report::Recorder;
use crate::envelope::EnvelopeItem;
use crate::process::Held;
use crate::protocol::SessionAttributes;
use crate::protocol::client_report::{Category, Reason};
use crate::sync::{lock, try_lock};
use crate::{clock, diagnostics, process};

/// How long anything waits here.
const EVERY: Duration = Duration::from_secs(60);

/// Session items of one envelope (protocol.md 1.6), and how many wait for one.
const MAX_UPDATES: usize = 100;

/// Buckets that wait.
const MAX_BUCKETS: usize = 1_000;

/// Sessions of an application that run at once and end with its client.
const MAX_OPEN: usize = 64;

pub(crate) struct Buffer {
    recorder: Recorder,
    client: OnceLock<WeakClient>,
    waiting: Mutex<Waiting>,
    /// Something must go at once, or nothing will come any more.
    wake: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// Which process all of this belongs to.
    generation: u32,
    updates: Vec<EnvelopeItem>,
    tally: Tally,
    open: Vec<Weak<Session>>,
    has_thread: bool,
    is_closed: bool,
}

impl Buffer {
    pub(crate) fn new(recorder: Recorder) -> Self {
        Self {
            recorder,
            client: OnceLock::new(),
            waiting: Mutex::new(Waiting { generation: process::generation(), ..Waiting::default() }),
            wake: Condvar::new(),
        }
    }

    /// Names who sends what waits here.
    pub(crate) fn belongs_to(&self, client: WeakClient) {
        let _ = self.client.set(client);
    }

    /// Remembers a session that ends with the client.
    pub(super) fn watch(&self, session: &Arc<Session>) {
        let mut waiting = self.lock();
        waiting.open.retain(|open| open.strong_count() > 0);
        if waiting.open.len() < MAX_OPEN {
            waiting.open.push(Arc::downgrade(session));
        }
    }

    /// The sessions that end with the client.
    pub(crate) fn open(&self) -> Vec<Arc<Session>> {
        // Dropped by the caller, outside the lock: the last share ends a session, and that comes back here.
        self.lock().open.iter().filter_map(Weak::upgrade).collect()
    }

    /// Something to tell later.
    pub(super) fn put(self: &Arc<Self>, item: EnvelopeItem) {
        let mut waiting = self.lock();
        if waiting.is_closed || waiting.updates.len() >= MAX_UPDATES {
            drop(waiting);
            self.recorder.record(Reason::QueueOverflow, Category::Session, 1);
            return;
        }
        waiting.updates.push(item);
        let is_full = waiting.updates.len() >= MAX_UPDATES;
        self.send_later(waiting, is_full);
    }

    /// A session that is only counted.
    pub(super) fn count(
        self: &Arc<Self>,
        attributes: &SessionAttributes<'static>,
        started: SystemTime,
        distinct_id: Option<&str>,
        status: Status,
        errors: u64,
    ) {
        let mut waiting = self.lock();
        if waiting.is_closed || waiting.tally.len() >= MAX_BUCKETS {
            drop(waiting);
            self.recorder.record(Reason::QueueOverflow, Category::Session, 1);
            return;
        }
        waiting.tally.count(attributes, started, distinct_id, status, errors);
        let is_full = waiting.tally.len() >= MAX_UPDATES;
        self.send_later(waiting, is_full);
    }

    /// Everything that waits, in portions of one envelope each.
    pub(crate) fn drain(&self) -> Vec<Vec<EnvelopeItem>> {
        let mut waiting = self.lock();
        let updates = std::mem::take(&mut waiting.updates);
        let tally = std::mem::take(&mut waiting.tally);
        drop(waiting);
        let mut portions: Vec<_> = Vec::new();
        if !updates.is_empty() {
            portions.push(updates);
        }
        // Aggregates are large already: each has an envelope of its own.
        portions.extend(tally.items().into_iter().map(|item| vec![item]));
        portions
    }

    /// Nothing is taken any more: what comes now is counted as lost.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.wake.notify_all();
    }

    /// Whether nobody is changing it right now.
    pub(super) fn is_free(&self) -> bool {
        try_lock(&self.waiting).is_some()
    }

    /// For a fork.
    pub(crate) fn hold<'a>(&'a self, held: &mut Held<'a>) {
        held.lock(&self.waiting);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        let mut waiting = lock(&self.waiting);
        let generation = process::generation();
        if waiting.generation != generation {
            // The parent tells what was there, and the thread is the parent's.
            let is_closed = waiting.is_closed;
            *waiting = Waiting { generation, is_closed, ..Waiting::default() };
        }
        waiting
    }

    /// Sees to it that somebody sends what waits.
    fn send_later(self: &Arc<Self>, mut waiting: std::sync::MutexGuard<'_, Waiting>, is_full: bool) {
        if waiting.has_thread {
            drop(waiting);
            if is_full {
                self.wake.notify_all();
            }
            return;
        }
        waiting.has_thread = true;
        drop(waiting);
        let buffer = Arc::clone(self);
        let run = move || buffer.run();
        if thread::Builder::new().name("sentry-sessions".to_owned()).spawn(run).is_err() {
            // The next flush sends it, and the next session tries again.
            self.lock().has_thread = false;
            diagnostics::warn_once("session thread", || {
                "no thread can be started for sessions: they wait for the next flush".into()
            });
        }
    }

    /// The thread: waits its minute, sends, and ends when nothing is left.
    fn run(&self) {
        let mut deadline = clock::instant() + EVERY;
        loop {
            if !self.wait_until(deadline) {
                return;
            }
            let Some(client) = self.client.get().and_then(WeakClient::upgrade) else {
                self.lock().has_thread = false;
                return;
            };
            client.send_sessions();
            drop(client);
            let mut waiting = self.lock();
            if waiting.updates.is_empty() && waiting.tally.is_empty() {
                waiting.has_thread = false;
                return;
            }
            drop(waiting);
            deadline = clock::instant() + EVERY;
        }
    }

    /// Waits until something has to be sent. `false`: the client is closed.
    fn wait_until(&self, deadline: Instant) -> bool {
        let mut waiting = self.lock();
        loop {
            if waiting.is_closed {
                waiting.has_thread = false;
                return false;
            }
            let is_full = waiting.updates.len() >= MAX_UPDATES || waiting.tally.len() >= MAX_UPDATES;
            let left = deadline.saturating_duration_since(clock::instant());
            if is_full || left.is_zero() {
                return true;
            }
            waiting = self.wake.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").finish_non_exhaustive()
    }
}
