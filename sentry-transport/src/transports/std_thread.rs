//! A thread around a blocking closure.

use std::time::Duration;

use sentry_core::client_report::Recorder;
use sentry_core::protocol::Envelope;

use super::mailbox::{CAPACITY, Mailbox};
use crate::rate_limit::RateLimiter;

/// A thread that hands envelopes to a blocking closure, one after the other.
///
/// New transports are better off with a [`Sender`](crate::Sender), which shares queue, retries and deadlines.
#[derive(Debug)]
pub struct StdTransportThread {
    mailbox: Mailbox,
}

impl StdTransportThread {
    /// Starts the thread with the default options.
    #[deprecated(since = "0.49.100", note = "use `StdTransportThreadOptions` instead")]
    #[must_use]
    pub fn new<SendFn>(send: SendFn) -> Self
    where
        SendFn: FnMut(Envelope, &mut RateLimiter) + Send + 'static,
    {
        StdTransportThreadOptions::new(send).spawn_thread()
    }

    /// Queues an envelope; one that does not fit is counted as lost.
    pub fn send(&self, envelope: Envelope) {
        self.mailbox.send(envelope);
    }

    /// Waits until everything queued before has been handed over, for `timeout` at most; tells whether it has.
    #[expect(
        clippy::must_use_candidate,
        reason = "published without it, and waiting is an effect of its own"
    )]
    pub fn flush(&self, timeout: Duration) -> bool {
        self.mailbox.flush(timeout)
    }
}

/// Builds a [`StdTransportThread`].
#[derive(Debug)]
#[must_use = "options do nothing until the thread is spawned"]
pub struct StdTransportThreadOptions<F> {
    send: F,
    capacity: usize,
    recorder: Recorder,
}

impl<F> StdTransportThreadOptions<F>
where
    F: FnMut(Envelope, &mut RateLimiter) + Send + 'static,
{
    /// Options for this closure.
    pub fn new(send: F) -> Self {
        Self { send, capacity: CAPACITY, recorder: Recorder::default() }
    }

    /// How many envelopes wait at most.
    pub fn with_channel_capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Where losses are counted.
    pub fn with_client_report_recorder(mut self, recorder: Recorder) -> Self {
        self.recorder = recorder;
        self
    }

    /// Starts the thread.
    #[must_use]
    pub fn spawn_thread(self) -> StdTransportThread {
        let mut send = self.send;
        let step = move |envelope, mut limiter: RateLimiter| {
            send(envelope, &mut limiter);
            limiter
        };
        StdTransportThread { mailbox: Mailbox::start(self.capacity, self.recorder, || Some(step)) }
    }
}
