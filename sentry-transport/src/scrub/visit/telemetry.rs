//! Logs, metrics and streamed spans, and whatever else is encoded already.

use sentry_core::envelope::UnknownItem;
use sentry_core::options::ScrubField;
use sentry_core::protocol::{ItemContainer, LogAttribute, Map, Value};

use super::Visit;
use crate::scrub::clean::What;
use crate::scrub::json;
use crate::scrub::notes::Notes;
use crate::scrub::rules::{Rules, Source};
use crate::scrub::trail::Trail;

/// Says who wrote a record.
const ORIGIN: &str = "sentry.origin";

pub(super) fn container(rules: &Rules, container: &mut ItemContainer) {
    let mut visit = Visit::new(rules, Notes::silent());
    match container {
        ItemContainer::Logs(logs) if rules.covers(ScrubField::Logs) => {
            for log in logs {
                let source = source_of(log.attributes.get(ORIGIN).map(|attribute| &attribute.0));
                visit.with_source(Source::Automatic, |visit| {
                    visit.text(&Trail::ROOT, "body", &mut log.body, What::Text);
                });
                visit.with_source(source, |visit| visit.attributes(&mut log.attributes));
            }
        }
        ItemContainer::Metrics(metrics) if rules.covers(ScrubField::Metrics) => {
            for metric in metrics {
                let source = source_of(metric.attributes.get(ORIGIN).map(|attribute| &attribute.0));
                visit.with_source(source, |visit| visit.attributes(&mut metric.attributes));
            }
        }
        ItemContainer::Spans(spans) if rules.covers(ScrubField::Spans) => {
            spans.iter_mut().for_each(|span| visit.span_v2(span));
        }
        _ => {}
    }
}

/// Items that are bytes already: records of a batch, and envelopes that were read.
pub(super) fn encoded(rules: &Rules, item: &mut UnknownItem) {
    let (field, is_batch) = match item.ty() {
        "log" => (ScrubField::Logs, true),
        "trace_metric" => (ScrubField::Metrics, true),
        "span" => (ScrubField::Spans, true),
        "event" => (ScrubField::Messages, false),
        "transaction" => (ScrubField::Spans, false),
        "feedback" => (ScrubField::Feedback, false),
        "check_in" => (ScrubField::Monitors, false),
        "session" | "sessions" => (ScrubField::Sessions, false),
        _ => return,
    };
    if !rules.covers(field) {
        return;
    }
    let outcome = if is_batch {
        json::batch(rules, item.payload())
    } else {
        json::any(rules, item.payload(), Source::User)
    };
    let Some(payload) = outcome.json else { return };
    let headers: Map<String, Value> = serde_json::from_slice(item.header_line()).unwrap_or_default();
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.clone()));
    *item = UnknownItem::new(item.ty(), headers, payload);
}

fn source_of(origin: Option<&Value>) -> Source {
    match origin {
        Some(Value::String(origin)) if origin.starts_with("auto.") => Source::Automatic,
        _ => Source::User,
    }
}

impl Visit<'_> {
    fn attributes<K: AsRef<str> + Ord>(&mut self, attributes: &mut Map<K, LogAttribute>) {
        for (name, attribute) in attributes.iter_mut() {
            let name = name.as_ref();
            let what = self.rules.named(name);
            self.with_source(json::of_attribute(name, self.source), |visit| {
                visit.value(&Trail::ROOT, name, &mut attribute.0, what);
            });
        }
    }

    fn span_v2(&mut self, span: &mut Value) {
        let origin = span.pointer("/attributes/sentry.origin/value");
        let source = source_of(origin);
        if let Some(name) = span.get_mut("name") {
            self.with_source(Source::Automatic, |visit| visit.value(&Trail::ROOT, "name", name, What::Text));
        }
        self.with_source(source, |visit| {
            visit.attributes_v2(span.get_mut("attributes"));
            for link in span.get_mut("links").and_then(Value::as_array_mut).into_iter().flatten() {
                visit.attributes_v2(link.get_mut("attributes"));
            }
        });
    }

    fn attributes_v2(&mut self, attributes: Option<&mut Value>) {
        for (name, attribute) in attributes.and_then(Value::as_object_mut).into_iter().flatten() {
            let what = self.rules.named(name);
            let source = json::of_attribute(name, self.source);
            let Some(value) = attribute.get_mut("value") else {
                self.with_source(source, |visit| visit.value(&Trail::ROOT, name, attribute, what));
                continue;
            };
            let was_text = value.is_string() || value.is_array();
            self.with_source(source, |visit| visit.value(&Trail::ROOT, name, value, what));
            if !was_text && value.is_string() {
                attribute["type"] = Value::from("string");
            }
        }
    }
}
