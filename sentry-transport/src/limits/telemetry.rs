//! Logs, metrics and streamed spans. They are encoded when they come here, so nothing but their size is looked at.

use sentry_core::envelope::UnknownItem;
use sentry_core::protocol::client_report::{Category, ItemLoss, Reason};
use sentry_core::protocol::value::Map as Fields;
use sentry_core::protocol::{ItemContainer, Value};

use super::caps::ITEM;
use super::measure;
use super::stage::Trimmed;

/// One record: a batch adds its own few bytes.
const RECORD: usize = ITEM - 4096;

/// Rather than with texts this short, a record goes as a whole.
const SHORTEST: usize = 64;

/// Records of one item.
const RECORDS: usize = 100;

/// What is left of an encoded record. `None`: all of it.
pub(super) fn record(json: &[u8]) -> Option<Vec<u8>> {
    if json.len() <= RECORD {
        return None;
    }
    let mut record: Value = serde_json::from_slice(json).ok()?;
    fit(&mut record, RECORD).then(|| serde_json::to_vec(&record).ok()).flatten()
}

/// A batch: records that are too large are shortened.
pub(super) fn encoded(item: &mut UnknownItem, trimmed: &mut Trimmed) {
    if item.payload().len() <= ITEM {
        return;
    }
    let category = match item.ty() {
        "log" => Category::LogItem,
        "trace_metric" => Category::TraceMetric,
        "span" => Category::Span,
        _ => return,
    };
    let Ok(mut payload) = serde_json::from_slice::<Value>(item.payload()) else { return };
    let Some(Value::Array(records)) = payload.get_mut("items") else { return };
    shorten(records, category, trimmed);
    let count = records.len();
    let Ok(Value::Object(headers)) = serde_json::from_slice::<Value>(item.header_line()) else { return };
    let Ok(payload) = serde_json::to_vec(&payload) else { return };
    let headers = headers.iter().map(|(name, value)| match name.as_str() {
        "item_count" => (name.as_str(), Value::from(count)),
        name => (name, value.clone()),
    });
    *item = UnknownItem::new(item.ty(), headers.collect::<Vec<_>>(), payload);
}

/// The same for records that are not encoded, which only envelopes of the application's own have.
pub(super) fn container(container: &mut ItemContainer, trimmed: &mut Trimmed) {
    let size = match container {
        ItemContainer::Logs(logs) => measure::of(|to| serde_json::to_writer(to, logs)),
        ItemContainer::Metrics(metrics) => measure::of(|to| serde_json::to_writer(to, metrics)),
        ItemContainer::Spans(spans) => measure::of(|to| serde_json::to_writer(to, spans)),
        _ => return,
    };
    if size <= RECORD {
        return;
    }
    match container {
        ItemContainer::Logs(logs) => {
            lose(logs, RECORDS, Category::LogItem, trimmed);
            let each = RECORD / logs.len().max(1);
            for log in logs {
                cut(&mut log.body, each / 2, trimmed);
                let mut left = each / 4;
                log.attributes.retain(|name, attribute| {
                    shorten_texts(&mut attribute.0, left.max(SHORTEST));
                    let cost = name.len() + 40 + measure::of_value(&attribute.0);
                    let is_kept = cost <= left;
                    left = left.saturating_sub(cost);
                    is_kept
                });
            }
        }
        ItemContainer::Metrics(metrics) => {
            lose(metrics, RECORDS, Category::TraceMetric, trimmed);
            let each = RECORD / metrics.len().max(1);
            for metric in metrics {
                let mut left = each / 2;
                metric.attributes.retain(|name, attribute| {
                    shorten_texts(&mut attribute.0, left.max(SHORTEST));
                    let cost = name.len() + 40 + measure::of_value(&attribute.0);
                    let is_kept = cost <= left;
                    left = left.saturating_sub(cost);
                    is_kept
                });
            }
        }
        ItemContainer::Spans(spans) => shorten(spans, Category::Span, trimmed),
        _ => {}
    }
}

/// Makes a list of records fit one item.
fn shorten(records: &mut Vec<Value>, category: Category, trimmed: &mut Trimmed) {
    // Each has its share; what small ones leave over is for the others.
    let mut left = RECORD;
    let mut count = records.len();
    let before = count;
    records.sort_by_cached_key(measure::of_value);
    records.retain_mut(|record| {
        let share = left / count.max(1);
        count -= 1;
        let size = measure::of_value(record) + 1;
        if size > share {
            trimmed.cuts += 1;
            if !fit(record, share.saturating_sub(1)) {
                return false;
            }
        }
        left = left.saturating_sub(measure::of_value(record) + 1);
        true
    });
    let lost = (before - records.len()) as u64;
    if lost > 0 {
        trimmed.losses.push(ItemLoss::new(category, lost).with_reason(Reason::Invalid));
    }
}

/// Shortens its longest texts, and then leaves out its last attributes. Tells whether it fits.
fn fit(record: &mut Value, bytes: usize) -> bool {
    let mut most = bytes / 2;
    while measure::of_value(record) > bytes && most >= SHORTEST {
        shorten_texts(record, most);
        most /= 2;
    }
    while measure::of_value(record) > bytes {
        let Some(attributes) = record.get_mut("attributes").and_then(Value::as_object_mut) else { break };
        if attributes.is_empty() {
            break;
        }
        let half = attributes.len() / 2;
        *attributes = std::mem::take(attributes).into_iter().take(half).collect::<Fields<_, _>>();
    }
    measure::of_value(record) <= bytes
}

fn shorten_texts(value: &mut Value, most: usize) {
    match value {
        Value::String(text) if text.len() > most => {
            let mut end = most.saturating_sub(3);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            text.push_str("...");
        }
        // Parsed JSON is not deep.
        Value::Array(values) => values.iter_mut().for_each(|value| shorten_texts(value, most)),
        Value::Object(fields) => fields.values_mut().for_each(|value| shorten_texts(value, most)),
        _ => {}
    }
}

fn cut(text: &mut String, most: usize, trimmed: &mut Trimmed) {
    if text.len() > most {
        let mut value = Value::String(std::mem::take(text));
        shorten_texts(&mut value, most);
        if let Value::String(short) = value {
            *text = short;
        }
        trimmed.cuts += 1;
    }
}

fn lose<T>(records: &mut Vec<T>, most: usize, category: Category, trimmed: &mut Trimmed) {
    if let Some(lost) = records.len().checked_sub(most).filter(|lost| *lost > 0) {
        records.truncate(most);
        trimmed.losses.push(ItemLoss::new(category, lost as u64).with_reason(Reason::Invalid));
    }
}
