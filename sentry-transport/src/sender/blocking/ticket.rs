//! What connects a request on a thread to its future on the worker.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use crate::sender::{Response, SendError};

type Answer = Result<Response, SendError>;

/// The side of the thread.
pub(super) struct Ticket(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    answer: Option<Answer>,
    waker: Option<Waker>,
    is_settled: bool,
}

impl Ticket {
    /// A ticket and the future of what it is settled with.
    pub(super) fn new() -> (Self, impl Future<Output = Answer> + Send) {
        let state = Arc::new(Mutex::new(State::default()));
        let theirs = Arc::clone(&state);
        let outcome = poll_fn(move |context| {
            let mut state = theirs.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(answer) = state.answer.take() {
                return Poll::Ready(answer);
            }
            if state.is_settled {
                // Lost with its thread.
                return Poll::Ready(Err(SendError::panicked()));
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        });
        (Self(state), outcome)
    }

    /// Whether somebody still waits: the future holds the other half.
    pub(super) fn is_wanted(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    pub(super) fn settle(&self, answer: Answer) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.is_settled {
            state.is_settled = true;
            state.answer = Some(answer);
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Ticket {
    /// However it ends, the future ends too.
    fn drop(&mut self) {
        self.settle(Err(SendError::panicked()));
    }
}
