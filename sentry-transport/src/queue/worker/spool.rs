//! What goes to the store, and what comes back.

use std::time::{Duration, Instant};

use sentry_core::envelope::EnvelopeItem;
use sentry_core::{Durability, clock};

use super::super::answers::{Answers, Fate};
use super::super::attempt::Attempt;
use super::super::flights::Flights;
use super::super::inbox::Turn;
use super::super::shelf::{How, Stored};
use super::super::state::Closing;
use super::dispatch::RESOLVE_TIMEOUT;
use super::{SILENCE, Worker};
use crate::caught::caught;
use crate::store::Rank;

/// Writes in a row: a flush or the end must not wait behind a long row of them.
pub(super) const WRITES: usize = 32;

/// How often to look whether processes have died meanwhile that have left something.
const LOOK: Duration = Duration::from_secs(600);

/// How often to look whether a store that could not be opened can be.
pub(super) const REOPEN: Duration = Duration::from_secs(60);

/// Processes that may die of loading symbols for an envelope, or meanwhile; then it goes without.
const MAX_DEATHS: u8 = 2;

/// How often to look for a crash again that could not be sent, while somebody waits for it.
const FOR_CRASHES: Duration = Duration::from_millis(100);

/// How long a store that has refused something is not asked to take what waits.
const REFUSED: Duration = Duration::from_secs(5);

/// Envelopes that the store may refuse in a row before it is taken for one that takes nothing.
const UNWANTED: usize = 4;

/// How often to look whether a limit is over.
const LIMITED: Duration = Duration::from_secs(1);

impl Worker {
    /// Opens the store, once the worker runs.
    pub(super) fn open_store(&self) {
        if self.shared.setup.gate.is_refused() {
            return;
        }
        self.shared.shelf.open(self.shared.setup.open_store.as_ref());
        if self.shared.shelf.is_on() {
            self.shared.marker.prepare();
        }
    }

    /// Looks after the store from time to time, whatever else there is to do.
    pub(super) fn look_after_store(&mut self, turn: &Turn, now: Instant) {
        if now < self.next_look || self.next_look(turn).is_none() {
            return;
        }
        if self.shared.setup.gate.is_refused() {
            // Somebody may have died before it could know.
            self.shared.purge();
        }
        self.open_store();
        self.shared.shelf.tidy();
        self.next_look = now + if self.shared.shelf.is_on() { LOOK } else { REOPEN };
    }

    pub(super) fn next_look(&self, turn: &Turn) -> Option<Instant> {
        let is_wanted = self.shared.setup.open_store.is_some() && turn.closing.is_none();
        is_wanted.then_some(self.next_look)
    }

    /// With the host away, or the lanes crowded, what waits is better off on disk. Tells whether anything was written.
    pub(super) fn spill(&mut self, flights: &Flights<'_>, turn: &Turn, now: Instant) -> bool {
        let is_wanted = self.shared.shelf.is_on() && (self.gate.is_away() || self.shared.is_crowded());
        if !is_wanted || turn.closing.is_some() {
            return false;
        }
        let mut any = false;
        for _ in 0..WRITES {
            // What follows something under way is written after it.
            while let Some(attempt) = self.outbox.pop(now, |key| flights.has_check_in(key)) {
                any = true;
                if let Some(attempt) = self.keep(attempt) {
                    // The store refuses: back into memory, and no more of this.
                    self.outbox.put_back(attempt);
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
    pub(super) fn spill_in_silence(&mut self, flights: &Flights<'_>, turn: &Turn, now: Instant) -> bool {
        let is_silent = self.heard.is_some_and(|heard| now.saturating_duration_since(heard) >= SILENCE);
        if turn.closing.is_none() || !is_silent || !self.shared.shelf.is_on() {
            return false;
        }
        for _ in 0..WRITES {
            if !self.take_from_lanes(now, true) {
                return false;
            }
            while let Some(attempt) = self.outbox.pop(now, |key| flights.has_check_in(key)) {
                if let Some(attempt) = self.keep(attempt) {
                    self.outbox.put_back(attempt);
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
            let how = how(attempt, true);
            let mut copy = attempt.envelope.clone();
            // The report in it is on the wire.
            copy.retain_items(|item| !matches!(item, EnvelopeItem::ClientReport(_)));
            attempt.kept = self.shared.shelf.put(&mut copy, how);
        }
    }

    /// The policy that keeps everything, and crashes that could not be stored before callbacks had seen them: into the store
    /// before the first try.
    pub(super) fn keep_first(&self, mut attempt: Attempt) -> Attempt {
        let is_wanted = self.shared.setup.keeps_all || attempt.durability > Durability::Memory;
        if is_wanted && attempt.tries == 0 && attempt.kept.is_none() && !attempt.is_report() {
            let how = how(&attempt, true);
            if let Some(stored) = self.shared.shelf.write(&mut attempt.envelope, how) {
                (attempt.kept, attempt.encoded) = (Some(stored.id), stored.encoded);
            }
        }
        attempt
    }

    /// The same for what has to wait until a request is answered, or the server may be asked again: nothing stays in memory
    /// alone. What comes first stays at hand; the rest is sent from the store as soon as there is room for a request, without
    /// a pause. Tells whether anything was written.
    pub(super) fn keep_what_waits(&mut self, turn: &Turn, now: Instant) -> bool {
        if !self.keeps_what_waits(turn, now) {
            return false;
        }
        let due = self.collector.due(now);
        self.push_batches(due);
        let mut refused = Vec::new();
        let wrote = self.keep_all_that_waits(&mut refused, now);
        refused.into_iter().for_each(|attempt| self.outbox.put_back(attempt));
        wrote
    }

    fn keep_all_that_waits(&mut self, refused: &mut Vec<Attempt>, now: Instant) -> bool {
        let mut any = false;
        for _ in 0..WRITES {
            while let Some(attempt) = self.outbox.pop_from_memory(now) {
                let Some(attempt) = self.keep_at_hand(attempt) else {
                    any = true;
                    continue;
                };
                let Some(attempt) = self.keep(attempt) else {
                    any = true;
                    if !self.gate.is_failing() {
                        self.unpaced = self.unpaced.saturating_add(1);
                    }
                    continue;
                };
                // It may be this one that the store does not want.
                let is_last = refused.len() >= UNWANTED || attempt.order.is_some();
                refused.push(attempt);
                if is_last {
                    // The rest stays in the lanes, which are bounded.
                    self.refused_until = Some(now + REFUSED);
                    return any;
                }
            }
            // Those that wait for one that could not be written are for memory, which the lanes bound.
            if self.outbox.has_followers() || !self.take_from_lanes(now, false) {
                return any;
            }
        }
        true
    }

    /// Whether what is captured is to be written now, whether or not it can be sent.
    pub(super) fn keeps_what_waits(&self, turn: &Turn, now: Instant) -> bool {
        self.wants_all_kept(turn) && self.refused_until.is_none_or(|until| until <= now)
    }

    fn wants_all_kept(&self, turn: &Turn) -> bool {
        self.shared.setup.keeps_all && self.shared.shelf.is_on() && turn.closing.is_none()
    }

    /// When there is something to write, though nothing is captured and nothing may be sent.
    pub(super) fn next_kept(&mut self, turn: &Turn, now: Instant) -> Option<Instant> {
        if !self.wants_all_kept(turn) {
            return None;
        }
        let until = self.refused_until.filter(|until| *until > now);
        until.or_else(|| self.collector.next_deadline())
    }

    /// Puts an attempt into the store and keeps it at hand as well. `Some`: there is no room for that, or it failed before.
    fn keep_at_hand(&mut self, mut attempt: Attempt) -> Option<Attempt> {
        let is_fresh = attempt.kept.is_none() && attempt.tries == 0 && !attempt.is_report();
        if !is_fresh || !self.outbox.has_hands_free() || self.shared.setup.gate.is_refused() {
            return Some(attempt);
        }
        let how = how(&attempt, true);
        let Some(Stored { id, length, encoded }) = self.shared.shelf.write(&mut attempt.envelope, how) else {
            return Some(attempt);
        };
        // From here on it is what was read from there.
        self.shared.answer(&attempt.answers, Fate::Spooled);
        self.outbox.keep_at_hand(Attempt {
            kept: Some(id),
            answers: Answers::Kept,
            bytes: length,
            encoded,
            ..attempt
        });
        None
    }

    /// Puts an attempt into the store, to be tried from there. `Some`: it could not be.
    pub(super) fn keep(&self, mut attempt: Attempt) -> Option<Attempt> {
        if attempt.is_report() || !self.shared.shelf.is_on() || self.shared.setup.gate.is_refused() {
            return Some(attempt);
        }
        match attempt.kept {
            Some(id) => {
                self.shared.shelf.take_reports(&mut attempt.envelope);
                self.shared.shelf.give_back(id, clock::now());
            }
            None => {
                let how = how(&attempt, false);
                if self.shared.shelf.put(&mut attempt.envelope, how).is_none() {
                    return Some(attempt);
                }
            }
        }
        self.shared.answer(&attempt.answers, Fate::Spooled);
        None
    }

    /// The next envelope of the store, when it is its turn: after everything fresh, not too often, and not while the
    /// server asks for a pause.
    pub(super) fn replay(&mut self, turn: &Turn, now: Instant) -> Option<Attempt> {
        let may_replay = turn.closing.is_none_or(|closing| now < closing.drains_until);
        if now < self.next_replay || !may_replay || !self.shared.shelf.is_on() {
            return None;
        }
        if self.shared.is_limited(now) {
            self.next_replay = now + LIMITED;
            return None;
        }
        let Some((entry, envelope)) = self.shared.shelf.next() else {
            if !self.shared.shelf.is_empty() {
                // There is something, and it may not be tried yet.
                self.next_replay = now + LIMITED;
            } else {
                // Some of it may be gone for other reasons than an answer.
                self.unpaced = 0;
            }
            return None;
        };
        let id = entry.id;
        if turn.is_for_crashes && entry.rank != Rank::Crash {
            // Only crashes as long as somebody waits for them: whatever else were under way when this process dies would be
            // taken for the reason.
            self.shared.shelf.give_back(id, clock::now());
            self.next_replay = now + FOR_CRASHES;
            return None;
        }
        let is_unpaced = turn.is_for_crashes || turn.closing.is_some() || self.unpaced > 0;
        self.unpaced = self.unpaced.saturating_sub(1);
        self.next_replay = if is_unpaced { now } else { now + self.shared.setup.pace };
        self.pipeline.uses_symbols(now);
        // Loading symbols takes long. Programs that are gone before that is done still get their crashes sent.
        let patience = if entry.deaths < MAX_DEATHS { RESOLVE_TIMEOUT } else { Duration::ZERO };
        let revived = caught(|| self.shared.setup.revival.revive(envelope.clone(), now + patience));
        // As it was stored, if that came to a panic.
        let envelope = revived.unwrap_or(envelope);
        if envelope.is_empty() {
            // A callback has dropped it, and counted it.
            self.shared.shelf.remove(id);
            self.next_replay = now;
            return None;
        }
        Some(Attempt {
            kept: Some(id),
            is_extra: turn.closing.is_some(),
            durability: if entry.rank == Rank::Crash { Durability::Process } else { Durability::Memory },
            ..Attempt::new(envelope, Answers::Kept)
        })
    }

    /// Somebody waits for the crashes in the store: tells them when there is none, or none that may be sent.
    pub(super) fn watch_crashes(&self, turn: &Turn, now: Instant) {
        if turn.is_for_crashes
            && (!self.shared.shelf.has_crashes()
                || self.shared.is_limited(now)
                || self.shared.is_barred()
                || self.gate.is_failing())
        {
            self.shared.has_sent_crashes();
        }
    }

    /// Whether the end may still take something from the store.
    pub(super) fn drains(&self, closing: Closing, now: Instant) -> bool {
        let may_send = !self.refused && self.gate.opens(false, now).is_none() && !self.shared.is_barred();
        may_send
            && now < closing.drains_until.min(closing.last_start)
            && now >= self.next_replay
            && self.shared.shelf.is_on()
            && !self.shared.shelf.is_empty()
    }

    /// When to look into the store again.
    pub(super) fn next_replay(&self, turn: &Turn) -> Option<Instant> {
        let is_wanted = turn.closing.is_none() && self.shared.shelf.is_on() && !self.shared.shelf.is_empty();
        is_wanted.then_some(self.next_replay)
    }
}

/// A crash stays one, whenever it is written.
fn how(attempt: &Attempt, is_held: bool) -> How {
    let durability = attempt.durability;
    How { is_crash: durability > Durability::Memory, is_held, durability }
}
