//! The worker: one `async fn`, one turn after the other.
//!
//! A turn reads what is new, starts what may be started, and sleeps until an answer, a deadline or news. The decisions
//! are made elsewhere ([`Gate`], [`classify`], [`Limits`](crate::rate_limit::Limits)); the loop obeys them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use sentry_core::envelope::EnvelopeItem;
use sentry_core::protocol::client_report::Reason;
use sentry_core::{clock, diagnostics};

use super::MAX_IN_FLIGHT;
use super::attempt::Attempt;
use super::flights::{Flights, Landing};
use super::inbox::Turn;
use super::pipeline::Pipeline;
use super::shared::{Closing, Shared};
use crate::driver::Timer;
use crate::retry::{Gate, MAX_AMBIGUOUS, MAX_UNAVAILABLE, Outcome, classify};
use crate::sender::{BoxFuture, Deadline, Response, SendError, Sender};

/// How long a request may take, and the least speed we still wait for.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
const SLOWEST_BYTES_PER_SECOND: usize = 32 * 1024;

/// How many items may wait for another try. A proxy that answers now and then keeps the gate open, and what it refuses
/// must not pile up here: the lanes are bounded in bytes, this is not.
const MAX_WAITING: usize = 4 * MAX_IN_FLIGHT;

/// Items per turn that led to no request: answers must not wait behind a long row of them.
const TURN: usize = 64;

/// Everything the loop owns.
pub(super) struct Worker {
    shared: Arc<Shared>,
    pipeline: Pipeline,
    timer: Box<dyn Timer>,
    sleep: Option<(Instant, BoxFuture<'static, ()>)>,
    gate: Gate,
    /// Tried before and to be tried again; what was under way together may go a little over [`MAX_WAITING`].
    waiting: VecDeque<Attempt>,
    /// What had been accepted when the host last failed: later items are news.
    accepted_at_failure: u64,
    next_report: Instant,
    /// During the end: the host refused, so there is nothing left to hope for.
    refused: bool,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// There is more to do at once.
    Busy,
    /// Every request that may be under way is.
    Full,
    /// The host is not to be bothered until then.
    Closed(Instant),
    /// Nothing is left to start.
    Idle,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, timer: Box<dyn Timer>) -> Self {
        Self {
            pipeline: Pipeline::new(Arc::clone(&shared)),
            next_report: clock::instant() + shared.setup.report_interval,
            shared,
            timer,
            sleep: None,
            gate: Gate::default(),
            waiting: VecDeque::new(),
            accepted_at_failure: 0,
            refused: false,
        }
    }

    /// Works until the end is ordered and reached.
    pub(super) async fn run(mut self) {
        let sender = Arc::clone(&self.shared.setup.sender);
        let mut flights = Flights::new();
        loop {
            let mut turn = self.shared.turn();
            let now = clock::instant();
            if turn.hurry {
                self.gate.hurry();
            }
            let mut last_call = false;
            if let Some(closing) = turn.closing {
                last_call = self.give_up_if_hopeless(closing, now);
                turn.has_work = self.shared.has_work();
                if self.is_over(closing, &flights, &turn, now) {
                    break;
                }
            }
            let rest = self.dispatch(&*sender, &mut flights, &turn, now, last_call);
            if rest == Rest::Idle && turn.closing.is_some() && flights.is_empty() && self.waiting.is_empty() {
                // The last of it came to nothing: there is nothing left to wait for.
                continue;
            }
            let until = self.next_wake(&flights, &turn, rest, now);
            for (attempt, result) in self.news(&mut flights, &turn, rest, until).await {
                self.settle(attempt, result, &turn);
            }
            for (attempt, result) in flights.expire(clock::instant()) {
                self.settle(attempt, result, &turn);
            }
        }
        for attempt in flights.abort() {
            self.shared.set_abandoned();
            self.lose(attempt, Reason::NetworkError);
        }
        self.give_up();
    }

    /// Starts requests until there is nothing to start, or no room.
    fn dispatch<'s>(
        &mut self,
        sender: &'s dyn Sender,
        flights: &mut Flights<'s>,
        turn: &Turn,
        now: Instant,
        last_call: bool,
    ) -> Rest {
        for _ in 0..TURN {
            // The last report must not wait for requests that hang.
            if flights.len() >= self.gate.width(MAX_IN_FLIGHT) + usize::from(last_call) {
                return Rest::Full;
            }
            if let Some(opens) = self.gate.opens(self.has_fresh(turn), now) {
                return Rest::Closed(opens);
            }
            let is_last =
                last_call || (turn.closing.is_some() && flights.is_empty() && self.waiting.is_empty());
            let Some(attempt) = self.next(turn, now, is_last) else { return Rest::Idle };
            let Some((attempt, request)) = attempt.and_then(|attempt| self.pipeline.prepare(attempt, now))
            else {
                continue;
            };
            let patience = REQUEST_TIMEOUT
                + Duration::from_secs((request.body().len() / SLOWEST_BYTES_PER_SECOND) as u64);
            let mut deadline = Deadline::after(now, patience);
            if let Some(closing) = turn.closing {
                deadline = deadline.min(closing.deadline.into());
            }
            flights.start(sender, attempt, request, deadline);
        }
        Rest::Busy
    }

    /// The next thing to send: what waits for another try, then the lanes, then a client report. `Some(None)` is an item
    /// that came to nothing.
    #[expect(clippy::option_option, reason = "nothing left and nothing came of it are different answers")]
    fn next(&mut self, turn: &Turn, now: Instant, is_last: bool) -> Option<Option<Attempt>> {
        if let Some(index) = self.waiting.iter().position(|attempt| attempt.is_due(now)) {
            return Some(self.waiting.remove(index));
        }
        if self.waiting.len() < MAX_WAITING
            && let Some(item) = self.shared.pop()
        {
            return Some(self.pipeline.finish(item));
        }
        if let Some(epoch) = self.shared.pop_report(is_last) {
            return Some(Some(self.report(epoch, now)));
        }
        if turn.closing.is_none() && now >= self.next_report && !self.shared.recorder.is_empty() {
            let epoch = self.shared.accept_report();
            return Some(Some(self.report(epoch, now)));
        }
        None
    }

    fn report(&mut self, epoch: u64, now: Instant) -> Attempt {
        self.next_report = now + self.shared.setup.report_interval;
        Attempt::report(epoch)
    }

    /// When to look again even if nothing happens.
    fn next_wake(&self, flights: &Flights<'_>, turn: &Turn, rest: Rest, now: Instant) -> Option<Instant> {
        let has_losses = !self.shared.recorder.is_empty();
        let own = match rest {
            Rest::Busy | Rest::Full => None,
            Rest::Closed(opens) => (turn.has_work || !self.waiting.is_empty() || has_losses).then_some(opens),
            Rest::Idle => {
                let retry = self.waiting.iter().filter_map(|attempt| attempt.not_before).min();
                let report = (has_losses && turn.closing.is_none()).then_some(self.next_report);
                earliest([retry, report])
            }
        };
        let end = turn
            .closing
            .map(|closing| if now < closing.last_start { closing.last_start } else { closing.deadline });
        earliest([flights.next_deadline(), own, end])
    }

    /// Sleeps until something has happened, and returns what has landed.
    async fn news(
        &mut self,
        flights: &mut Flights<'_>,
        turn: &Turn,
        rest: Rest,
        until: Option<Instant>,
    ) -> Vec<Landing> {
        if rest == Rest::Busy {
            yield_now().await;
            return poll_fn(|context| Poll::Ready(flights.poll(context))).await;
        }
        let for_data = match rest {
            Rest::Full => false,
            Rest::Closed(_) => !self.has_fresh(turn),
            Rest::Busy | Rest::Idle => true,
        };
        self.set_sleep(until);
        poll_fn(|context| {
            let landed = flights.poll(context);
            if !landed.is_empty() || self.shared.poll_news(context.waker(), turn, for_data) {
                return Poll::Ready(landed);
            }
            let over = self.sleep.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(context).is_ready());
            if over {
                self.sleep = None;
                return Poll::Ready(landed);
            }
            Poll::Pending
        })
        .await
    }

    /// An alarm that rings early costs one idle turn; a new one for each answer would cost more.
    fn set_sleep(&mut self, until: Option<Instant>) {
        match (&self.sleep, until) {
            (_, None) => self.sleep = None,
            (Some((at, _)), Some(until)) if *at <= until => {}
            (_, Some(until)) => self.sleep = Some((until, self.timer.sleep_until(until))),
        }
    }

    /// Acts on what came of a try.
    fn settle(&mut self, attempt: Attempt, result: Result<Response, SendError>, turn: &Turn) {
        let was_failing = self.gate.is_failing();
        match result {
            Ok(response) => self.answered(attempt, &response, turn),
            Err(error) => self.unanswered(attempt, &error, turn),
        }
        if was_failing != self.gate.is_failing() {
            self.shared.set_failing(!was_failing);
        }
    }

    fn answered(&mut self, attempt: Attempt, response: &Response, turn: &Turn) {
        let now = clock::instant();
        self.shared.learn(response, now);
        let outcome = classify(response);
        match outcome {
            Outcome::Unavailable(pause) => return self.unavailable(attempt, pause, turn, now),
            _ => self.gate.answered(),
        }
        match outcome {
            Outcome::Delivered => self.shared.answer(attempt.epoch),
            Outcome::Limited => self.discard(attempt),
            Outcome::TooLarge => {
                diagnostics::warn_once("too large", || "the server found an envelope too large".into());
                self.lose(attempt, Reason::SendError);
            }
            Outcome::Rejected | Outcome::Unavailable(_) => {
                diagnostics::warn_once("rejected", || rejection(response));
                self.lose(attempt, Reason::SendError);
            }
        }
    }

    /// A proxy answered for a server that is away.
    fn unavailable(&mut self, mut attempt: Attempt, pause: Duration, turn: &Turn, now: Instant) {
        self.failed_at(turn);
        self.gate.unavailable(now, pause);
        attempt.unavailable += 1;
        let again = now + pause;
        let too_late = turn.closing.is_some_and(|closing| again >= closing.last_start);
        if too_late && !attempt.is_report {
            self.shared.set_abandoned();
        }
        if attempt.is_report || attempt.unavailable >= MAX_UNAVAILABLE || too_late {
            return self.lose(attempt, Reason::SendError);
        }
        attempt.not_before = Some(again);
        self.waiting.push_back(attempt);
    }

    fn unanswered(&mut self, mut attempt: Attempt, error: &SendError, turn: &Turn) {
        if error.is_permanent() {
            diagnostics::warn_once("sender", || error.explain());
            return self.lose(attempt, Reason::InternalSdkError);
        }
        let host = self.shared.setup.wire.host();
        diagnostics::warn_once("network", || format!("cannot send to {host}: {}", error.explain()));
        self.failed_at(turn);
        self.gate.failed(clock::instant(), unit());
        if error.is_connect() {
            self.refused |= turn.closing.is_some();
        } else {
            attempt.ambiguous += 1;
        }
        // What may have arrived is only sent again if the server can tell, and not for ever.
        let hopeless =
            attempt.ambiguous > 0 && (!attempt.is_idempotent() || attempt.ambiguous >= MAX_AMBIGUOUS);
        if attempt.is_report || hopeless {
            return self.lose(attempt, Reason::NetworkError);
        }
        self.waiting.push_back(attempt);
    }

    fn failed_at(&mut self, turn: &Turn) {
        self.accepted_at_failure = turn.accepted;
    }

    fn has_fresh(&self, turn: &Turn) -> bool {
        turn.accepted != self.accepted_at_failure
    }

    /// The server has counted the items, but nobody else will count what a report in the envelope says.
    fn discard(&self, attempt: Attempt) {
        for item in attempt.envelope.items() {
            if let EnvelopeItem::ClientReport(report) = item {
                self.shared.recorder.record_loss(report, Reason::NetworkError);
            }
        }
        self.shared.answer(attempt.epoch);
    }

    /// Counts an item as lost. Reports in it are put back.
    fn lose(&self, attempt: Attempt, reason: Reason) {
        self.shared.recorder.record_loss(&attempt.envelope, reason);
        self.shared.answer(attempt.epoch);
    }

    /// Whether nothing can or may be done any more.
    fn is_over(&self, closing: Closing, flights: &Flights<'_>, turn: &Turn, now: Instant) -> bool {
        now >= closing.deadline || (flights.is_empty() && self.waiting.is_empty() && !turn.has_work)
    }

    /// Towards the end: gives everything up that will not go out any more. Tells whether only the last client report is
    /// still to be sent.
    fn give_up_if_hopeless(&mut self, closing: Closing, now: Instant) -> bool {
        let closed = self.gate.opens(true, now).is_some_and(|opens| opens >= closing.last_start);
        if !self.refused && !closed && now < closing.last_start {
            self.give_up_late(closing);
            return false;
        }
        self.give_up();
        if self.refused || closed {
            while let Some(epoch) = self.shared.pop_report(true) {
                self.shared.answer(epoch);
            }
        }
        true
    }

    /// Counts what must not be tried again before the end.
    fn give_up_late(&mut self, closing: Closing) {
        let (waiting, late): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|attempt| attempt.is_due(closing.last_start));
        self.waiting = waiting;
        for attempt in late {
            self.shared.set_abandoned();
            self.lose(attempt, Reason::SendError);
        }
    }

    /// Counts everything that is not under way.
    fn give_up(&mut self) {
        for attempt in std::mem::take(&mut self.waiting) {
            let reason = if attempt.unavailable > 0 { Reason::SendError } else { Reason::NetworkError };
            self.shared.set_abandoned();
            self.lose(attempt, reason);
        }
        let failing = self.refused || self.gate.is_failing();
        self.shared.abandon(if failing { Reason::NetworkError } else { Reason::QueueOverflow });
    }
}

/// For diagnostics in debug mode and the first time: the status and what the server said.
fn rejection(response: &Response) -> String {
    let detail = response
        .header("x-sentry-error")
        .map_or_else(|| String::from_utf8_lossy(response.body()), std::borrow::Cow::Borrowed);
    format!("the server rejected an envelope with status {}: {detail}", response.status())
}

fn earliest<const N: usize>(times: [Option<Instant>; N]) -> Option<Instant> {
    times.into_iter().flatten().min()
}

/// Lets the driver look after its sockets once.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A random number in `[0, 1)`: the standard library's hasher keys are the randomness at hand, and jitter needs no more.
fn unit() -> f64 {
    const SCALE: f64 = 1.0 / (1_u64 << 53) as f64;
    (RandomState::new().build_hasher().finish() >> 11) as f64 * SCALE
}
