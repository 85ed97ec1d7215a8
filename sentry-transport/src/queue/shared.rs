//! What the capturing threads and the worker share, seen from the capturing threads.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sentry_core::client_report::Recorder;
use sentry_core::options::FloodControl;
use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::Reason;
use sentry_core::{ConsentGate, Durability, Outbound, OutboundItem, Revival, clock, diagnostics, process};

use super::consent::Keeper;
use super::epochs::{Epochs, Ticket};
use super::lanes::{Lanes, MAX_ITEMS};
use super::shelf::{How, OpenStore, Shelf};
use super::thread;
use super::wake::Bell;
use crate::caught::caught;
use crate::driver::Runtime;
use crate::rate_limit::Limits;
use crate::sender::{Deadline, Sender, watched};
use crate::spool::Marker;
use crate::store::EntryId;
use crate::wire::Wire;

/// After the deadline of a close the worker needs a moment to count what is left; within the 50 ms we promise.
const GRACE: Duration = Duration::from_millis(25);

/// What finishing and writing one item may cost; far less in a release build.
const WRITE_COST: Duration = Duration::from_millis(1);

/// How long a transport that was dropped without a close goes on in the background.
const BACKGROUND: Duration = Duration::from_secs(2);

/// How long to wait before trying again to start a worker that could not be started.
const RESTART: Duration = Duration::from_secs(5);

/// Reports that flushes have asked for; beyond this the oldest rides with the next.
const MAX_REPORTS: usize = 64;

/// Makes the way to the server: once for each process, as connections do not survive a fork.
pub(crate) type MakeSender = Box<dyn Fn() -> Arc<dyn Sender> + Send + Sync>;

/// What a worker is made from.
pub(crate) struct Setup {
    /// Makes the way to the server.
    pub(crate) make_sender: MakeSender,
    /// What the sender needs around it.
    pub(crate) runtime: Runtime,
    /// How long losses wait for an envelope to ride with.
    pub(crate) report_interval: Duration,
    /// What is the same in all requests.
    pub(crate) wire: Wire,
    /// The capacity of the error lane.
    pub(crate) errors: Option<usize>,
    /// How long one request may take, besides what its size asks for.
    pub(crate) request_timeout: Duration,
    /// How many requests may be under way at once, if not as many as the latency asks for.
    pub(crate) max_in_flight: Option<NonZeroUsize>,
    /// Opens the store, if there is to be one.
    pub(crate) open_store: Option<OpenStore>,
    /// Where the store is.
    pub(crate) home: Option<PathBuf>,
    /// Whether everything is put into the store before it is sent.
    pub(crate) keeps_all: bool,
    /// How far apart envelopes from the store are sent.
    pub(crate) pace: Duration,
    /// How many errors may leave.
    pub(crate) flood_control: FloodControl,
    /// Whether the client is told that the queue cannot keep up.
    pub(crate) backpressure: bool,
    /// Finishes what an earlier process has stored unfinished.
    pub(crate) revival: Revival,
    /// Whether anything may leave.
    pub(crate) gate: ConsentGate,
}

/// One queue with its worker.
pub(crate) struct Shared {
    pub(super) setup: Arc<Setup>,
    pub(super) sender: Arc<dyn Sender>,
    pub(super) recorder: Recorder,
    pub(super) shelf: Shelf,
    /// Notes of crashes.
    pub(super) marker: Marker,
    /// What the user has said, on disk.
    pub(super) keeper: Keeper,
    pub(super) state: Mutex<State>,
    /// Where the store keeps last words.
    last_words: Mutex<Option<EntryId>>,
    /// Rung when an epoch ends or the worker does.
    pub(super) progress: Condvar,
    /// How often the worker has looked whether there is anything to do.
    #[cfg(test)]
    pub(crate) looks: std::sync::atomic::AtomicU64,
}

pub(super) struct State {
    pub(super) lanes: Lanes<Accepted>,
    pub(super) epochs: Epochs,
    /// Client reports to be sent when everything before them is answered, by epoch.
    pub(super) reports: VecDeque<u64>,
    pub(super) limits: Limits,
    /// Whether a limit may be in force: spares the clock where none is.
    pub(super) limited: bool,
    pub(super) worker: Status,
    pub(super) closing: Option<Closing>,
    pub(super) bell: Bell,
    /// Counts flushes, closes and what else the worker has to know of, so that the worker sees one that came before it armed the bell.
    pub(super) control: u64,
    /// How much of that the worker had seen when it last found that nothing may leave, and had put away what it can.
    pub(super) settled: u64,
    /// Counts items, likewise.
    pub(super) accepted: u64,
    /// Items that nothing has become of yet.
    pub(super) unanswered: u64,
    /// Somebody has begun to wait: knock at a closed gate.
    pub(super) hurry: bool,
    /// How many wait for a flush.
    pub(super) waiting: usize,
    /// The last request got no answer.
    pub(super) failing: bool,
    /// Something was given up at the end.
    pub(super) abandoned: bool,
    /// Something did not fit since this was looked at last.
    pub(super) overflowed: bool,
    /// What a later process is to tell should this one vanish, as long as the store does not have it.
    pub(super) last_words: Option<Box<Envelope>>,
    /// Until then somebody waits for the crashes of earlier processes to be sent.
    pub(super) crashes_first: Option<Instant>,
}

/// An item in its lane.
pub(super) struct Accepted {
    pub(super) outbound: Outbound,
    pub(super) epoch: u64,
    /// It was put into the store when it was captured.
    pub(super) kept: Option<EntryId>,
}

/// Where the worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Not started: nothing was sent yet.
    None,
    /// Running.
    Running,
    /// Could not be started, or died; may be tried again at this time.
    Failed(Instant),
    /// Gone for good.
    Stopped,
}

/// The end, as a close has ordered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closing {
    /// Nothing is under way after this.
    pub(super) deadline: Instant,
    /// Nothing but the last client report is started after this.
    pub(super) last_start: Instant,
}

impl Closing {
    /// `to_write`: how many items would have to be written to the store if none could be sent any more.
    fn new(now: Instant, timeout: Duration, to_write: usize) -> Self {
        let deadline = Deadline::after(now, timeout).instant();
        let for_report = (timeout / 4).min(Duration::from_millis(250));
        let for_writing = WRITE_COST.saturating_mul(u32::try_from(to_write).unwrap_or(u32::MAX));
        let reserve = for_report.max(for_writing).min(timeout / 4 * 3);
        Self { deadline, last_start: deadline.checked_sub(reserve).unwrap_or(deadline) }
    }
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
        };
        let sender = watched((setup.make_sender)(), &recorder);
        let shelf = Shelf::new(recorder.clone(), setup.gate.clone());
        let marker = Marker::new(setup.home.as_deref());
        let keeper = Keeper::new(setup.gate.clone(), setup.home.as_deref().and_then(Path::parent));
        let shared = Arc::new(Self {
            setup,
            sender,
            recorder,
            shelf,
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
    pub(crate) fn push(self: &Arc<Self>, outbound: Outbound) {
        let (lane, size) = (outbound.lane(), outbound.size_hint());
        self.recorder.count_accepted(1);
        if self.setup.gate.is_refused() {
            self.recorder.count_dropped(1);
            self.recorder.record_loss(&outbound.losses()[..], Reason::NoConsent);
            return;
        }
        let kept = self.write_ahead(&outbound);
        self.note_crash(&outbound);
        let mut state = self.lock();
        if let Some(reason) = self.refusal(&mut state, &outbound) {
            drop(state);
            if let Some(id) = kept {
                return self.leave_to_the_store(id, reason == Reason::RatelimitBackoff);
            }
            self.recorder.count_dropped(1);
            self.recorder.record_loss(&outbound.losses()[..], reason);
            return;
        }
        let epoch = state.epochs.accept();
        state.accepted += 1;
        state.unanswered += 1;
        let shed = state.lanes.push(lane, size, Accepted { outbound, epoch, kept });
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
            self.tell("queue full", || "the queue is full: items are dropped and counted".into());
            self.count_lost(&shed, Reason::QueueOverflow);
        }
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
        let unfinished = caught(|| outbound.unfinished()).flatten();
        let how = How { is_crash: true, is_held: true, durability: outbound.durability() };
        self.shelf.put(&mut unfinished?, how)
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

    /// Leaves it to the worker to keep last words. They are forgotten at once: whatever is told next stands alone.
    pub(crate) fn set_last_words(self: &Arc<Self>, words: Option<Envelope>) {
        let Some(words) = words else { return self.forget_last_words() };
        let mut state = self.lock();
        if self.setup.open_store.is_none() || state.closing.is_some() || self.setup.gate.is_refused() {
            return;
        }
        let previous = state.last_words.replace(Box::new(words));
        let start = state.wants_worker();
        drop(self.ring(state));
        drop(previous);
        if start {
            thread::start(self);
        }
    }

    /// Forgets last words, those that the store keeps and those that nobody has kept yet.
    pub(super) fn forget_last_words(&self) {
        let mut kept = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.lock().last_words.take();
        drop(waiting);
        if let Some(id) = kept.take() {
            self.shelf.remove(id);
        }
    }

    /// Puts last words that are waiting into the store, in the place of those that are there. An entry that no living
    /// process may send: one that vanishes leaves it to whoever takes over.
    pub(super) fn keep_last_words(&self) {
        // Held meanwhile, or who forgets them would come between.
        let mut kept = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut words) = self.lock().last_words.take() else { return };
        // First the old: better nothing is told than two things.
        if let Some(id) = kept.take() {
            self.shelf.remove(id);
        }
        *kept = self.shelf.put(&mut words, How { is_held: true, ..How::default() });
    }

    /// Starts the worker.
    pub(crate) fn wake(self: &Arc<Self>) {
        let start = self.lock().wants_worker();
        if start {
            thread::start(self);
        }
    }

    /// Waits until everything accepted before is answered, at most until the deadline; tells whether it is.
    pub(crate) fn flush(self: &Arc<Self>, timeout: Duration) -> bool {
        let deadline = Deadline::after(clock::instant(), timeout);
        let mut state = self.lock();
        if state.worker == Status::Stopped || self.is_idle(&state) {
            return state.epochs.is_idle();
        }
        let ticket = self.request_report(&mut state);
        state.hurry = true;
        state.waiting += 1;
        let asked = state.control + 1;
        let state = self.ring(state);
        // What is held back will not be answered: nobody waits for it.
        let done = |state: &State| state.epochs.is_done(ticket) || state.settled >= asked;
        let (mut state, _) = self.wait(state, deadline, done);
        state.waiting = state.waiting.saturating_sub(1);
        state.epochs.is_done(ticket)
    }

    /// Sends what can be sent until the deadline, counts the rest and ends the worker. Tells whether nothing was given
    /// up. Does nothing the second time.
    pub(crate) fn close(self: &Arc<Self>, timeout: Duration) -> bool {
        let now = clock::instant();
        let mut state = self.lock();
        if state.closing.is_some() {
            return true;
        }
        state.closing = Some(Closing::new(now, timeout, self.to_write(&state)));
        if !std::thread::panicking() {
            // Whoever unwinds on the way out of `main` does not end in good order.
            self.marker.end();
        }
        if self.is_idle(&state) {
            if state.worker != Status::Running {
                state.worker = Status::Stopped;
            }
            drop(self.ring(state));
            return true;
        }
        let ticket = self.request_report(&mut state);
        state.hurry = true;
        let state = self.ring(state);

        let deadline = Deadline::after(now, timeout.saturating_add(GRACE));
        let (state, stopped) = self.wait(state, deadline, |state| state.worker == Status::Stopped);
        let reason = if state.failing { Reason::NetworkError } else { Reason::QueueOverflow };
        if stopped {
            return !state.abandoned && state.epochs.is_done(ticket);
        }
        drop(state);
        // A worker that is stuck in the middle of an item counts that one when it gets free.
        self.abandon(reason);
        let state = self.lock();
        !state.abandoned && state.epochs.is_done(ticket)
    }

    fn to_write(&self, state: &State) -> usize {
        if self.shelf.is_on() { state.lanes.len() } else { 0 }
    }

    /// Ends the worker without waiting for it: what is queued may still go out in the background.
    pub(crate) fn detach(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.closing.is_some() {
            return;
        }
        state.closing = Some(Closing::new(clock::instant(), BACKGROUND, self.to_write(&state)));
        if self.is_idle(&state) {
            if state.worker != Status::Running {
                state.worker = Status::Stopped;
            }
        } else {
            self.request_report(&mut state);
            state.hurry = true;
        }
        let state = self.ring(state);
        let has_worker = state.worker == Status::Running;
        drop(state);
        if !has_worker {
            self.abandon(Reason::QueueOverflow);
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

    fn is_idle(&self, state: &State) -> bool {
        state.epochs.is_idle() && state.last_words.is_none() && self.recorder.is_empty()
    }

    /// Ends the epoch with a client report, which goes out when everything else in it is answered.
    fn request_report(&self, state: &mut State) -> Ticket {
        // A second flush with nothing in between waits for the report of the first.
        let ticket = state.epochs.cut();
        if state.reports.back().is_some_and(|epoch| ticket.is_of(*epoch)) {
            return ticket;
        }
        if state.reports.len() >= MAX_REPORTS
            && let Some(epoch) = state.reports.pop_front()
        {
            self.answered(state, epoch, 1);
        }
        let epoch = state.epochs.accept();
        state.reports.push_back(epoch);
        state.epochs.cut()
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
            self.recorder.count_dropped(1);
            self.recorder.record_loss(&item.outbound.losses()[..], reason);
        }
        self.count_answered(lost);
    }

    /// Likewise, and nothing of it is left in the store.
    pub(super) fn count_gone(&self, gone: &[Accepted], reason: Reason) {
        for item in gone {
            self.recorder.count_dropped(1);
            self.recorder.record_loss(&item.outbound.losses()[..], reason);
        }
        if !gone.is_empty() {
            self.count_answered(gone);
        }
    }

    fn count_answered(&self, lost: &[Accepted]) {
        let mut state = self.lock();
        state.unanswered = state.unanswered.saturating_sub(lost.len() as u64);
        for item in lost {
            self.answered(&mut state, item.epoch, 1);
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

impl State {
    /// Whether a worker has to be started now; whoever is told so must start it.
    pub(super) fn wants_worker(&mut self) -> bool {
        let wanted = match self.worker {
            Status::None => true,
            Status::Failed(again) => clock::instant() >= again,
            Status::Running | Status::Stopped => false,
        };
        if wanted {
            self.worker = Status::Running;
        }
        wanted
    }

    /// Whether anything is in the lanes or a report is asked for.
    pub(super) fn has_work(&self) -> bool {
        !self.lanes.is_empty() || !self.reports.is_empty()
    }

    pub(super) fn failed(&mut self) {
        self.worker = Status::Failed(clock::instant() + RESTART);
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("wire", &self.wire).finish_non_exhaustive()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("sender", &self.sender).finish_non_exhaustive()
    }
}
