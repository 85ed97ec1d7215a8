//! A transport that keeps what it is given.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::protocol::{Envelope, Event};
use crate::sync::lock;
use crate::transport::Transport;

/// Keeps envelopes in memory for a test to look at.
#[derive(Debug, Default)]
pub struct TestTransport {
    collected: Mutex<Vec<Envelope>>,
}

impl TestTransport {
    /// An empty one.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Takes the events out of what was collected, and forgets the rest.
    pub fn fetch_and_clear_events(&self) -> Vec<Event<'static>> {
        let envelopes = self.fetch_and_clear_envelopes();
        envelopes.iter().filter_map(|envelope| envelope.event().cloned()).collect()
    }

    /// Takes the envelopes that were collected.
    pub fn fetch_and_clear_envelopes(&self) -> Vec<Envelope> {
        std::mem::take(&mut lock(&self.collected))
    }
}

impl Transport for TestTransport {
    fn send_envelope(&self, envelope: Envelope) {
        lock(&self.collected).push(envelope);
    }

    fn flush(&self, _timeout: Duration) -> bool {
        true
    }
}
