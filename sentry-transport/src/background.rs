//! The transport with a worker of its own.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use sentry_core::protocol::Envelope;
use sentry_core::{Outbound, Transport, TransportOptions};

use crate::driver::Runtime;
use crate::queue::{MakeSender, Queue, Setup};
use crate::sender::Sender;
use crate::wire::Wire;

/// Losses that found no envelope to ride with leave on their own after this long.
const REPORT_INTERVAL: Duration = Duration::from_secs(30);

/// Takes items, finishes and sends them on a thread named `sentry-worker`.
///
/// - The thread is started by the first item, and by nothing else.
/// - Taking an item is a push under a lock; it never waits. What does not fit is counted as `queue_overflow`.
/// - [`flush`](Transport::flush) returns within its timeout whatever the server does, and leaves the rest queued.
/// - [`shutdown`](Transport::shutdown) returns within its timeout too; what is left then is counted.
/// - Dropped without a shutdown it goes on for two seconds in the background, and nobody waits.
/// - A forked child sends what it captures itself, over a queue and connections of its own.
pub struct BackgroundTransport {
    queue: Queue,
}

impl BackgroundTransport {
    /// A transport over a sender that needs no runtime around it.
    #[must_use]
    pub fn with_sender(options: &TransportOptions, sender: Arc<dyn Sender>) -> Self {
        Self::new(options, Box::new(move || Arc::clone(&sender)), Runtime::Park)
    }

    pub(crate) fn new(options: &TransportOptions, make_sender: MakeSender, runtime: Runtime) -> Self {
        let setup = Setup {
            make_sender,
            runtime,
            report_interval: REPORT_INTERVAL,
            wire: Wire::new(options),
            errors: options.transport_channel_capacity.map(NonZeroUsize::get),
            request_timeout: options.http.request_timeout,
            max_in_flight: options.http.max_in_flight,
            flood_control: options.flood_control,
            backpressure: options.enable_backpressure_handling,
        };
        Self { queue: Queue::new(setup, options.client_report_recorder.clone()) }
    }
}

impl Transport for BackgroundTransport {
    fn send_envelope(&self, envelope: Envelope) {
        self.send(Outbound::from_envelope(envelope));
    }

    fn send(&self, outbound: Outbound) {
        self.queue.shared().push(outbound);
    }

    fn is_idle(&self) -> bool {
        self.queue.shared().is_quiet()
    }

    fn flush(&self, timeout: Duration) -> bool {
        self.queue.shared().flush(timeout)
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        self.queue.shared().close(timeout)
    }
}

impl Drop for BackgroundTransport {
    fn drop(&mut self) {
        self.queue.shared().detach();
    }
}

impl fmt::Debug for BackgroundTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackgroundTransport").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "background_tests.rs"]
mod tests;
