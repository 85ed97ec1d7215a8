//! The worker while nothing may leave.

use std::time::{Duration, Instant};

use sentry_core::ConsentState;
use sentry_core::protocol::client_report::Reason;

use super::super::answers::{Answers, Fate};
use super::super::inbox::Turn;
use super::Worker;
use super::dispatch::Rest;
use super::spool::WRITES;

/// How often to look for decisions of other processes.
const LOOK: Duration = Duration::from_secs(1);

/// The same while nothing else is to be done and the user is still to decide, as another process may have asked.
const UNDECIDED: Duration = Duration::from_secs(5);

/// The same when the user has said no: what is refused should cost nothing.
const REFUSED: Duration = Duration::from_secs(60);

impl Worker {
    /// At the start of a turn: what the user wants now.
    pub(super) fn obey(&mut self, now: Instant) {
        if now >= self.next_recall {
            self.next_recall = now + LOOK;
            self.shared.keeper.look();
        }
        let state = self.shared.setup.gate.state();
        if state == ConsentState::Revoked {
            if self.consent != state {
                self.shared.purge();
            }
            self.refuse_all();
        } else if self.consent != state {
            self.open_store();
            self.next_replay = now;
        }
        self.consent = state;
    }

    /// Instead of sending.
    pub(super) fn hold(&mut self, turn: &Turn, now: Instant) -> Rest {
        if self.shared.setup.gate.is_refused() {
            self.refuse_all();
        } else if self.put_away(turn, now) {
            return Rest::Busy;
        }
        // They would go with a request.
        while let Some(epoch) = self.shared.pop_report(true) {
            self.shared.answer(&Answers::Report(epoch), Fate::Dropped);
        }
        self.shared.has_settled(turn);
        Rest::Barred
    }

    /// When to look again although nothing has happened.
    pub(super) fn next_idle_look(&self) -> Option<Instant> {
        let idle = if self.shared.setup.gate.is_refused() { REFUSED } else { UNDECIDED };
        self.shared.keeper.has_place().then(|| self.next_recall + (idle - LOOK))
    }

    /// Counts everything on this side of the lanes, and what has come into them since they were emptied.
    fn refuse_all(&mut self) {
        self.shared.refuse_lanes();
        self.push_collected();
        for attempt in self.outbox.take() {
            self.lose(&attempt, Reason::NoConsent);
        }
    }

    /// Puts into the store what waits, if there is one. Tells whether there is more.
    fn put_away(&mut self, turn: &Turn, now: Instant) -> bool {
        if !self.shared.shelf.is_on() {
            return false;
        }
        let due = self.collector.due(now);
        self.push_batches(due);
        for _ in 0..WRITES {
            while let Some(attempt) = self.outbox.pop(now, |_| false) {
                if attempt.is_report() {
                    self.lose(&attempt, Reason::NetworkError);
                } else if let Some(attempt) = self.keep(attempt) {
                    // The store refuses: it stays in memory.
                    self.outbox.put_back(attempt);
                    return false;
                }
            }
            if self.take_from_lanes(now, false) {
                continue;
            }
            if !turn.is_waited_for || self.collector.is_empty() {
                return false;
            }
            self.push_collected();
        }
        true
    }
}
