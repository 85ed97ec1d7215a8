//! From records to the bytes of a request, read back by the SDK and by a reader that shares no code with it.

use std::collections::HashMap;
use std::sync::Arc;

use sentry_core::Telemetry;
use sentry_core::envelope::{EnvelopeItem, ItemContainer};
use sentry_core::protocol::client_report::{Category, LossSource};
use sentry_core::protocol::{DynamicSamplingContext, Envelope, TraceId};
use serde_json::{Value, json};

use super::{Batcher, Bounds};
use crate::rate_limit::Limits;
use crate::sender::Response;

fn written(records: &[Telemetry]) -> (Vec<u8>, Envelope) {
    let envelope = Telemetry::envelope(records);
    let mut bytes = Vec::new();
    envelope.to_writer(&mut bytes).unwrap();
    (bytes, envelope)
}

/// What an independent reader finds: headers of the envelope, headers of its only item, records.
fn read(bytes: &[u8]) -> (Value, Value, Vec<Value>) {
    let envelope = ingest::Envelope::parse(bytes).unwrap();
    let [item] = &envelope.items[..] else { panic!("one item per envelope") };
    let payload = item.json();
    assert_eq!(payload["version"], 2);
    assert_eq!(item.headers["length"], item.payload.len());
    (envelope.headers, item.headers.clone(), payload["items"].as_array().unwrap().clone())
}

fn log(body: &str) -> Value {
    json!({"timestamp": 1.5, "trace_id": "5b8efff798038103d269b633813fc60c", "level": "info", "body": body})
}

fn metric(value: i64) -> Value {
    json!({"timestamp": 1.5, "trace_id": "5b8efff798038103d269b633813fc60c", "type": "counter", "name": "hits",
           "value": value})
}

fn bytes_of(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

#[test]
fn logs_and_metrics_have_their_headers_and_no_trace() {
    let logs = [log("a"), log("line\nbreak"), log("\u{1f980}")];
    let (bytes, _) = written(&logs.each_ref().map(|log| Telemetry::log(bytes_of(log))));
    let (envelope, item, items) = read(&bytes);
    assert_eq!(items, logs);
    assert_eq!(item["type"], "log");
    assert_eq!(item["item_count"], 3);
    assert_eq!(item["content_type"], "application/vnd.sentry.items.log+json");
    assert!(envelope.get("trace").is_none() && envelope.get("event_id").is_none());

    let metrics = [metric(1), metric(2)];
    let (bytes, _) = written(&metrics.each_ref().map(|metric| Telemetry::metric(bytes_of(metric))));
    let (envelope, item, items) = read(&bytes);
    assert_eq!(items, metrics);
    assert_eq!(item["type"], "trace_metric");
    assert_eq!(item["item_count"], 2);
    assert_eq!(item["content_type"], "application/vnd.sentry.items.trace-metric+json");
    assert!(envelope.get("trace").is_none());
    let read = Envelope::from_slice(&bytes).unwrap();
    assert!(
        matches!(read.items().next(), Some(EnvelopeItem::ItemContainer(ItemContainer::Metrics(items))) if items.len() == 2)
    );
}

#[test]
fn spans_of_a_thousand_traces_come_back_each_with_its_own() {
    let mut seed = 3u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let mut batcher = Batcher::new(Bounds { items: 50, bytes: 20_000 });
    let now = sentry_core::clock::instant();
    let mut sent: HashMap<String, Vec<Value>> = HashMap::new();
    let mut batches = Vec::new();
    for number in 0..10_000 {
        let trace_id = TraceId::from(u128::from(random(1_000) + 1).to_be_bytes());
        let name = "x".repeat(random(500) as usize);
        let span =
            json!({"trace_id": trace_id.to_string(), "span_id": format!("{number:016x}"), "name": name});
        let context = Arc::new(DynamicSamplingContext::new());
        let record = Telemetry::span(bytes_of(&span), trace_id, context);
        let bytes = record.json().len() + 1;
        sent.entry(trace_id.to_string()).or_default().push(span);
        batches.extend(batcher.add(record.trace_id(), record, (1, bytes, number), now));
    }
    batches.extend(batcher.drain());
    let mut received: HashMap<String, Vec<Value>> = HashMap::new();
    for batch in batches {
        let (bytes, envelope) = written(&batch.items);
        let (headers, item, items) = read(&bytes);
        assert_eq!(item["type"], "span");
        assert_eq!(item["content_type"], "application/vnd.sentry.items.span.v2+json");
        assert_eq!(item["item_count"], items.len());
        assert_eq!(batch.epochs.iter().map(|(_, count)| count).sum::<usize>(), items.len());
        let [lost] = envelope.losses().collect::<Vec<_>>()[..] else { panic!("spans only") };
        assert_eq!((lost.category, lost.quantity), (Category::Span, items.len() as u64));
        let trace = headers["trace"]["trace_id"].as_str().unwrap().to_owned();
        assert!(items.iter().all(|span| span["trace_id"] == *trace));
        received.entry(trace).or_default().extend(items);
    }
    assert_eq!(received, sent);
}

#[test]
fn a_batch_obeys_the_limits_of_its_category() {
    let now = sentry_core::clock::instant();
    let context = Arc::new(DynamicSamplingContext::new());
    let logs = [Telemetry::log(bytes_of(&log("a")))];
    let metrics = [Telemetry::metric(bytes_of(&metric(1)))];
    let spans = [Telemetry::span(b"{}".to_vec(), TraceId::default(), context)];
    for (limit, records) in [
        ("60:log_item:key", &logs),
        ("60:log_byte:key", &logs),
        ("60:trace_metric:key", &metrics),
        ("60:trace_metric_byte:key", &metrics),
        ("60:span:key", &spans),
        ("60::key", &spans),
    ] {
        let mut limits = Limits::default();
        let response = Response::new(200).with_header("x-sentry-rate-limits", limit);
        assert!(limits.learn(&response, now, sentry_core::clock::now()));
        for others in [&logs, &metrics, &spans] {
            let is_kept = limits.filter(Telemetry::envelope(others), now).kept.is_some();
            let is_meant = others[0].kind() == records[0].kind() || limit.contains("::");
            assert_eq!(is_kept, !is_meant, "{limit} {:?}", others[0].kind());
        }
    }
}
