//! Attributes as data.

use opentelemetry::{Array, KeyValue, Value as Attribute};
use sentry_core::protocol::{Map, Value};

/// All of them; of two with one name the later counts.
pub(super) fn values(attributes: &[KeyValue]) -> Map<String, Value> {
    let values = attributes.iter().filter_map(|it| Some((it.key.as_str().to_owned(), value(&it.value)?)));
    values.collect()
}

/// The text with a name.
pub(super) fn text<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a str> {
    match &attributes.iter().rfind(|it| it.key.as_str() == name)?.value {
        Attribute::String(text) => Some(text.as_str()),
        _ => None,
    }
}

/// `None`: JSON has no such number, or there is a new kind of value.
fn value(value: &Attribute) -> Option<Value> {
    Some(match value {
        Attribute::Bool(value) => (*value).into(),
        Attribute::I64(value) => (*value).into(),
        Attribute::F64(value) => finite(*value)?,
        Attribute::String(value) => value.as_str().into(),
        Attribute::Array(Array::Bool(values)) => values.clone().into(),
        Attribute::Array(Array::I64(values)) => values.clone().into(),
        Attribute::Array(Array::F64(values)) => {
            values.iter().filter_map(|value| finite(*value)).collect::<Vec<_>>().into()
        }
        Attribute::Array(Array::String(values)) => {
            values.iter().map(|value| value.as_str()).collect::<Vec<_>>().into()
        }
        other => other.to_string().into(),
    })
}

fn finite(number: f64) -> Option<Value> {
    number.is_finite().then(|| number.into())
}

#[cfg(test)]
mod tests {
    use opentelemetry::StringValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_value_is_kept_and_the_later_of_two_counts() {
        let texts = Array::String(vec![StringValue::from("a"), StringValue::from("b")]);
        let attributes = [
            KeyValue::new("text", "first"),
            KeyValue::new("flag", true),
            KeyValue::new("number", 7),
            KeyValue::new("float", 0.5),
            KeyValue::new("nan", f64::NAN),
            KeyValue::new("texts", Attribute::Array(texts)),
            KeyValue::new("floats", Attribute::Array(Array::F64(vec![1.5, f64::INFINITY]))),
            KeyValue::new("text", "last"),
        ];
        let expected = json!({"text": "last", "flag": true, "number": 7, "float": 0.5, "texts": ["a", "b"], "floats": [1.5]});
        assert_eq!(Value::Object(values(&attributes).into_iter().collect()), expected);
        assert_eq!((text(&attributes, "text"), text(&attributes, "flag")), (Some("last"), None));
    }
}
