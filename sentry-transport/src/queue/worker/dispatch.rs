//! What to send next, and whether it may go.

use std::time::{Duration, Instant};

use super::super::attempt::Attempt;
use super::super::collector::Batch;
use super::super::flights::Flights;
use super::super::inbox::Turn;
use super::Worker;
use crate::sender::{Deadline, Sender};

/// The least speed we still wait for.
const SLOWEST_BYTES_PER_SECOND: u64 = 32 * 1024;

/// However large something is.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What may be under way at once, unless it is a single request: envelopes with attachments are large.
const MAX_BYTES_IN_FLIGHT: usize = 8 * 1024 * 1024;

/// How long loading symbols for one event may take.
pub(super) const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Items per turn that led to no request: answers must not wait behind a long row of them.
const TURN: usize = 64;

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// There is more to do at once.
    Busy,
    /// Every request that may be under way is.
    Full,
    /// The host is not to be bothered until then.
    Closed(Instant),
    /// The user has not consented.
    Barred,
    /// Nothing is left to start.
    Idle,
}

/// What there is to send.
enum Next {
    Attempt(Box<Attempt>),
    /// An item that came to nothing, or waits for others.
    Nothing,
    /// No item at all.
    Empty,
}

impl Worker {
    /// Starts requests until there is nothing to start, or no room.
    pub(super) fn dispatch<'s>(
        &mut self,
        sender: &'s dyn Sender,
        flights: &mut Flights<'s>,
        turn: &Turn,
        now: Instant,
        last_call: bool,
    ) -> Rest {
        for _ in 0..TURN {
            if self.shared.is_barred() {
                return self.hold(turn, now);
            }
            // The last report must not wait for requests that hang.
            let is_wide = flights.len() < self.gate.width(self.width.get()) + usize::from(last_call);
            if !is_wide || (!last_call && flights.bytes() >= MAX_BYTES_IN_FLIGHT) {
                let wrote = self.spill_in_silence(flights, turn, now) || self.keep_what_waits(turn, now);
                return if wrote { Rest::Busy } else { Rest::Full };
            }
            if let Some(opens) = self.gate.opens(self.has_fresh(turn), now) {
                let wrote = self.spill(flights, turn, now) || self.keep_what_waits(turn, now);
                return if wrote { Rest::Busy } else { Rest::Closed(opens) };
            }
            let is_last = last_call || (turn.closing.is_some() && flights.is_empty() && self.has_nothing());
            let attempt = match self.next(flights, turn, now, is_last) {
                Next::Attempt(attempt) => *attempt,
                Next::Nothing => continue,
                Next::Empty => return Rest::Idle,
            };
            let attempt = self.keep_first(attempt);
            let Some((attempt, request)) = self.pipeline.prepare(attempt, now) else { continue };
            let for_its_size = Duration::from_secs(request.length() / SLOWEST_BYTES_PER_SECOND).min(LONGEST);
            if self.shared.is_barred() {
                self.outbox.push([attempt]);
                continue;
            }
            let patience = self.shared.setup.request_timeout.saturating_add(for_its_size);
            let mut deadline = Deadline::after(now, patience);
            if let Some(closing) = turn.closing {
                deadline = deadline.min(closing.deadline.into());
            }
            if let Some(id) = attempt.kept.filter(|_| attempt.is_replayed()) {
                // A process that is killed while the server is slow says nothing about what was on the wire.
                self.shared.shelf.survived(id);
            }
            flights.start(sender, attempt, request, (now, deadline, self.shared.setup.request_timeout));
        }
        Rest::Busy
    }

    /// The next thing to send: what waits here, then the lanes, then a client report.
    fn next(&mut self, flights: &Flights<'_>, turn: &Turn, now: Instant, is_last: bool) -> Next {
        let due = self.collector.due(now);
        self.push_batches(due);
        if let Some(attempt) = self.outbox.pop(now, |key| flights.has_order(key)) {
            return Next::Attempt(Box::new(attempt));
        }
        if !self.outbox.is_full() && self.take_from_lanes(now, false) {
            return Next::Nothing;
        }
        if turn.is_waited_for && !self.collector.is_empty() {
            self.push_collected();
            return Next::Nothing;
        }
        if !self.outbox.is_full()
            && let Some(attempt) = self.replay(turn, now)
        {
            if !attempt.is_check_in() {
                return Next::Attempt(Box::new(attempt));
            }
            // Not before what it follows has been answered. Reading it has ended no process, whatever happens while it waits.
            let id = attempt.kept;
            self.outbox.push([attempt]);
            return match self.outbox.pop(now, |key| flights.has_order(key)) {
                Some(attempt) => Next::Attempt(Box::new(attempt)),
                None => {
                    id.into_iter().for_each(|id| self.shared.shelf.survived(id));
                    Next::Nothing
                }
            };
        }
        if let Some(epoch) = self.shared.pop_report(is_last) {
            return Next::Attempt(Box::new(self.report(epoch, now)));
        }
        if turn.closing.is_none() && now >= self.next_report && !self.shared.recorder.is_empty() {
            let epoch = self.shared.accept_report();
            return Next::Attempt(Box::new(self.report(epoch, now)));
        }
        Next::Empty
    }

    /// Moves what comes next in the lanes to the outbox or the collector. Tells whether there was anything. When it is
    /// late, no symbols are loaded for it.
    pub(super) fn take_from_lanes(&mut self, now: Instant, is_late: bool) -> bool {
        let run = self.shared.pop();
        let any = !run.is_empty();
        for item in run {
            match item.outbound.into_telemetry() {
                Ok(record) => {
                    let full = self.collector.add(record, item.epoch, now);
                    self.push_batches(full);
                }
                Err(outbound) => {
                    if item.kept.is_some() {
                        self.shared.drop_written();
                    }
                    let deadline = if is_late { now } else { now + RESOLVE_TIMEOUT };
                    self.outbox.push(self.pipeline.finish(
                        *outbound,
                        (item.epoch, item.kept),
                        (now, deadline),
                    ));
                    // What it takes from now on is charged to its request.
                    drop(item.room);
                }
            }
        }
        any
    }

    /// Sends on everything that waits for company.
    pub(super) fn push_collected(&mut self) {
        let batches = self.collector.drain();
        self.push_batches(batches);
    }

    pub(super) fn push_batches(&mut self, batches: impl IntoIterator<Item = Batch>) {
        self.outbox.push(batches.into_iter().filter_map(|batch| self.pipeline.finish_batch(batch)));
    }

    fn report(&mut self, epoch: u64, now: Instant) -> Attempt {
        self.next_report = now + self.shared.setup.report_interval;
        Attempt::report(epoch)
    }
}
