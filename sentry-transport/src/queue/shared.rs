//! What the capturing threads and the worker share, seen from the capturing threads.

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use sentry_core::client_report::Recorder;
use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::Reason;
use sentry_core::{Class, Durability, Outbound, OutboundItem, clock, diagnostics, process};

use super::attic::{Attic, Room};
use super::consent::Keeper;
use super::epochs::Epochs;
use super::lanes::{Lanes, MAX_ITEMS};
use super::setup::Setup;
use super::shelf::{How, Shelf};
use super::state::{Accepted, State, Status};
use super::thread;
use super::wake::Bell;
use crate::caught::caught;
use crate::rate_limit::Limits;
use crate::sender::{Deadline, Sender, watched};
use crate::spool::Marker;
use crate::store::EntryId;

/// One queue with its worker.
pub(crate) struct Shared {
    pub(crate) setup: Arc<Setup>,
    pub(super) sender: Arc<dyn Sender>,
    pub(super) recorder: Recorder,
    pub(super) shelf: Shelf,
    /// Where attachments wait.
    pub(super) attic: Attic,
    /// What was written to the store by a thread that panicked, still to be dropped.
    written: Mutex<Option<Envelope>>,
    /// Notes of crashes.
    pub(super) marker: Marker,
    /// What the user has said, on disk.
    pub(super) keeper: Keeper,
    pub(super) state: Mutex<State>,
    /// Where the store keeps last words.
    pub(super) last_words: Mutex<Option<EntryId>>,
    /// Rung when an epoch ends or the worker does.
    pub(super) progress: Condvar,
    /// How often the worker has looked whether there is anything to do.
    #[cfg(test)]
    pub(crate) looks: std::sync::atomic::AtomicU64,
}

impl Shared {
    /// An empty queue; no thread is started for it.
    pub(crate) fn new(setup: Arc<Setup>, recorder: Recorder) -> Arc<Self> {
        let state = State {
            lanes: Lanes::new(setup.errors.unwrap_or(MAX_ITEMS)),
            epochs: Epochs::new(),
            reports: VecDeque::new(),
            limits: Limits::default(),
            limited: false,
            worker: Status::None,
            closing: None,
            bell: Bell::default(),
            control: 0,
            settled: 0,
            accepted: 0,
            unanswered: 0,
            hurry: false,
            waiting: 0,
            failing: false,
            abandoned: false,
            overflowed: false,
            last_words: None,
            crashes_first: None,
            gather_at: None,
        };
        let sender = watched((setup.make_sender)(), &recorder);
        let shelf = Shelf::new(recorder.clone(), setup.gate.clone());
        let marker = Marker::new(setup.home.as_deref());
        let attic = Attic::new(setup.home.clone());
        let keeper = Keeper::new(setup.gate.clone(), setup.home.as_deref().and_then(Path::parent));
        let shared = Arc::new(Self {
            setup,
            sender,
            recorder,
            shelf,
            attic,
            written: Mutex::new(None),
            marker,
            keeper,
            state: Mutex::new(state),
            last_words: Mutex::new(None),
            progress: Condvar::new(),
            #[cfg(test)]
            looks: std::sync::atomic::AtomicU64::new(0),
        });
        shared.listen_for_losses();
        shared
    }

    /// An idle worker sleeps without an alarm: the first loss in a row, wherever it comes from, sets one.
    fn listen_for_losses(self: &Arc<Self>) {
        let (shared, own) = (Arc::downgrade(self), process::generation());
        self.recorder.set_on_pending(Arc::new(move || {
            // A child that has sent nothing yet is not served by this one.
            if process::generation() == own
                && let Some(shared) = shared.upgrade()
            {
                shared.has_losses();
            }
        }));
    }

    /// There is something to report. That alone starts no worker.
    fn has_losses(&self) {
        let mut state = self.lock();
        state.control += 1;
        let waker = state.bell.for_control();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Obeys what the server has told the parent of this process, if that can be known.
    pub(super) fn adopt_limits(&self, parent: &Self) {
        self.marker.inherit(&parent.marker);
        // Whoever held this lock at the fork holds it for ever, as far as this process can see.
        if let Ok(parent) = parent.state.try_lock() {
            let mut state = self.lock();
            state.limits = parent.limits.clone();
            state.limited = parent.limited;
        }
    }

    /// Takes an item, or counts it as lost. Never waits.
    pub(crate) fn push(self: &Arc<Self>, mut outbound: Outbound) {
        let items = outbound.items();
        self.recorder.count_accepted(items as u64);
        if self.setup.gate.is_refused() {
            self.recorder.count_dropped(items as u64);
            self.recorder.record_loss(&outbound.losses()[..], Reason::NoConsent);
            return;
        }
        let kept = self.write_ahead(&outbound);
        self.note_crash(&outbound);
        let room = self.make_room(&mut outbound);
        let (lane, size) = (outbound.lane(), outbound.size_hint());
        let mut state = self.lock();
        if let Some(reason) = self.refusal(&mut state, &outbound) {
            drop(state);
            if let Some(id) = kept {
                return self.leave_to_the_store(id, reason == Reason::RatelimitBackoff);
            }
            self.recorder.count_dropped(items as u64);
            self.recorder.record_loss(&outbound.losses()[..], reason);
            return;
        }
        let epoch = state.epochs.accept_all(items);
        state.accepted += 1;
        state.unanswered += items as u64;
        let was_overflowing = state.lanes.is_overflowing();
        let shed = state.lanes.push(lane, size, Accepted { outbound, epoch, kept, room });
        state.overflowed |= !shed.is_empty();
        let start = state.wants_worker();
        let waker = state.bell.for_data();
        drop(state);

        if let Some(waker) = waker {
            waker.wake();
        }
        if start {
            thread::start(self);
        }
        if !shed.is_empty() {
            if !was_overflowing {
                self.tell("queue full", || "the queue is full: items are dropped and counted".into());
            }
            self.count_lost(&shed, Reason::QueueOverflow);
        }
    }

    /// Finds room for the attachments of an item that will be taken.
    fn make_room(&self, outbound: &mut Outbound) -> Option<Room> {
        // A thread that is about to end has other things to do.
        if outbound.class() == Class::Fatal
            || !outbound.holds_attachments()
            || self.refusal(&mut self.lock(), outbound).is_some()
        {
            return None;
        }
        let (room, lost) = self.attic.admit(outbound);
        if !lost.is_empty() {
            self.tell("attachments", || {
                "there is no room for attachments: they are dropped and counted".into()
            });
            self.recorder.record_loss(&lost[..], Reason::QueueOverflow);
        }
        room
    }

    /// Puts into the store what has to survive the process, before anything else is done with it.
    fn write_ahead(&self, outbound: &Outbound) -> Option<EntryId> {
        if outbound.durability() == Durability::Memory || self.setup.open_store.is_none() {
            return None;
        }
        self.shelf.open(self.setup.open_store.as_ref());
        if !self.shelf.is_on() {
            return None;
        }
        // This thread panics, and may hold any lock. The copy that stays in memory is finished in peace.
        let mut unfinished = caught(|| outbound.unfinished()).flatten()?;
        let how = How { is_crash: true, is_held: true, durability: outbound.durability() };
        let kept = self.shelf.put(&mut unfinished, how);
        // Dropping it takes time that the worker has. One at most: it may be large.
        if let Ok(mut written) = self.written.try_lock()
            && written.is_none()
        {
            *written = Some(unfinished);
        }
        kept
    }

    /// Drops what a thread that panicked had no time for.
    pub(super) fn drop_written(&self) {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(written);
    }

    /// Nothing in memory stands for this entry any more.
    fn leave_to_the_store(&self, id: EntryId, is_unwanted: bool) {
        if is_unwanted {
            self.shelf.remove(id);
            self.recorder.count_limited(1);
        } else {
            self.shelf.give_back(id, clock::now());
            self.recorder.count_spooled(1);
        }
    }

    /// Starts the worker.
    pub(crate) fn wake(self: &Arc<Self>) {
        let start = self.lock().wants_worker();
        if start {
            thread::start(self);
        }
    }

    /// Why an item cannot be taken now.
    fn refusal(&self, state: &mut State, outbound: &Outbound) -> Option<Reason> {
        if state.closing.is_some() {
            return Some(Reason::QueueOverflow);
        }
        if !state.limited {
            return None;
        }
        let now = clock::instant();
        state.limited = !state.limits.is_empty(now);
        let stops = || {
            let losses = outbound.losses();
            match outbound.item() {
                // By number or by bytes: each stops it.
                OutboundItem::Telemetry(_) => state.limits.stop_any(&losses, now),
                OutboundItem::Envelope(_) => state.limits.stop_all(&losses, now),
                // Attachments fall with their event, and spans with their transaction.
                _ => state.limits.stop_all(&losses[..losses.len().min(1)], now),
            }
        };
        (state.limited && stops()).then_some(Reason::RatelimitBackoff)
    }

    /// Whether a flush would return at once.
    pub(crate) fn is_quiet(&self) -> bool {
        self.is_idle(&self.lock())
    }

    pub(super) fn is_idle(&self, state: &State) -> bool {
        state.epochs.is_idle() && state.last_words.is_none() && self.recorder.is_empty()
    }

    /// Tells the worker that there is something new, and starts it where it is missing.
    pub(super) fn ring<'s>(self: &'s Arc<Self>, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        state.control += 1;
        let start = !self.is_idle(&state) && state.wants_worker();
        let waker = state.bell.for_control();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        if start {
            thread::start(self);
        }
        self.lock()
    }

    pub(super) fn wait<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        deadline: Deadline,
        done: impl Fn(&State) -> bool,
    ) -> (MutexGuard<'s, State>, bool) {
        loop {
            // Without a worker there is nobody to wait for.
            if done(&state) || matches!(state.worker, Status::Stopped | Status::Failed(_)) {
                let done = done(&state);
                return (state, done);
            }
            let left = deadline.remaining(clock::instant());
            if left.is_zero() {
                return (state, false);
            }
            state = self.progress.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// As if no thread could be had.
    #[cfg(test)]
    pub(crate) fn fail_worker(&self) {
        self.lock().failed();
    }

    pub(super) fn take_all(&self) -> Vec<Accepted> {
        let mut state = self.lock();
        let left = state.lanes.drain();
        state.abandoned |= !left.is_empty();
        left
    }

    pub(super) fn answered(&self, state: &mut State, epoch: u64, items: usize) {
        if state.epochs.answer(epoch, items) {
            self.progress.notify_all();
        }
    }

    /// Counts, and answers then: whoever waits for the answers finds the books in order.
    pub(super) fn count_lost(&self, lost: &[Accepted], reason: Reason) {
        for item in lost {
            if let Some(id) = item.kept {
                self.leave_to_the_store(id, false);
                continue;
            }
            self.recorder.count_dropped(item.outbound.items() as u64);
            self.recorder.record_loss(&item.outbound.losses()[..], reason);
        }
        self.count_answered(lost);
    }

    /// Likewise, and nothing of it is left in the store.
    pub(super) fn count_gone(&self, gone: &[Accepted], reason: Reason) {
        for item in gone {
            self.recorder.count_dropped(item.outbound.items() as u64);
            self.recorder.record_loss(&item.outbound.losses()[..], reason);
        }
        if !gone.is_empty() {
            self.count_answered(gone);
        }
    }

    fn count_answered(&self, lost: &[Accepted]) {
        let mut state = self.lock();
        for item in lost {
            let items = item.outbound.items();
            state.unanswered = state.unanswered.saturating_sub(items as u64);
            self.answered(&mut state, item.epoch, items);
        }
    }

    /// The first failure of each kind is told, the last one of any kind is kept for whoever asks.
    pub(super) fn tell(&self, kind: &'static str, message: impl Fn() -> String) {
        self.recorder.set_last_error(&message());
        diagnostics::warn_once(kind, message);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Valid between any two statements of its holders, so a panic of one of them spoils nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("sender", &self.sender).finish_non_exhaustive()
    }
}
