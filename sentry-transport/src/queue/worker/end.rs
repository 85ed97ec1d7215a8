//! The end, as a close has ordered it.

use std::time::Instant;

use sentry_core::clock;
use sentry_core::protocol::client_report::Reason;

use super::super::answers::{Answers, Fate};
use super::super::attempt::Attempt;
use super::super::flights::Flights;
use super::super::inbox::Turn;
use super::super::state::Closing;
use super::Worker;

impl Worker {
    /// Whether nothing can or may be done any more.
    pub(super) fn is_over(&self, closing: Closing, flights: &Flights<'_>, turn: &Turn, now: Instant) -> bool {
        let is_done = self.has_nothing() && !turn.has_work && !self.drains(closing, now);
        // What earlier processes have left can be left again.
        let can_wait = flights.is_empty() || (now >= closing.drains_until && flights.are_all_extra());
        now >= closing.deadline || (is_done && can_wait)
    }

    /// Towards the end: gives everything up that will not go out any more. Tells whether only the last client report is
    /// still to be sent.
    pub(super) fn give_up_if_hopeless(
        &mut self,
        flights: &Flights<'_>,
        closing: Closing,
        now: Instant,
    ) -> bool {
        let closed = self.gate.opens(true, now).is_some_and(|opens| opens >= closing.last_start);
        let barred = self.shared.is_barred();
        if !barred && !self.refused && !closed && now < closing.last_start {
            // What must not be tried again before the end.
            for attempt in self.outbox.take_late(closing.last_start) {
                self.abandon(attempt, Reason::SendError);
            }
            return false;
        }
        self.give_up(flights, Some(closing));
        if barred || self.refused || closed {
            while let Some(epoch) = self.shared.pop_report(true) {
                self.shared.answer(&Answers::Report(epoch), Fate::Dropped);
            }
        }
        true
    }

    /// Ends what is under way, and counts everything.
    pub(super) fn end(&mut self, flights: &mut Flights<'_>) {
        for attempt in flights.abort(clock::instant()) {
            self.abandon(attempt, Reason::NetworkError);
        }
        let closing = self.shared.turn().closing;
        self.give_up(flights, closing);
    }

    /// After a panic: counts everything on this side of the lanes.
    pub(super) fn fail(&mut self, flights: &mut Flights<'_>) {
        self.push_collected();
        let landed = std::mem::take(&mut self.landed).into_iter().map(|landing| landing.attempt);
        let waiting = self.outbox.take();
        for attempt in flights.abort(clock::instant()).into_iter().chain(landed).chain(waiting) {
            self.abandon(attempt, Reason::InternalSdkError);
        }
    }

    /// Counts everything that is not under way, and follows nothing that is.
    fn give_up(&mut self, flights: &Flights<'_>, closing: Option<Closing>) {
        let waited = match () {
            () if self.shared.is_barred() => Reason::NoConsent,
            () if self.refused || self.gate.is_failing() => Reason::NetworkError,
            () => Reason::QueueOverflow,
        };
        self.spill_lanes(flights, closing);
        self.push_collected();
        for attempt in self.outbox.take() {
            if attempt.order.is_some_and(|key| flights.has_check_in(key)) {
                self.outbox.push([attempt]);
                continue;
            }
            let reason = match attempt.tries {
                0 => waited,
                _ if attempt.unavailable > 0 => Reason::SendError,
                _ => Reason::NetworkError,
            };
            self.abandon(attempt, reason);
        }
        self.shared.abandon(waited);
    }

    /// With a store, what is still in the lanes is finished and kept, as far as the time allows.
    fn spill_lanes(&mut self, flights: &Flights<'_>, closing: Option<Closing>) {
        let Some(closing) = closing.filter(|_| self.shared.shelf.is_on()) else { return };
        loop {
            let now = clock::instant();
            if now >= closing.deadline || !self.take_from_lanes(now, true) {
                return;
            }
            while let Some(attempt) = self.outbox.pop(now, |key| flights.has_check_in(key)) {
                self.abandon(attempt, Reason::QueueOverflow);
            }
        }
    }

    /// Keeps an attempt for the next process, or counts it.
    fn abandon(&self, attempt: Attempt, reason: Reason) {
        if let Some(attempt) = self.keep(attempt) {
            self.shared.set_abandoned();
            self.lose(&attempt, reason);
        }
    }
}
