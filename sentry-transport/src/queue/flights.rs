//! The requests under way.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use sentry_core::types::Uuid;

use super::attempt::Attempt;
use crate::sender::{BoxFuture, Deadline, Request, Response, SendError, Sender};

/// What came of a request.
pub(super) struct Landing {
    pub(super) attempt: Attempt,
    pub(super) result: Result<Response, SendError>,
    /// How long it was under way.
    pub(super) took: Duration,
}

/// At most a few dozen futures, polled in a row.
pub(super) struct Flights<'s> {
    list: Vec<Flight<'s>>,
}

struct Flight<'s> {
    attempt: Attempt,
    started: Instant,
    deadline: Deadline,
    answer: BoxFuture<'s, Result<Response, SendError>>,
}

impl Flight<'_> {
    /// Ends it. The future may be the application's, so a panic in its destructor ends here.
    fn land(self, result: Result<Response, SendError>, now: Instant) -> Landing {
        let Self { attempt, answer, started, .. } = self;
        let _ = catch_unwind(AssertUnwindSafe(|| drop(answer)));
        Landing { attempt, result, took: now.saturating_duration_since(started) }
    }
}

impl<'s> Flights<'s> {
    pub(super) fn new() -> Self {
        Self { list: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The bytes under way.
    pub(super) fn bytes(&self) -> usize {
        self.list.iter().map(|flight| flight.attempt.bytes).sum()
    }

    /// Whether something with this key is under way.
    pub(super) fn has_order(&self, key: Uuid) -> bool {
        self.list.iter().any(|flight| flight.attempt.order == Some(key))
    }

    /// Starts a request. The sender may be the application's, so its panics end here.
    pub(super) fn start(
        &mut self,
        sender: &'s dyn Sender,
        attempt: Attempt,
        request: Request,
        (started, deadline): (Instant, Deadline),
    ) {
        let answer = catch_unwind(AssertUnwindSafe(|| sender.send(request, deadline)))
            .unwrap_or_else(|_| Box::pin(async { Err(SendError::panicked()) }));
        self.list.push(Flight { attempt, started, deadline, answer });
    }

    /// Takes out what has ended, one way or the other.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, now: impl Fn() -> Instant) -> Vec<Landing> {
        let mut landed = Vec::new();
        let mut index = 0;
        while index < self.list.len() {
            let answer = &mut self.list[index].answer;
            let poll = catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context)))
                .unwrap_or_else(|_| Poll::Ready(Err(SendError::panicked())));
            match poll {
                Poll::Pending => index += 1,
                Poll::Ready(result) => landed.push(self.list.swap_remove(index).land(result, now())),
            }
        }
        landed
    }

    /// Takes out what has been under way for too long.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Landing> {
        let late = self.list.extract_if(.., |flight| flight.deadline.has_passed(now));
        late.map(|flight| flight.land(Err(SendError::timeout()), now)).collect()
    }

    /// Takes out everything.
    pub(super) fn abort(&mut self, now: Instant) -> Vec<Attempt> {
        self.list.drain(..).map(|flight| flight.land(Err(SendError::timeout()), now).attempt).collect()
    }

    /// When the first of them will have been under way for too long.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.list.iter().map(|flight| flight.deadline.instant()).min()
    }
}
