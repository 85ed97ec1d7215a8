//! A transport that keeps what it is given.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::outbound::Outbound;
use crate::protocol::{Envelope, EnvelopeItem, Event};
use crate::sync::lock;
use crate::telemetry::Telemetry;
use crate::transport::Transport;

/// Keeps envelopes in memory for a test to look at.
#[derive(Debug, Default)]
pub struct TestTransport {
    collected: Mutex<Vec<Envelope>>,
    records: Mutex<Vec<Telemetry>>,
}

/// Logs or metrics of one envelope (protocol.md 1.6).
const MAX_RECORDS: usize = 100;

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
        self.batch();
        std::mem::take(&mut lock(&self.collected))
    }

    /// Puts logs, metrics and spans side by side, as they are sent.
    fn batch(&self) {
        let records = std::mem::take(&mut *lock(&self.records));
        let mut batches: Vec<Vec<Telemetry>> = Vec::new();
        for record in records {
            let fits = |batch: &&mut Vec<Telemetry>| {
                let is_like = |other: &Telemetry| {
                    other.kind() == record.kind() && other.trace_id() == record.trace_id()
                };
                batch.len() < MAX_RECORDS && batch.first().is_some_and(is_like)
            };
            match batches.iter_mut().find(fits) {
                Some(batch) => batch.push(record),
                None => batches.push(vec![record]),
            }
        }
        for batch in batches {
            self.send_envelope(typed(Telemetry::envelope(&batch)));
        }
    }
}

impl Transport for TestTransport {
    fn send_envelope(&self, envelope: Envelope) {
        lock(&self.collected).push(envelope);
    }

    fn send(&self, outbound: Outbound) {
        match outbound.into_telemetry() {
            Ok(record) => lock(&self.records).push(record),
            Err(outbound) => self.send_envelope(typed(outbound.finish())),
        }
    }

    fn flush(&self, _timeout: Duration) -> bool {
        self.batch();
        true
    }
}

/// Items that are encoded already as what they are, for a test to look at.
fn typed(envelope: Envelope) -> Envelope {
    // Sessions are encoded because the published types cannot hold all that they say.
    let is_typed = |item: &EnvelopeItem| match item {
        EnvelopeItem::Unknown(item) => matches!(item.ty(), "log" | "trace_metric" | "span" | "check_in"),
        _ => false,
    };
    if !envelope.items().any(is_typed) {
        return envelope;
    }
    let mut bytes = Vec::new();
    let read = envelope.to_writer(&mut bytes).ok().and_then(|()| Envelope::from_slice(&bytes).ok());
    read.unwrap_or(envelope)
}
