//! What the capturing threads and the worker share, seen from the worker.

use std::task::Waker;
use std::time::Instant;

use sentry_core::clock;
use sentry_core::protocol::client_report::Reason;

use super::answers::{Answers, Fate};
use super::shared::Shared;
use super::state::{Accepted, Closing};
use crate::rate_limit::Limits;
use crate::sender::Response;

/// Small items taken out at once: as many as fill a batch.
const MAX_RUN: usize = 100;

/// A queue that is filled to this share cannot keep up.
const FULL: f64 = 0.75;

/// What the worker needs to know at the start of a turn, read under one lock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// Whether the end has been ordered.
    pub(super) closing: Option<Closing>,
    /// How many items there have ever been.
    pub(super) accepted: u64,
    /// How many flushes and closes.
    pub(super) control: u64,
    /// Whether somebody has begun to wait since the last turn.
    pub(super) hurry: bool,
    /// Whether somebody waits, or the end has been ordered: batches go out as they are.
    pub(super) is_waited_for: bool,
    /// Whether anything is in the lanes or a report is asked for.
    pub(super) has_work: bool,
    /// Whether last words have changed.
    pub(super) has_last_words: bool,
    /// Whether somebody waits for the crashes in the store.
    pub(super) is_for_crashes: bool,
    /// When the records that wait in the client have waited long enough.
    pub(super) gather_at: Option<Instant>,
}

impl Shared {
    pub(super) fn turn(&self) -> Turn {
        #[cfg(test)]
        self.looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut state = self.lock();
        Turn {
            closing: state.closing,
            accepted: state.accepted,
            control: state.control,
            hurry: std::mem::take(&mut state.hurry),
            is_waited_for: state.waiting > 0 || state.closing.is_some(),
            has_work: state.has_work(),
            has_last_words: state.last_words.is_some(),
            is_for_crashes: state.crashes_first.is_some(),
            gather_at: state.gather_at,
        }
    }

    pub(super) fn has_work(&self) -> bool {
        self.lock().has_work()
    }

    /// The next item, or a run of small ones that will travel together.
    pub(super) fn pop(&self) -> Vec<Accepted> {
        let together = |item: &Accepted| if item.outbound.is_telemetry() { item.outbound.items() } else { 0 };
        self.lock().lanes.pop(together, MAX_RUN)
    }

    /// The epoch of a client report that is due: everything before it is answered, or it is now or never.
    pub(super) fn pop_report(&self, now_or_never: bool) -> Option<u64> {
        let mut state = self.lock();
        let epoch = *state.reports.front()?;
        if !now_or_never && !state.epochs.is_last_of(epoch) {
            return None;
        }
        state.reports.pop_front()
    }

    /// Accepts a client report that nobody asked for.
    pub(super) fn accept_report(&self) -> u64 {
        self.lock().epochs.accept()
    }

    /// Tells what became of items. What is lost has been counted in its category already.
    pub(super) fn answer(&self, answers: &Answers, fate: Fate) {
        let items = answers.items();
        match fate {
            Fate::Delivered(bytes) => self.recorder.count_delivered(items, bytes as u64),
            Fate::Limited => self.recorder.count_limited(items),
            Fate::Spooled => self.recorder.count_spooled(items),
            Fate::Dropped => self.recorder.count_dropped(items),
        }
        let mut state = self.lock();
        state.unanswered = state.unanswered.saturating_sub(items);
        for (epoch, items) in answers.by_epoch() {
            self.answered(&mut state, epoch, items);
        }
    }

    /// The limits in force, if any.
    pub(super) fn limits(&self, now: Instant) -> Option<Limits> {
        let state = self.lock();
        (state.limited && !state.limits.is_empty(now)).then(|| state.limits.clone())
    }

    pub(super) fn learn(&self, response: &Response, now: Instant) {
        // Nearly no answer says anything about limits: no lock for those.
        if response.status() != 429 && response.header("x-sentry-rate-limits").is_none() {
            return;
        }
        let mut state = self.lock();
        state.limited |= state.limits.learn(response, now, clock::now());
    }

    pub(super) fn set_failing(&self, failing: bool) {
        self.lock().failing = failing;
    }

    /// Counts everything that waits as lost.
    pub(super) fn abandon(&self, reason: Reason) {
        let left = self.take_all();
        self.count_lost(&left, reason);
    }

    /// Whether so much is waiting that it would be better off on disk.
    pub(super) fn is_crowded(&self) -> bool {
        self.lock().lanes.fill() >= FULL
    }

    /// Whether the server limits anything at the moment.
    pub(super) fn is_limited(&self, now: Instant) -> bool {
        let state = self.lock();
        state.limited && !state.limits.is_empty(now)
    }

    /// Whether everything can be taken: nothing was shed since the last call, and the server asks for no pause.
    pub(super) fn is_healthy(&self, now: Instant) -> bool {
        let mut state = self.lock();
        let limited = state.limited && !state.limits.is_empty(now);
        let overflowed = std::mem::take(&mut state.overflowed);
        !overflowed && !limited && state.lanes.fill() < FULL
    }

    pub(super) fn set_abandoned(&self) {
        self.lock().abandoned = true;
    }

    /// Whether there is something new since `turn`; if not, the next one rings `waker`.
    pub(super) fn poll_news(&self, waker: &Waker, turn: &Turn, for_data: bool) -> bool {
        #[cfg(test)]
        self.looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut state = self.lock();
        if state.control != turn.control || (for_data && state.accepted != turn.accepted) {
            return true;
        }
        state.bell.arm(waker, for_data);
        false
    }
}
