//! What the capturing threads and the worker share, seen from the capturing threads.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sentry_core::client_report::Recorder;
use sentry_core::options::FloodControl;
use sentry_core::protocol::client_report::Reason;
use sentry_core::{Outbound, clock, diagnostics};

use super::epochs::{Epochs, Ticket};
use super::lanes::{Lanes, MAX_ITEMS};
use super::thread;
use super::wake::Bell;
use crate::driver::Runtime;
use crate::rate_limit::Limits;
use crate::sender::{Deadline, Sender, watched};
use crate::wire::Wire;

/// After the deadline of a close the worker needs a moment to count what is left; within the 50 ms we promise.
const GRACE: Duration = Duration::from_millis(25);

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
    /// How many errors may leave.
    pub(crate) flood_control: FloodControl,
    /// Whether the client is told that the queue cannot keep up.
    pub(crate) backpressure: bool,
}

/// One queue with its worker.
pub(crate) struct Shared {
    pub(super) setup: Arc<Setup>,
    pub(super) sender: Arc<dyn Sender>,
    pub(super) recorder: Recorder,
    pub(super) state: Mutex<State>,
    /// Rung when an epoch ends or the worker does.
    pub(super) progress: Condvar,
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
    /// Counts flushes and closes, so that the worker sees one that came before it armed the bell.
    pub(super) control: u64,
    /// Counts items, likewise.
    pub(super) accepted: u64,
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
}

/// An item in its lane.
pub(super) struct Accepted {
    pub(super) outbound: Outbound,
    pub(super) epoch: u64,
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
    fn new(now: Instant, timeout: Duration) -> Self {
        let deadline = Deadline::after(now, timeout).instant();
        let reserve = (timeout / 4).min(Duration::from_millis(250));
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
            accepted: 0,
            hurry: false,
            waiting: 0,
            failing: false,
            abandoned: false,
            overflowed: false,
        };
        let sender = watched((setup.make_sender)(), &recorder);
        Arc::new(Self { setup, sender, recorder, state: Mutex::new(state), progress: Condvar::new() })
    }

    /// Obeys what the server has told the parent of this process, if that can be known.
    pub(super) fn adopt_limits(&self, parent: &Self) {
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
        let mut state = self.lock();
        if let Some(reason) = self.refusal(&mut state, &outbound) {
            drop(state);
            self.recorder.count_dropped(1);
            let quiet = self.recorder.is_empty();
            self.recorder.record_loss(&outbound.losses()[..], reason);
            // An idle worker sleeps without an alarm: the first loss in a row sets one.
            if quiet && reason == Reason::RatelimitBackoff && !self.recorder.is_empty() {
                drop(self.ring(self.lock()));
            }
            return;
        }
        let epoch = state.epochs.accept();
        state.accepted += 1;
        let shed = state.lanes.push(lane, size, Accepted { outbound, epoch });
        for lost in &shed {
            self.answered(&mut state, lost.epoch, 1);
        }
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
        let state = self.ring(state);
        let (mut state, _) = self.wait(state, deadline, |state| state.epochs.is_done(ticket));
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
        state.closing = Some(Closing::new(now, timeout));
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
        let (mut state, stopped) = self.wait(state, deadline, |state| state.worker == Status::Stopped);
        let reason = if state.failing { Reason::NetworkError } else { Reason::QueueOverflow };
        // A worker that is stuck in the middle of an item counts that one when it gets free.
        let left = if stopped { Vec::new() } else { self.take_all(&mut state) };
        state.abandoned |= !left.is_empty();
        let complete = !state.abandoned && state.epochs.is_done(ticket);
        drop(state);
        self.count_lost(&left, reason);
        complete
    }

    /// Ends the worker without waiting for it: what is queued may still go out in the background.
    pub(crate) fn detach(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.closing.is_some() {
            return;
        }
        state.closing = Some(Closing::new(clock::instant(), BACKGROUND));
        if self.is_idle(&state) {
            if state.worker != Status::Running {
                state.worker = Status::Stopped;
            }
        } else {
            self.request_report(&mut state);
            state.hurry = true;
        }
        drop(self.ring(state));
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
            match outbound.is_telemetry() {
                // By number or by bytes: each stops it.
                true => state.limits.stop_any(&losses, now),
                false => state.limits.stop_all(&losses, now),
            }
        };
        (state.limited && stops()).then_some(Reason::RatelimitBackoff)
    }

    /// Whether a flush would return at once.
    pub(crate) fn is_quiet(&self) -> bool {
        self.is_idle(&self.lock())
    }

    fn is_idle(&self, state: &State) -> bool {
        state.epochs.is_idle() && self.recorder.is_empty()
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
    fn ring<'s>(self: &'s Arc<Self>, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
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

    fn wait<'s>(
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

    pub(super) fn take_all(&self, state: &mut State) -> Vec<Accepted> {
        let left = state.lanes.drain();
        for item in &left {
            self.answered(state, item.epoch, 1);
        }
        left
    }

    pub(super) fn answered(&self, state: &mut State, epoch: u64, items: usize) {
        if state.epochs.answer(epoch, items) {
            self.progress.notify_all();
        }
    }

    pub(super) fn count_lost(&self, lost: &[Accepted], reason: Reason) {
        self.recorder.count_dropped(lost.len() as u64);
        for item in lost {
            self.recorder.record_loss(&item.outbound.losses()[..], reason);
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
    fn wants_worker(&mut self) -> bool {
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
