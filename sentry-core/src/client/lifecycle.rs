//! Waiting for what is under way, and switching off.
//!
//! Every wait has a deadline, fixed when it begins. `flush` and `close` wait on the calling thread. Their `_async` forms
//! wait on a thread of their own, because neither a runtime nor a timer is known here; when nothing is pending they need
//! no thread.

use std::future::Future;
use std::thread;
use std::time::Duration;

use crate::client::{Client, ClientEvent, waiter};
use crate::client_report::Stats;
use crate::clock;
use crate::suppress::guarded;
use crate::transport::Transport;

/// What a flush has achieved; see [`Client::flush_report`].
///
/// The numbers count items, as [`Stats`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flush {
    /// Everything that was pending is sent, stored or given up. What `flush` would have returned.
    pub complete: bool,
    /// Acknowledged by the server during the flush.
    pub sent: u64,
    /// Stored on disk during the flush.
    pub spooled: u64,
    /// Given up during the flush, or discarded because the server limits the rate.
    pub dropped: u64,
    /// Still pending.
    pub pending: u64,
}

impl Client {
    /// Waits until everything captured so far is sent, for `timeout` at most (default: `shutdown_timeout`), and tells
    /// whether it is. The client stays usable.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn flush(&self, timeout: Option<Duration>) -> bool {
        // A panic hook flushes as well, and must not run code that may panic.
        let timeout = match thread::panicking() {
            true => self.timeout(timeout),
            false => self.announce(timeout, |timeout| ClientEvent::Flush { timeout }),
        };
        self.send_sessions();
        self.inner.hand_over(false);
        self.transport().is_none_or(|transport| flush(&*transport, timeout))
    }

    /// Flushes, and tells what has become of the items.
    ///
    /// Other threads go on capturing meanwhile, and what is sent of theirs is counted too.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn flush_report(&self, timeout: Option<Duration>) -> Flush {
        let before = self.stats();
        let complete = self.flush(timeout);
        let after = self.stats();
        let given_up = |stats: &Stats| stats.dropped.saturating_add(stats.limited);
        Flush {
            complete,
            sent: after.delivered.saturating_sub(before.delivered),
            spooled: after.spooled.saturating_sub(before.spooled),
            dropped: given_up(&after).saturating_sub(given_up(&before)),
            pending: after.queued,
        }
    }

    /// As [`flush`](Self::flush), without blocking the thread that polls it, on any executor.
    ///
    /// Begins when it is first polled. Dropped before its end, it leaves the flush to itself.
    ///
    /// ```
    /// # use sentry_core::{Client, ClientOptions};
    /// async fn handler(client: &Client) {
    ///     // …
    ///     client.flush_async(None).await;
    /// }
    /// # let client = Client::from(ClientOptions::new());
    /// # let mut future = std::pin::pin!(handler(&client));
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert!(future.as_mut().poll(&mut context).is_ready());
    /// ```
    pub fn flush_async(&self, timeout: Option<Duration>) -> impl Future<Output = bool> + Send + use<> {
        let client = self.clone();
        async move {
            if client.has_hooks() {
                let timeout = client.timeout(timeout);
                return waiter::wait("sentry-flush", timeout, move |left| client.flush(Some(left))).await;
            }
            client.send_sessions();
            client.inner.hand_over(false);
            let Some(transport) = client.transport() else { return true };
            if guarded("transport", || transport.is_idle()).unwrap_or(false) {
                return true;
            }
            let timeout = client.timeout(timeout);
            waiter::wait("sentry-flush", timeout, move |left| flush(&*transport, left)).await
        }
    }

    /// Flushes and switches the client off for good, within `timeout` (default: `shutdown_timeout`).
    ///
    /// Returns whether everything was sent. Closing twice is harmless.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn close(&self, timeout: Option<Duration>) -> bool {
        let timeout = if self.is_enabled() {
            self.announce(timeout, |timeout| ClientEvent::Close { timeout })
        } else {
            self.timeout(timeout)
        };
        self.end_sessions();
        self.inner.hand_over(true);
        self.disable().is_none_or(|transport| shutdown(&*transport, timeout))
    }

    /// As [`close`](Self::close), without blocking the thread that polls it, on any executor.
    ///
    /// Begins when it is first polled. Dropped before its end, it leaves the close to itself.
    pub fn close_async(&self, timeout: Option<Duration>) -> impl Future<Output = bool> + Send + use<> {
        let client = self.clone();
        async move {
            if client.has_hooks() {
                let closing = client.clone();
                let close = move |left| closing.close(Some(left));
                let is_closed = waiter::wait("sentry-close", client.timeout(timeout), close).await;
                // Even if no thread could be had.
                drop(client.disable());
                return is_closed;
            }
            client.end_sessions();
            client.inner.hand_over(true);
            let Some(transport) = client.disable() else { return true };
            let timeout = client.timeout(timeout);
            // Even if it looks idle: a capture on another thread may be about to hand something over.
            waiter::wait("sentry-close", timeout, move |left| shutdown(&*transport, left)).await
        }
    }

    /// Tells the hooks of what is about to happen, and returns how long it may take after that.
    fn announce(&self, timeout: Option<Duration>, event: fn(Duration) -> ClientEvent<'static>) -> Duration {
        let timeout = self.timeout(timeout);
        if !self.has_hooks() {
            return timeout;
        }
        let begun = clock::instant();
        self.tell_hooks(|| event(timeout));
        timeout.saturating_sub(clock::instant().saturating_duration_since(begun))
    }

    fn timeout(&self, timeout: Option<Duration>) -> Duration {
        timeout.unwrap_or_else(|| self.options().shutdown_timeout)
    }
}

fn flush(transport: &dyn Transport, timeout: Duration) -> bool {
    guarded("transport", || transport.flush(timeout)).unwrap_or(false)
}

fn shutdown(transport: &dyn Transport, timeout: Duration) -> bool {
    guarded("transport", || transport.shutdown(timeout)).unwrap_or(false)
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
