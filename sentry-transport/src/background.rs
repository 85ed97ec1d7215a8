//! The transport with a worker of its own.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sentry_core::options::CachePolicy;
use sentry_core::protocol::Envelope;
use sentry_core::{Gathered, LastRun, Outbound, Transport, TransportOptions, diagnostics};

use crate::driver::Runtime;
use crate::queue::{MakeSender, OpenStore, Queue, Setup};
use crate::sender::Sender;
use crate::spool::{self, Limits, Spool};
use crate::wire::Wire;

/// Losses that found no envelope to ride with leave on their own after this long.
const REPORT_INTERVAL: Duration = Duration::from_secs(30);

/// Takes items, finishes and sends them on a thread named `sentry-worker`.
///
/// - The thread is started by the first item, and by nothing else.
/// - Taking an item is a push under a lock; it never waits. What does not fit is counted as `queue_overflow`.
/// - [`flush`](Transport::flush) returns within its timeout whatever the server does, and leaves the rest queued.
/// - [`shutdown`](Transport::shutdown) returns within its timeout too; what is left then is counted.
/// - With a cache directory, what cannot be sent is kept there, and sent by this process or the next; the thread starts with
///   the transport then.
/// - Dropped without a shutdown it goes on for two seconds in the background, and nobody waits.
/// - A forked child sends what it captures itself, over a queue and connections of its own.
pub struct BackgroundTransport {
    pub(crate) queue: Queue,
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
            open_store: open_store(options),
            home: options.cache.dir.as_deref().map(|dir| spool::home(dir, &options.dsn)),
            keeps_all: options.cache.policy == CachePolicy::Always,
            pace: options.cache.pace,
            flood_control: options.flood_control,
            backpressure: options.enable_backpressure_handling,
            revival: options.revival.clone(),
            gate: options.consent_gate.clone(),
            records: OnceLock::new(),
        };
        let transport = Self { queue: Queue::new(setup, options.client_report_recorder.clone()) };
        if options.cache.dir.is_some() {
            // What an earlier process has left is sent although this one has nothing to send yet.
            transport.wake();
        }
        transport
    }
}

/// What opens the cache directory, if there is to be one.
fn open_store(options: &TransportOptions) -> Option<OpenStore> {
    let (cache, dsn) = (options.cache.clone(), options.dsn.clone());
    let dir = cache.dir?;
    let limits = Limits { items: cache.max_items.max(1), bytes: cache.max_bytes, age: cache.max_age };
    Some(Box::new(move || match Spool::open(&dir, &dsn, limits) {
        Ok(spool) => Some(Box::new(spool)),
        Err(error) => {
            diagnostics::warn_once("cache directory", || {
                format!("the cache directory cannot be used, events stay in memory: {error}")
            });
            None
        }
    }))
}

impl BackgroundTransport {
    /// Starts the worker before there is an item: what an earlier process has kept may be waiting.
    pub(crate) fn wake(&self) {
        self.queue.shared().wake();
    }
}

impl Transport for BackgroundTransport {
    fn send_envelope(&self, envelope: Envelope) {
        self.send(Outbound::from_envelope(envelope));
    }

    fn send(&self, outbound: Outbound) {
        self.queue.shared().push(outbound);
    }

    fn holds_for_consent(&self) -> bool {
        true
    }

    /// Those of one client: a second one on the same transport sends each at once.
    fn gather(&self, records: Gathered) -> bool {
        self.queue.shared().setup.records.set(records).is_ok()
    }

    fn records_wait(&self) {
        self.queue.shared().records_wait();
    }

    fn is_idle(&self) -> bool {
        self.queue.shared().is_quiet()
    }

    fn start(&self) -> LastRun {
        self.queue.shared().start()
    }

    fn send_crashes(&self, timeout: Duration) -> bool {
        self.queue.shared().send_crashes(timeout)
    }

    fn set_last_words(&self, envelope: Option<Envelope>) {
        self.queue.shared().set_last_words(envelope);
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
