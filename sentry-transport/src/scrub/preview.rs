//! Seeing what would leave before anything does.

use sentry_core::protocol::{Envelope, EnvelopeItem, Event, Map, Transaction, Value};

use super::clean::What;
use super::json;
use super::rules::{Rules, Source};
use super::scrubber::Scrubber;

pub(super) fn preview(scrubber: &Scrubber, rules: &Rules, json: &str) -> String {
    let fields: Map<String, Value> = match serde_json::from_str(json) {
        Ok(fields) => fields,
        Err(_) => return envelope(scrubber, json).unwrap_or_else(|| text(rules, json)),
    };
    let has = |name: &str| fields.contains_key(name);
    let outcome = if has("spans") && has("start_timestamp") {
        let transaction = serde_json::from_str::<Transaction<'static>>(json);
        return transaction.map_or_else(|_| text(rules, json), |it| typed(scrubber, it.into()));
    } else if has("items") && has("version") {
        json::batch(rules, json.as_bytes())
    } else if has("attributes") {
        json::record(rules, json.as_bytes())
    } else if ["event_id", "exception", "message", "logentry", "breadcrumbs", "extra", "request"]
        .iter()
        .any(|it| has(it))
    {
        let event = serde_json::from_str::<Event<'static>>(json);
        return event.map_or_else(|_| text(rules, json), |it| typed(scrubber, it.into()));
    } else {
        json::any(rules, json.as_bytes(), Source::User)
    };
    outcome.json.map_or_else(|| json.to_owned(), |json| String::from_utf8_lossy(&json).into_owned())
}

fn typed(scrubber: &Scrubber, item: EnvelopeItem) -> String {
    let mut envelope = Envelope::from(item);
    scrubber.scrub(&mut envelope);
    let json = envelope.into_items().next().and_then(|item| match item {
        EnvelopeItem::Event(event) => serde_json::to_string_pretty(&event).ok(),
        EnvelopeItem::Transaction(transaction) => serde_json::to_string_pretty(&transaction).ok(),
        _ => None,
    });
    json.unwrap_or_default()
}

fn envelope(scrubber: &Scrubber, bytes: &str) -> Option<String> {
    let mut envelope = Envelope::from_slice(bytes.as_bytes()).ok().filter(|envelope| !envelope.is_empty())?;
    scrubber.scrub(&mut envelope);
    let mut left = Vec::new();
    envelope.to_writer(&mut left).ok()?;
    Some(String::from_utf8_lossy(&left).into_owned())
}

/// Anything else: JSON that is no object, or just text.
fn text(rules: &Rules, text: &str) -> String {
    if text.trim_ascii_start().starts_with(['[', '{']) {
        let outcome = json::any(rules, text.as_bytes(), Source::User);
        if outcome.is_json {
            return outcome
                .json
                .map_or_else(|| text.to_owned(), |json| String::from_utf8_lossy(&json).into_owned());
        }
    }
    rules.clean("", text, What::Text, Source::User).map_or_else(|| text.to_owned(), |cleaned| cleaned.text)
}
