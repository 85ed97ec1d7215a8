//! Copies for [Spotlight](https://spotlightjs.com) on the developer's machine (protocol section 21.1).
//!
//! ```text
//! FanOut ── Outbound (clone) ──► queue, bounded, of its own ──► worker "sentry-spotlight": finish ─ encode ─ POST
//! ```
//!
//! Nothing here touches what goes to the server: not its queue, not its rate limits, not its client reports. What does not
//! fit or cannot be delivered is gone without being counted, for it is a copy. While Spotlight is away, it is tried again
//! after 1 s, 2 s, … 60 s; an envelope gets one more try and is dropped then, and the first failure is said once.
//!
//! Without the user's consent nothing is shown either, and nothing is held for later: the address may be another machine, and
//! whoever develops a dialog that asks for consent sees here what a server would see.
//!
//! A scrubber, once there is one, belongs to the way to the server only: what stays on this machine keeps its personal data.

mod address;
mod backoff;
mod post;
mod queue;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use sentry_core::{ClientOptions, Outbound, clock, diagnostics};

use self::address::Address;
use self::queue::Queue;
use crate::generations::PerProcess;
use crate::sender::Deadline;

/// The way to Spotlight.
#[derive(Debug)]
pub(crate) struct Spotlight {
    queues: PerProcess<Arc<Queue>>,
}

impl Spotlight {
    /// If it is switched on, and its address makes sense. No thread is started yet.
    pub(crate) fn of(options: &ClientOptions) -> Option<Self> {
        let url = options.spotlight.url()?;
        options.consent_gate.require(options.consent);
        let address = Address::parse(url);
        if address.is_none() {
            diagnostics::warn_once("spotlight address", || {
                "Spotlight gets nothing: its address is not of the form http://host:port/path".into()
            });
        }
        Some(Self {
            queues: PerProcess::new(Queue::new(address?, &options.user_agent, options.consent_gate.clone())),
        })
    }

    /// The queue of this process: what is in that of a parent is for the parent to send.
    fn queue(&self) -> &Arc<Queue> {
        self.queues.get(|parent| Queue::new(parent.address.clone(), &parent.user_agent, parent.gate.clone()))
    }

    /// Takes a copy, or forgets it. Never waits.
    pub(crate) fn send(&self, copy: Outbound) {
        self.queue().push(copy);
    }

    /// Whether no copy waits for its try.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue().is_idle()
    }

    /// Waits until every copy has had its try, for `timeout` at most. Tells whether they have been delivered.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        self.queue().flush(Deadline::after(clock::instant(), timeout))
    }

    /// As [`flush`](Self::flush), and nothing is taken any more.
    pub(crate) fn close(&self, timeout: Duration) -> bool {
        let delivered = self.flush(timeout);
        self.queue().close();
        delivered
    }
}

impl Drop for Spotlight {
    fn drop(&mut self) {
        // A child that never used it leaves the parent's alone.
        if let Some(queue) = self.queues.get_if_made() {
            queue.close();
        }
    }
}

#[cfg(test)]
mod tests;
