//! A blocking wait as a future: a thread waits, and wakes whoever polls.
//!
//! A design without a thread would need somebody to wake the future at its deadline. The worker of a transport cannot be
//! that, since the deadline matters most when the worker is stuck.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::suppress::guarded;
use crate::sync::lock;
use crate::{clock, diagnostics};

/// Threads that wait at once, in the whole process. Each ends with its deadline.
const MAX_WAITING: usize = 64;

static WAITING: AtomicUsize = AtomicUsize::new(0);

/// A child has none of its parent's threads.
pub(crate) fn forget_waiting_threads() {
    WAITING.store(0, Ordering::Relaxed);
}

/// Runs `job` on a thread called `name`, with what is then left of `timeout`. `false` if there can be no thread.
pub(super) fn wait<J>(
    name: &'static str,
    timeout: Duration,
    job: J,
) -> impl Future<Output = bool> + Send + use<J>
where
    J: FnOnce(Duration) -> bool + Send + 'static,
{
    let slot = Arc::new(Mutex::new(Slot::default()));
    let answer = Answer { slot: Arc::clone(&slot), result: false };
    // Time runs for the caller, not for the thread: that may be long in starting.
    let begun = clock::instant();
    let started = Place::take().is_some_and(|place| {
        let run = move || run(answer, place, begun, timeout, job);
        thread::Builder::new().name(name.to_owned()).spawn(run).is_ok()
    });
    if !started {
        diagnostics::warn_once("waiting thread", || format!("{name} cannot be started: nobody waits"));
    }
    Waiting { slot }
}

fn run<J>(mut answer: Answer, place: Place, begun: Instant, timeout: Duration, job: J)
where
    J: FnOnce(Duration) -> bool,
{
    let left = timeout.saturating_sub(clock::instant().saturating_duration_since(begun));
    answer.result = guarded("transport", || job(left)).unwrap_or(false);
    // Before the answer: whoever has it may ask for the next at once.
    drop(place);
}

/// What the thread leaves for the future.
#[derive(Default)]
struct Slot {
    result: Option<bool>,
    waker: Option<Waker>,
}

struct Waiting {
    slot: Arc<Mutex<Slot>>,
}

impl Future for Waiting {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        // Cloned and dropped outside the lock: wakers are the executor's.
        let waker = context.waker().clone();
        let mut slot = lock(&self.slot);
        if let Some(result) = slot.result {
            return Poll::Ready(result);
        }
        let previous = slot.waker.replace(waker);
        drop(slot);
        drop(previous);
        Poll::Pending
    }
}

/// Answers when it is dropped, whatever has happened until then: also when there was no thread to take it.
struct Answer {
    slot: Arc<Mutex<Slot>>,
    result: bool,
}

impl Drop for Answer {
    fn drop(&mut self) {
        let mut slot = lock(&self.slot);
        slot.result = Some(self.result);
        let waker = slot.waker.take();
        drop(slot);
        let _ = guarded("waker", || waker.map(Waker::wake));
    }
}

/// One of the threads that may wait at once.
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let place = Self;
        // An excess is given back by the destructor.
        (WAITING.fetch_add(1, Ordering::Relaxed) < MAX_WAITING).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}
