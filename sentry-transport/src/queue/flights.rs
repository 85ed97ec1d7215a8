//! The requests under way.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};
use std::time::Instant;

use super::attempt::Attempt;
use crate::sender::{BoxFuture, Deadline, Request, Response, SendError, Sender};

/// What came of a request.
pub(super) type Landing = (Attempt, Result<Response, SendError>);

/// At most a few dozen futures, polled in a row.
pub(super) struct Flights<'s> {
    list: Vec<Flight<'s>>,
}

struct Flight<'s> {
    attempt: Attempt,
    deadline: Deadline,
    answer: BoxFuture<'s, Result<Response, SendError>>,
}

impl Flight<'_> {
    /// Ends it. The future may be the application's, so a panic in its destructor ends here.
    fn land(self) -> Attempt {
        let Self { attempt, answer, .. } = self;
        let _ = catch_unwind(AssertUnwindSafe(|| drop(answer)));
        attempt
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

    /// Starts a request. The sender may be the application's, so its panics end here.
    pub(super) fn start(
        &mut self,
        sender: &'s dyn Sender,
        attempt: Attempt,
        request: Request,
        deadline: Deadline,
    ) {
        let answer = catch_unwind(AssertUnwindSafe(|| sender.send(request, deadline)))
            .unwrap_or_else(|_| Box::pin(async { Err(SendError::panicked()) }));
        self.list.push(Flight { attempt, deadline, answer });
    }

    /// Takes out what has ended, one way or the other.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Vec<Landing> {
        let mut landed = Vec::new();
        let mut index = 0;
        while index < self.list.len() {
            let answer = &mut self.list[index].answer;
            let poll = catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context)))
                .unwrap_or_else(|_| Poll::Ready(Err(SendError::panicked())));
            match poll {
                Poll::Pending => index += 1,
                Poll::Ready(result) => landed.push((self.list.swap_remove(index).land(), result)),
            }
        }
        landed
    }

    /// Takes out what has been under way for too long.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Landing> {
        let late = self.list.extract_if(.., |flight| flight.deadline.has_passed(now));
        late.map(|flight| (flight.land(), Err(SendError::timeout()))).collect()
    }

    /// Takes out everything.
    pub(super) fn abort(&mut self) -> Vec<Attempt> {
        self.list.drain(..).map(Flight::land).collect()
    }

    /// When the first of them will have been under way for too long.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.list.iter().map(|flight| flight.deadline.instant()).min()
    }
}
