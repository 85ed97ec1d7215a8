//! A blocking client as a [`Sender`]: on a few threads of its own, which come with the work and go with it.
//!
//! The future of a request ends when its answer is there; whoever has no patience drops it, and what has not begun by then
//! never begins. A thread that hangs in the client is left alone. It counts until it returns, so that there are never more
//! threads than the bound, and nobody waits for it.

mod pool;
mod ticket;

use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub(crate) use self::pool::{Job, Pool};
use self::ticket::Ticket;
use super::{BoxFuture, Deadline, Request, Response, SendError, Sender};

/// Threads at most, and so requests under way at once.
pub(crate) const MAX_THREADS: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// A client that blocks its thread until the answer is there, or the deadline.
pub(crate) trait Exchange: Send + Sync + 'static {
    fn exchange(&self, request: Request, deadline: Deadline) -> Result<Response, SendError>;
}

/// Sends by an [`Exchange`].
pub(crate) struct Blocking<E> {
    exchange: Arc<E>,
    pool: Arc<Pool>,
}

impl<E: Exchange> Blocking<E> {
    pub(crate) fn new(exchange: E, threads: Option<NonZeroUsize>) -> Self {
        Self { exchange: Arc::new(exchange), pool: Pool::new(threads.unwrap_or(MAX_THREADS)) }
    }
}

impl<E: Exchange> Sender for Blocking<E> {
    fn send(&self, request: Request, deadline: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
        let (ticket, outcome) = Ticket::new();
        let exchange = Arc::clone(&self.exchange);
        match self.pool.run(Task { ticket, exchange, request, deadline }) {
            Ok(()) => Box::pin(outcome),
            Err(error) => Box::pin(async { Err(SendError::connect().with_source(error)) }),
        }
    }

    fn takes_streams(&self) -> bool {
        true
    }
}

/// One request on its way to a thread.
struct Task<E> {
    ticket: Ticket,
    exchange: Arc<E>,
    request: Request,
    deadline: Deadline,
}

impl<E: Exchange> Job for Task<E> {
    fn is_wanted(&self) -> bool {
        self.ticket.is_wanted()
    }

    fn run(self: Box<Self>) {
        let Self { ticket, exchange, request, deadline } = *self;
        let answer = catch_unwind(AssertUnwindSafe(|| exchange.exchange(request, deadline)));
        ticket.settle(answer.unwrap_or_else(|_| Err(SendError::panicked())));
    }
}

impl<E> fmt::Debug for Blocking<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocking").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Condvar, Mutex};
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use sentry_core::clock;

    use super::*;
    use crate::driver::Runtime;

    /// Sleeps as long as the body says, in milliseconds; a body that is no number panics.
    #[derive(Default)]
    struct Sleeps(Arc<AtomicUsize>);

    impl Exchange for Sleeps {
        fn exchange(&self, request: Request, _deadline: Deadline) -> Result<Response, SendError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            let text = String::from_utf8_lossy(request.body()).into_owned();
            std::thread::sleep(Duration::from_millis(text.parse().expect("expected by the test")));
            Ok(Response::new(200))
        }
    }

    /// Waits until the gate is open.
    #[derive(Default)]
    struct Gated {
        began: Arc<AtomicUsize>,
        gate: Arc<(Mutex<bool>, Condvar)>,
    }

    impl Exchange for Gated {
        fn exchange(&self, _request: Request, _deadline: Deadline) -> Result<Response, SendError> {
            self.began.fetch_add(1, Ordering::SeqCst);
            let is_open = self.gate.0.lock().unwrap();
            drop(self.gate.1.wait_while(is_open, |is_open| !*is_open).unwrap());
            Ok(Response::new(200))
        }
    }

    fn wait_until(done: impl Fn() -> bool) {
        let patience = clock::instant() + Duration::from_secs(20);
        while !done() {
            assert!(clock::instant() < patience, "in vain");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn deadline() -> Deadline {
        Deadline::after(clock::instant(), Duration::from_secs(10))
    }

    fn block_on<T: Send>(future: BoxFuture<'_, T>) -> T {
        let result = Mutex::new(None);
        let driver = Runtime::Park.driver().unwrap();
        driver.block_on(Box::pin(async {
            let value = future.await;
            *result.lock().unwrap() = Some(value);
        }));
        result.into_inner().unwrap().unwrap()
    }

    #[test]
    fn an_answer_wakes_the_future_and_a_panic_is_an_error() {
        let sender = Blocking::new(Sleeps::default(), None);
        let send = |body: &str| block_on(sender.send(Request::new("", body.into()), deadline()));
        assert_eq!(send("20").unwrap().status(), 200);
        assert!(send("no number").unwrap_err().is_permanent());
        assert_eq!(send("0").unwrap().status(), 200, "the thread survives a panic");
    }

    #[test]
    fn threads_are_bounded_come_with_the_work_and_go() {
        let gated = Gated::default();
        let (began, gate) = (Arc::clone(&gated.began), Arc::clone(&gated.gate));
        let sender = Blocking::new(gated, NonZeroUsize::new(3));
        assert_eq!(sender.pool.threads(), 0);
        let flights: Vec<_> =
            (0..12).map(|_| sender.send(Request::new("", Vec::new()), deadline())).collect();
        wait_until(|| began.load(Ordering::SeqCst) == 3);
        assert_eq!(sender.pool.threads(), 3);
        assert_eq!(sender.pool.waiting(), 9);
        // What nobody wants any more does not begin, and does not stay even while every thread hangs.
        drop(flights);
        drop(sender.send(Request::new("", Vec::new()), deadline()));
        assert_eq!(sender.pool.waiting(), 1);
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
        // Idle threads end.
        wait_until(|| sender.pool.threads() == 0);
        assert_eq!(began.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_future_that_is_not_there_yet_is_pending() {
        let sender = Blocking::new(Sleeps::default(), None);
        let mut flight = sender.send(Request::new("", b"50".to_vec()), deadline());
        let poll = flight.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(poll, Poll::Pending));
        assert_eq!(block_on(flight).unwrap().status(), 200);
    }
}
