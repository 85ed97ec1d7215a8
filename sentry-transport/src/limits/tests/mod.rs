//! Whole items.

mod caps;
mod cost;
mod hostile;
mod items;
mod property;

use sentry_core::ClientOptions;
use sentry_core::protocol::{Envelope, EnvelopeItem, Event, Transaction, Value};

use super::{Limits, Trimmed};

fn limits() -> Limits {
    Limits::new(&ClientOptions::new())
}

/// The event after the limits, as it is sent, and what was done.
fn sent(event: Event<'static>) -> (Value, Trimmed) {
    applied(&limits(), event.into())
}

fn sent_transaction(transaction: Transaction<'static>) -> (Value, Trimmed) {
    applied(&limits(), transaction.into())
}

fn applied(limits: &Limits, item: EnvelopeItem) -> (Value, Trimmed) {
    let mut envelope = Envelope::from(item);
    let trimmed = limits.apply(&mut envelope);
    (payload(&envelope), trimmed)
}

/// The payload of the first item.
fn payload(envelope: &Envelope) -> Value {
    let mut bytes = Vec::new();
    assert_eq!(envelope.write_to(&mut bytes).unwrap().losses, []);
    let payload = bytes.split(|byte| *byte == b'\n').nth(2).unwrap();
    assert!(payload.len() <= 1024 * 1024, "{} bytes", payload.len());
    serde_json::from_slice(payload).unwrap()
}

/// A value in so many lists.
fn nested(levels: u32) -> Value {
    (0..levels).fold(Value::from(1), |value, _| Value::Array(vec![value]))
}
