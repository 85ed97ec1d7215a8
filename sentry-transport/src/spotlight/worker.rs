//! The thread that brings copies to Spotlight.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use sentry_core::{Outbound, clock, diagnostics, suppress};

use super::backoff::Backoff;
use super::post::post;
use super::queue::Queue;
use crate::encode::{Encoded, Encoder};
use crate::sender::Deadline;

/// How long one try may take. Spotlight is on this machine.
const TRY: Duration = Duration::from_secs(2);

/// Starts the thread; tells whether there is one.
pub(super) fn start(queue: &Arc<Queue>) -> bool {
    let theirs = Arc::clone(queue);
    // Our own work must not report itself.
    let body = move || {
        suppress(|| {
            if catch_unwind(AssertUnwindSafe(|| run(&theirs))).is_err() {
                diagnostics::warn_once("spotlight panic", || "a copy for Spotlight could not be made".into());
            }
            theirs.stopped();
        });
    };
    let started = Builder::new().name("sentry-spotlight".into()).spawn(body);
    if let Err(error) = &started {
        diagnostics::warn_once("spotlight thread", || format!("no thread for Spotlight: {error}"));
    }
    started.is_ok()
}

fn run(queue: &Queue) {
    let mut worker = Worker { queue, encoder: Encoder::new(), backoff: Backoff::default() };
    while let Some(copy) = queue.next() {
        let delivered = worker.deliver(copy);
        queue.done(delivered);
    }
}

struct Worker<'q> {
    queue: &'q Queue,
    encoder: Encoder,
    backoff: Backoff,
}

impl Worker<'_> {
    /// One try, a break, one more try.
    fn deliver(&mut self, copy: Outbound) -> bool {
        let Ok(body) = self.encode(copy) else { return false };
        if self.attempt(&body) {
            return true;
        }
        if !self.queue.gate.is_open() {
            return false;
        }
        let pause = self.backoff.failed();
        // Whoever waits for a flush is not kept waiting for somebody who was away a moment ago.
        self.queue.pause(pause) && self.attempt(&body)
    }

    fn encode(&mut self, copy: Outbound) -> io::Result<Encoded> {
        let mut envelope = copy.finish();
        envelope.set_sent_at(clock::now());
        self.encoder.encode(|body| envelope.to_writer(body))
    }

    fn attempt(&mut self, body: &Encoded) -> bool {
        // What waits when the user says no is forgotten one by one, right away.
        if !self.queue.gate.is_open() {
            return false;
        }
        let Queue { address, user_agent, .. } = self.queue;
        match post(address, user_agent, body, Deadline::after(clock::instant(), TRY)) {
            Ok(()) => {
                self.backoff.succeeded();
                true
            }
            Err(error) => {
                diagnostics::warn_once("spotlight", || {
                    format!("Spotlight cannot be reached at {}: {error}", address.authority)
                });
                false
            }
        }
    }
}
