//! What goes to the store, and what comes back.

use std::time::{Duration, Instant};

use sentry_core::clock;
use sentry_core::envelope::EnvelopeItem;

use super::super::answers::{Answers, Fate};
use super::super::attempt::Attempt;
use super::super::flights::Flights;
use super::super::inbox::Turn;
use super::super::shelf::How;
use super::{SILENCE, Worker};

/// Writes in a row: a flush or the end must not wait behind a long row of them.
const WRITES: usize = 32;

/// How often to look whether a limit is over.
const LIMITED: Duration = Duration::from_secs(1);

impl Worker {
    /// Opens the store, once the worker runs.
    pub(super) fn open_store(&self) {
        self.shared.shelf.open(self.shared.setup.open_store.as_ref());
    }

    /// With the host away, or the lanes crowded, what waits is better off on disk. Tells whether anything was written.
    pub(super) fn spill(&mut self, turn: &Turn, now: Instant) -> bool {
        let is_wanted = self.shared.shelf.is_on() && (self.gate.is_away() || self.shared.is_crowded());
        if !is_wanted || turn.closing.is_some() {
            return false;
        }
        let mut any = false;
        for _ in 0..WRITES {
            while let Some(attempt) = self.outbox.pop(now, |_| false) {
                any = true;
                if let Some(attempt) = self.keep(attempt) {
                    // The store refuses: back into memory, and no more of this.
                    self.outbox.push([attempt]);
                    return false;
                }
            }
            if !self.take_from_lanes(now, false) {
                break;
            }
        }
        any
    }

    /// During the end, with all requests under way and no answer to any: what waits is written while there is time. Tells
    /// whether anything was.
    pub(super) fn spill_in_silence(&mut self, turn: &Turn, now: Instant) -> bool {
        let is_silent = self.heard.is_some_and(|heard| now.saturating_duration_since(heard) >= SILENCE);
        if turn.closing.is_none() || !is_silent || !self.shared.shelf.is_on() {
            return false;
        }
        for _ in 0..WRITES {
            if !self.take_from_lanes(now, true) {
                return false;
            }
            while let Some(attempt) = self.outbox.pop(now, |_| false) {
                if let Some(attempt) = self.keep(attempt) {
                    self.outbox.push([attempt]);
                    return false;
                }
            }
        }
        true
    }

    /// Towards the end, what is under way is written as well: the process may be gone a moment after the deadline.
    pub(super) fn secure(&self, flights: &mut Flights<'_>) {
        if !self.shared.shelf.is_on() {
            return;
        }
        for attempt in flights.attempts().filter(|attempt| attempt.kept.is_none() && !attempt.is_report()) {
            let how = How { is_held: true, ..How::default() };
            let mut copy = attempt.envelope.clone();
            // The report in it is on the wire.
            copy.retain_items(|item| !matches!(item, EnvelopeItem::ClientReport(_)));
            attempt.kept = self.shared.shelf.put(&mut copy, how);
        }
    }

    /// The policy that keeps everything: into the store before the first try.
    pub(super) fn keep_first(&self, mut attempt: Attempt) -> Attempt {
        if self.shared.setup.keeps_all && attempt.tries == 0 && attempt.kept.is_none() && !attempt.is_report()
        {
            let how = How { is_held: true, ..How::default() };
            attempt.kept = self.shared.shelf.put(&mut attempt.envelope, how);
        }
        attempt
    }

    /// Puts an attempt into the store, to be tried from there. `Some`: it could not be.
    pub(super) fn keep(&self, mut attempt: Attempt) -> Option<Attempt> {
        if attempt.is_report() || !self.shared.shelf.is_on() {
            return Some(attempt);
        }
        match attempt.kept {
            Some(id) => {
                self.shared.shelf.take_reports(&mut attempt.envelope);
                self.shared.shelf.give_back(id, clock::now());
            }
            None if self.shared.shelf.put(&mut attempt.envelope, How::default()).is_none() => {
                return Some(attempt);
            }
            None => {}
        }
        self.shared.answer(&attempt.answers, Fate::Spooled);
        None
    }

    /// The next envelope of the store, when it is its turn: after everything fresh, not too often, and not while the
    /// server asks for a pause.
    pub(super) fn replay(&mut self, turn: &Turn, now: Instant) -> Option<Attempt> {
        if now < self.next_replay || !self.shared.shelf.is_on() || turn.closing.is_some() {
            return None;
        }
        if self.shared.is_limited(now) {
            self.next_replay = now + LIMITED;
            return None;
        }
        let Some((id, envelope)) = self.shared.shelf.next() else {
            if !self.shared.shelf.is_empty() {
                // There is something, and it may not be tried yet.
                self.next_replay = now + LIMITED;
            }
            return None;
        };
        self.next_replay = now + self.shared.setup.pace;
        Some(Attempt { kept: Some(id), ..Attempt::new(envelope, Answers::Kept) })
    }

    /// When to look into the store again.
    pub(super) fn next_replay(&self, turn: &Turn) -> Option<Instant> {
        let is_wanted = turn.closing.is_none() && self.shared.shelf.is_on() && !self.shared.shelf.is_empty();
        is_wanted.then_some(self.next_replay)
    }
}
