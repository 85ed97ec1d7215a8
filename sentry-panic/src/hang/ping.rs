//! The question to a runtime or an event loop.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use sentry_core::diagnostics;

use super::watched::Shared;

/// A question that is answered by running it: as a future on a runtime, or by [`answer`](Self::answer) in an event loop.
///
/// One that is dropped unanswered says that nobody is there any more, and the watch is over.
#[must_use = "dropped unanswered, it ends the watch"]
pub struct Ping {
    shared: Option<Arc<Shared>>,
}

impl Ping {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared: Some(shared) }
    }

    /// Answers, on the thread that is expected to.
    pub fn answer(mut self) {
        self.answer_once();
    }

    fn answer_once(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.sit_down();
            shared.pulse.beat();
        }
    }
}

impl Future for Ping {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.answer_once();
        Poll::Ready(())
    }
}

impl Drop for Ping {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.pulse.leave();
        }
    }
}

impl fmt::Debug for Ping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ping").finish_non_exhaustive()
    }
}

/// How pings get there: the application's code.
pub(super) struct Post(Box<dyn Fn(Ping) + Send>);

impl Post {
    pub(super) fn new(post: impl Fn(Ping) + Send + 'static) -> Self {
        Self(Box::new(post))
    }

    /// A panic of it drops the ping, which ends the watch.
    pub(super) fn send(&self, ping: Ping) {
        let sent = sentry_core::suppress(|| catch_unwind(AssertUnwindSafe(|| (self.0)(ping))));
        if let Err(payload) = sent {
            diagnostics::warn_once("hang-post", || "the function that posts pings panicked".to_owned());
            // The destructor of a payload may panic as well; what it panics with then is given up.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(payload))).map_err(std::mem::ManuallyDrop::new);
        }
    }
}
