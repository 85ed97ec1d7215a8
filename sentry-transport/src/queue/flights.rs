//! The requests under way.
//!
//! Each has a waker of its own, so that an answer costs one poll and not one for every request that is still waiting.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Release};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use sentry_core::types::Uuid;

use super::attempt::Attempt;
use crate::caught::caught;
use crate::sender::{BoxFuture, Deadline, Request, Response, SendError, Sender, Watch};

/// What came of a request.
pub(super) struct Landing {
    pub(super) attempt: Attempt,
    pub(super) result: Result<Response, SendError>,
    /// How long it was under way.
    pub(super) took: Duration,
}

/// At most a few dozen futures.
pub(super) struct Flights<'s> {
    list: Vec<Flight<'s>>,
    tower: Arc<Tower>,
}

/// Who hears of it when a flight has news.
#[derive(Default)]
struct Tower {
    /// Set with the flag of a flight, so that a poll without news looks at no flight.
    has_news: AtomicBool,
    worker: Mutex<Option<Waker>>,
}

/// The waker of one flight.
struct Beacon {
    has_news: AtomicBool,
    tower: Arc<Tower>,
}

impl Wake for Beacon {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_news.store(true, Release);
        self.tower.has_news.store(true, Release);
        let worker = self.tower.worker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(worker) = worker {
            worker.wake();
        }
    }
}

impl Tower {
    /// Wakes `waker` for what happens from now on.
    fn listen(&self, waker: &Waker) {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *worker {
            Some(own) => own.clone_from(waker),
            own => *own = Some(waker.clone()),
        }
    }
}

struct Flight<'s> {
    attempt: Attempt,
    beacon: Arc<Beacon>,
    waker: Waker,
    started: Instant,
    deadline: Deadline,
    progress: Option<Progress>,
    answer: BoxFuture<'s, Result<Response, SendError>>,
}

/// How a long request gets on: it may take its time, and none without getting any further.
struct Progress {
    watch: Arc<Watch>,
    sent: u64,
    since: Instant,
    patience: Duration,
}

impl Progress {
    /// Looks how far it is.
    fn look(&mut self, now: Instant) {
        let sent = self.watch.sent();
        if sent != self.sent {
            (self.sent, self.since) = (sent, now);
        }
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(self.since, self.patience)
    }
}

impl Flight<'_> {
    /// When it will have been under way for too long, as far as that is known.
    fn next_deadline(&mut self, now: Instant) -> Deadline {
        let Some(progress) = &mut self.progress else { return self.deadline };
        if progress.deadline().has_passed(now) {
            progress.look(now);
        }
        progress.deadline().min(self.deadline)
    }

    /// Ends it. The future may be the application's, so a panic in its destructor ends here.
    fn land(self, result: Result<Response, SendError>, now: Instant) -> Landing {
        let Self { attempt, answer, started, .. } = self;
        caught(|| drop(answer));
        Landing { attempt, result, took: now.saturating_duration_since(started) }
    }
}

impl<'s> Flights<'s> {
    pub(super) fn new() -> Self {
        Self { list: Vec::new(), tower: Arc::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The bytes in memory for what is under way.
    pub(super) fn bytes(&self) -> usize {
        self.list.iter().map(|flight| flight.attempt.resident).sum()
    }

    /// What is under way.
    pub(super) fn attempts(&mut self) -> impl Iterator<Item = &mut Attempt> {
        self.list.iter_mut().map(|flight| &mut flight.attempt)
    }

    /// Whether all that is under way could as well be sent by the next process.
    pub(super) fn are_all_extra(&self) -> bool {
        self.list.iter().all(|flight| flight.attempt.is_extra)
    }

    /// Whether something with this key is under way.
    pub(super) fn has_order(&self, key: Uuid) -> bool {
        self.list.iter().any(|flight| flight.attempt.order == Some(key))
    }

    /// The same for a check-in: updates of sessions have numbers, check-ins have only their order.
    pub(super) fn has_check_in(&self, key: Uuid) -> bool {
        self.list.iter().any(|flight| flight.attempt.order == Some(key) && flight.attempt.is_check_in())
    }

    /// Starts a request. The sender may be the application's, so its panics end here.
    pub(super) fn start(
        &mut self,
        sender: &'s dyn Sender,
        attempt: Attempt,
        request: Request,
        (started, deadline, patience): (Instant, Deadline, Duration),
    ) {
        let answer = caught(|| sender.send(request, deadline))
            .unwrap_or_else(|| Box::pin(async { Err(SendError::panicked()) }));
        // Nobody has polled it yet: that is news.
        let beacon = Arc::new(Beacon { has_news: AtomicBool::new(true), tower: Arc::clone(&self.tower) });
        self.tower.has_news.store(true, Release);
        let waker = Waker::from(Arc::clone(&beacon));
        let progress =
            attempt.watch.clone().map(|watch| Progress { watch, sent: 0, since: started, patience });
        self.list.push(Flight { attempt, beacon, waker, started, deadline, progress, answer });
    }

    /// Takes out what has ended, one way or the other.
    pub(super) fn poll(&mut self, context: &Context<'_>, now: impl Fn() -> Instant) -> Vec<Landing> {
        let mut landed = Vec::new();
        // Before the flags are read: what comes after that wakes the worker again.
        self.tower.listen(context.waker());
        if !self.tower.has_news.swap(false, AcqRel) {
            return landed;
        }
        let mut index = 0;
        while index < self.list.len() {
            let flight = &mut self.list[index];
            if !flight.beacon.has_news.swap(false, AcqRel) {
                index += 1;
                continue;
            }
            let Flight { answer, waker, .. } = flight;
            let poll = caught(|| answer.as_mut().poll(&mut Context::from_waker(waker)))
                .unwrap_or_else(|| Poll::Ready(Err(SendError::panicked())));
            match poll {
                Poll::Pending => index += 1,
                Poll::Ready(result) => landed.push(self.list.swap_remove(index).land(result, now())),
            }
        }
        landed
    }

    /// Takes out what has been under way for too long.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Landing> {
        let late = self.list.extract_if(.., |flight| flight.next_deadline(now).has_passed(now));
        late.map(|flight| flight.land(Err(SendError::timeout()), now)).collect()
    }

    /// Takes out everything.
    pub(super) fn abort(&mut self, now: Instant) -> Vec<Attempt> {
        self.list.drain(..).map(|flight| flight.land(Err(SendError::timeout()), now).attempt).collect()
    }

    /// When the first of them will have been under way for too long.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let deadlines = self.list.iter().map(|flight| match &flight.progress {
            Some(progress) => progress.deadline().min(flight.deadline),
            None => flight.deadline,
        });
        deadlines.map(Deadline::instant).min()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use sentry_core::envelope::Piece;

    use super::*;
    use crate::sender::Stream;

    #[test]
    fn a_long_request_may_go_on_as_long_as_it_gets_further() {
        let (start, patience) = (sentry_core::clock::instant(), Duration::from_secs(10));
        let at = |seconds| start + Duration::from_secs(seconds);
        let stream = Stream::new(vec![Piece::Bytes(vec![0; 100])]);
        let watch = Arc::clone(stream.watch());
        let mut body = Request::streamed("http://host/", stream).into_reader();
        let mut progress = Progress { watch, sent: 0, since: start, patience };
        let is_late = |progress: &mut Progress, now| {
            progress.look(now);
            progress.deadline().has_passed(now)
        };
        assert!(!is_late(&mut progress, at(9)));
        body.read_exact(&mut [0; 10]).unwrap();
        assert!(!is_late(&mut progress, at(11)));
        assert!(!is_late(&mut progress, at(20)));
        assert!(is_late(&mut progress, at(21)));
    }
}
