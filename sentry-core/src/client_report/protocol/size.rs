//! How many bytes something takes on the wire, roughly: quotas and queues are about sizes, not about exact sizes.

use serde_json::Value;

use crate::protocol::{Log, LogAttribute, Metric};

/// Time, level or type, trace id and their keys.
const RECORD: usize = 110;
/// `{"value":,"type":"…"}` with the quotes and the colon of the key.
const ATTRIBUTE: usize = 32;

pub(crate) fn log(log: &Log) -> usize {
    RECORD + log.body.len() + attributes(&log.attributes)
}

pub(crate) fn metric(metric: &Metric) -> usize {
    RECORD + metric.name.len() + attributes(&metric.attributes)
}

pub(crate) fn value(json: &Value) -> usize {
    at_depth(json, 0)
}

/// What lies deeper than a server would read counts little: recursion has to end.
fn at_depth(json: &Value, depth: u32) -> usize {
    const DEEPEST: u32 = 128;
    let value = |json| at_depth(json, depth + 1);
    match json {
        Value::Array(_) | Value::Object(_) if depth >= DEEPEST => 5,
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(elements) => 2 + elements.iter().map(|element| value(element) + 1).sum::<usize>(),
        Value::Object(fields) => {
            2 + fields.iter().map(|(key, field)| key.len() + value(field) + 4).sum::<usize>()
        }
    }
}

fn attributes<'a, K: AsRef<str> + 'a>(
    attributes: impl IntoIterator<Item = (&'a K, &'a LogAttribute)>,
) -> usize {
    attributes.into_iter().map(|(key, attribute)| ATTRIBUTE + key.as_ref().len() + value(&attribute.0)).sum()
}
