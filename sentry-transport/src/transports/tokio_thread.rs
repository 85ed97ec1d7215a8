//! A thread with a tokio runtime around an asynchronous closure.

use std::time::Duration;

use sentry_core::client_report::Recorder;
use sentry_core::diagnostics;
use sentry_core::protocol::Envelope;
use tokio::runtime::Builder;

use super::mailbox::{CAPACITY, Mailbox};
use crate::rate_limit::RateLimiter;

/// A thread that hands envelopes to an asynchronous closure, one after the other, inside a tokio runtime.
///
/// New transports are better off with a [`Sender`](crate::Sender), which shares queue, retries and deadlines.
#[derive(Debug)]
pub struct TokioTransportThread {
    mailbox: Mailbox,
}

impl TokioTransportThread {
    /// Starts the thread with the default options.
    #[deprecated(since = "0.49.100", note = "use `TokioTransportThreadOptions` instead")]
    #[must_use]
    pub fn new<SendFn, SendFuture>(send: SendFn) -> Self
    where
        SendFn: FnMut(Envelope, RateLimiter) -> SendFuture + Send + 'static,
        SendFuture: Future<Output = RateLimiter>,
    {
        TokioTransportThreadOptions::new(send).spawn_thread()
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

/// Builds a [`TokioTransportThread`].
#[derive(Debug)]
#[must_use = "options do nothing until the thread is spawned"]
pub struct TokioTransportThreadOptions<F> {
    send: F,
    capacity: usize,
    recorder: Recorder,
}

impl<F, SendFuture> TokioTransportThreadOptions<F>
where
    F: FnMut(Envelope, RateLimiter) -> SendFuture + Send + 'static,
    SendFuture: Future<Output = RateLimiter>,
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
    pub fn spawn_thread(self) -> TokioTransportThread {
        let mut send = self.send;
        let make = move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.inspect_err(|error| {
                diagnostics::warn_once("transport runtime", || {
                    format!("no runtime for the transport: {error}")
                });
            });
            let runtime = runtime.ok()?;
            Some(move |envelope, limiter| runtime.block_on(send(envelope, limiter)))
        };
        TokioTransportThread { mailbox: Mailbox::start(self.capacity, self.recorder, make) }
    }
}
