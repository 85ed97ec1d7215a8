//! The worker: one `async fn`, one turn after the other.
//!
//! A turn reads what is new, starts what may be started, and sleeps until an answer, a deadline or news. The decisions
//! are made elsewhere ([`Gate`], [`classify`](crate::retry::classify), [`Limits`](crate::rate_limit::Limits)); the loop
//! obeys them.

mod consent;
mod dispatch;
mod end;
mod settle;
mod spool;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use sentry_core::{ConsentState, clock};

use self::dispatch::Rest;
use super::collector::Collector;
use super::flights::{Flights, Landing};
use super::inbox::Turn;
use super::outbox::Outbox;
use super::pipeline::Pipeline;
use super::shared::Shared;
use super::width::Width;
use crate::caught::caught;
use crate::driver::Timer;
use crate::retry::Gate;
use crate::sender::{BoxFuture, Sender};

/// How often the client is told whether the queue keeps up (protocol section 19).
const HEALTH_INTERVAL: Duration = Duration::from_secs(10);

/// What was captured before a flush may still be in the lanes when it begins: until they are empty, but no longer than
/// this, it joins the batches that the flush takes along.
const GATHERING: Duration = Duration::from_millis(50);

/// During the end, a server that says nothing for so long gets no more: the rest goes to the store.
const SILENCE: Duration = Duration::from_millis(100);

/// Everything the loop owns.
pub(super) struct Worker {
    shared: Arc<Shared>,
    pipeline: Pipeline,
    collector: Collector,
    outbox: Outbox,
    landed: VecDeque<Landing>,
    timer: Box<dyn Timer>,
    sleep: Option<(Instant, BoxFuture<'static, ()>)>,
    gate: Gate,
    width: Width,
    /// What had been accepted when the host last failed: later items are news.
    accepted_at_failure: u64,
    /// When batches go out as they are, for somebody who waits.
    drain_at: Option<Instant>,
    next_report: Instant,
    next_check: Instant,
    /// When the store may be asked for something.
    next_replay: Instant,
    /// How many items went to the store only because the policy is to keep everything: they need no pause.
    unpaced: usize,
    /// The store has refused something: until then it is not asked to take what waits.
    refused_until: Option<Instant>,
    /// When to look after the store.
    next_look: Instant,
    /// When a request was answered last, or the end was ordered.
    heard: Option<Instant>,
    /// What the user wanted when this was looked at last.
    consent: ConsentState,
    /// When to look whether another process was told otherwise.
    next_recall: Instant,
    /// During the end: the host refused, so there is nothing left to hope for.
    refused: bool,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, timer: Box<dyn Timer>) -> Self {
        let now = clock::instant();
        Self {
            pipeline: Pipeline::new(Arc::clone(&shared)),
            collector: Collector::default(),
            outbox: Outbox::default(),
            landed: VecDeque::new(),
            next_report: now + shared.setup.report_interval,
            next_check: now + HEALTH_INTERVAL,
            next_replay: now,
            unpaced: 0,
            refused_until: None,
            next_recall: now,
            consent: ConsentState::NotNeeded,
            next_look: now + spool::REOPEN,
            width: Width::new(shared.setup.max_in_flight),
            shared,
            timer,
            sleep: None,
            gate: Gate::default(),
            accepted_at_failure: 0,
            drain_at: None,
            heard: None,
            refused: false,
        }
    }

    /// Works until the end is ordered and reached. `false`: it came to a panic. Everything is counted either way.
    pub(super) async fn run(mut self) -> bool {
        let sender = Arc::clone(&self.shared.sender);
        let mut flights = Flights::new();
        self.open_store();
        let finished = {
            let mut turns = pin!(self.turns(&*sender, &mut flights));
            poll_fn(|context| match caught(|| turns.as_mut().poll(context)) {
                Some(poll) => poll.map(|()| true),
                None => Poll::Ready(false),
            })
            .await
        };
        self.shared.forget_last_words();
        if finished {
            self.end(&mut flights);
            self.shared.shelf.close();
        } else {
            self.fail(&mut flights);
        }
        finished
    }

    async fn turns<'s>(&mut self, sender: &'s dyn Sender, flights: &mut Flights<'s>) {
        loop {
            let mut turn = self.shared.turn();
            let now = clock::instant();
            self.obey(now);
            if turn.has_last_words {
                self.shared.keep_last_words();
            }
            if turn.gather_at.is_some_and(|at| at <= now) {
                turn = self.shared.gather(turn);
                // What waited in the client has waited long enough: it does not wait for company again.
                self.drain_at = Some(self.drain_at.map_or(now + GATHERING, |at| at.min(now + GATHERING)));
            }
            if turn.hurry {
                self.gate.hurry();
                self.outbox.hurry();
                self.drain_at = Some(now + GATHERING);
            }
            if self.drain_at.is_some_and(|at| at <= now) {
                self.drain_at = None;
                self.push_collected();
            }
            self.check_health(now);
            self.look_after_store(&turn, now);
            self.pipeline.release(now);
            if turn.closing.is_none() {
                self.shared.shelf.prepare();
                self.shared.marker.survive(now);
            }
            let mut last_call = false;
            if let Some(closing) = turn.closing {
                last_call = self.give_up_if_hopeless(flights, closing, now);
                if last_call {
                    self.secure(flights);
                }
                turn.has_work = self.shared.has_work();
                if self.is_over(closing, flights, &turn, now) {
                    break;
                }
            }
            if turn.closing.is_some() && self.heard.is_none() {
                self.heard = Some(now);
            }
            let rest = self.dispatch(sender, flights, &turn, now, last_call);
            self.watch_crashes(&turn, now);
            if rest == Rest::Idle && turn.closing.is_some() && flights.is_empty() && self.has_nothing() {
                // The last of it came to nothing: there is nothing left to wait for.
                continue;
            }
            let until = self.next_wake(flights, &turn, rest, now);
            let landed = self.news(flights, &turn, rest, until).await;
            self.landed.extend(landed);
            self.landed.extend(flights.expire(clock::instant()));
            while let Some(landing) = self.landed.pop_front() {
                self.settle(landing, &turn);
            }
        }
    }

    /// Whether nothing is left on this side of the lanes, besides what is under way.
    fn has_nothing(&self) -> bool {
        self.outbox.is_empty() && self.collector.is_empty()
    }

    /// Tells the client whether the queue keeps up. Costs an idle process no wake-up once all is well.
    fn check_health(&mut self, now: Instant) {
        if self.shared.setup.backpressure && now >= self.next_check {
            self.next_check = now + HEALTH_INTERVAL;
            self.shared.recorder.set_unhealthy(!self.shared.is_healthy(now));
        }
    }

    /// When to look again even if nothing happens.
    fn next_wake(&mut self, flights: &Flights<'_>, turn: &Turn, rest: Rest, now: Instant) -> Option<Instant> {
        let has_losses = !self.shared.recorder.is_empty();
        let own = match rest {
            Rest::Busy => None,
            Rest::Full => self.next_kept(turn, now),
            Rest::Barred => earliest([self.collector.next_deadline(), self.next_idle_look()]),
            Rest::Closed(opens) => {
                let has_any =
                    turn.has_work || !self.has_nothing() || has_losses || self.next_replay(turn).is_some();
                earliest([has_any.then_some(opens), self.next_kept(turn, now)])
            }
            Rest::Idle => {
                let report = (has_losses && turn.closing.is_none()).then_some(self.next_report);
                earliest([
                    self.outbox.next_try(),
                    self.collector.next_deadline(),
                    report,
                    self.next_replay(turn),
                    self.pipeline.symbols_until(),
                ])
            }
        };
        let end = turn
            .closing
            .map(|closing| if now < closing.last_start { closing.last_start } else { closing.deadline });
        let drained = turn.closing.map(|closing| closing.drains_until).filter(|at| *at > now);
        let silence = turn.closing.and(self.heard).filter(|_| turn.has_work && self.shared.shelf.is_on());
        let silence = silence.map(|heard| heard + SILENCE).filter(|at| *at > now);
        let slowed = self.shared.setup.backpressure && self.shared.recorder.downsample_factor() > 0;
        let check = slowed.then_some(self.next_check);
        let survived = self.shared.marker.survived_at().filter(|_| turn.closing.is_none());
        let look = self.next_look(turn);
        let gather = turn.gather_at.filter(|_| turn.closing.is_none());
        earliest([
            flights.next_deadline(),
            own,
            end,
            drained,
            check,
            silence,
            survived,
            look,
            self.drain_at,
            gather,
        ])
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
            return poll_fn(|context| Poll::Ready(flights.poll(context, clock::instant))).await;
        }
        let keeps_what_waits = self.keeps_what_waits(turn, clock::instant());
        let for_data = match rest {
            Rest::Full => keeps_what_waits,
            // What is held in memory is left where it is.
            Rest::Barred => self.shared.shelf.is_on() || self.shared.setup.gate.is_refused(),
            Rest::Closed(_) => !self.has_fresh(turn) || keeps_what_waits,
            Rest::Busy | Rest::Idle => true,
        };
        self.set_sleep(until);
        poll_fn(|context| {
            let landed = flights.poll(context, clock::instant);
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

    fn has_fresh(&self, turn: &Turn) -> bool {
        turn.accepted != self.accepted_at_failure
    }
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
