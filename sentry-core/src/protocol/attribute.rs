//! The typed values of logs and metrics.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Number, Value};

use super::Quantity;
use crate::json;

/// A value with a type, written as `{"value": …, "type": …}`, and with a `unit` if it is a [`Quantity`].
///
/// The type follows from the value when it is written: string, boolean, integer, double or array (of one scalar type).
/// What the protocol has no type for, numbers beyond an `i64` among it, is written as text.
#[derive(Clone, Debug, PartialEq)]
pub struct LogAttribute(pub Value);

impl<T> From<T> for LogAttribute
where
    Value: From<T>,
{
    fn from(value: T) -> Self {
        Self(value.into())
    }
}

/// The types that the protocol knows.
#[derive(Clone, Copy, PartialEq)]
enum Type {
    String,
    Boolean,
    Integer,
    Double,
    Array,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Double => "double",
            Self::Array => "array",
        }
    }

    /// The type of `value` if it can be written as it is.
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null | Value::Object(_) => None,
            Value::String(_) => Some(Self::String),
            Value::Bool(_) => Some(Self::Boolean),
            Value::Number(number) if number.is_i64() => Some(Self::Integer),
            Value::Number(number) if number.is_u64() => None,
            Value::Number(_) => Some(Self::Double),
            Value::Array(elements) => {
                let mut types = elements.iter().map(Self::of);
                let first = types.next().unwrap_or(Some(Self::String))?;
                (first != Self::Array && types.all(|ty| ty == Some(first))).then_some(Self::Array)
            }
        }
    }
}

impl Serialize for LogAttribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (value, unit) = match Quantity::parts_of(&self.0) {
            Some((value, unit)) => (value, Some(unit)),
            None => (&self.0, None),
        };
        let mut object = serializer.serialize_struct("LogAttribute", 2 + usize::from(unit.is_some()))?;
        match Type::of(value) {
            Some(ty) => {
                object.serialize_field("value", value)?;
                object.serialize_field("type", ty.name())?;
            }
            None => {
                object.serialize_field("value", &value.to_string())?;
                object.serialize_field("type", Type::String.name())?;
            }
        }
        if let Some(unit) = unit {
            object.serialize_field("unit", unit)?;
        }
        object.end()
    }
}

impl LogAttribute {
    /// Writes it as it is serialized.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Value::String(text) => Self::write_text(out, text),
            Value::Bool(value) => Self::write_boolean(out, *value),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Self::write_integer(out, integer),
                (None, Some(double)) if number.is_f64() => Self::write_double(out, double),
                _ => self.write_rare(out),
            },
            Value::Null | Value::Array(_) | Value::Object(_) => self.write_rare(out),
        }
    }

    #[inline(never)]
    fn write_rare(&self, out: &mut Vec<u8>) {
        // Values fail neither to be written nor memory to take them.
        let _ = serde_json::to_writer(out, self);
    }

    /// Writes the attribute that a truth value is.
    #[inline]
    pub(crate) fn write_boolean(out: &mut Vec<u8>, value: bool) {
        out.extend_from_slice(if value {
            b"{\"value\":true,\"type\":\"boolean\"}"
        } else {
            b"{\"value\":false,\"type\":\"boolean\"}"
        });
    }

    /// Writes the attribute that a number is; a finite one.
    #[inline]
    pub(crate) fn write_double(out: &mut Vec<u8>, number: f64) {
        out.extend_from_slice(b"{\"value\":");
        json::float(out, number);
        out.extend_from_slice(b",\"type\":\"double\"}");
    }

    /// Writes the attribute that a whole number is.
    #[inline]
    pub(crate) fn write_integer(out: &mut Vec<u8>, number: i64) {
        out.extend_from_slice(b"{\"value\":");
        json::signed(out, number);
        out.extend_from_slice(b",\"type\":\"integer\"}");
    }

    /// Writes the attribute that a text is.
    #[inline]
    pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
        out.extend_from_slice(b"{\"value\":\"");
        json::part(out, text);
        out.extend_from_slice(b"\",\"type\":\"string\"}");
    }
}

impl<'de> Deserialize<'de> for LogAttribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Object(object) => {
                Self::from_object(object).ok_or_else(|| D::Error::missing_field("value"))
            }
            bare => Ok(Self(bare)),
        }
    }
}

impl LogAttribute {
    fn from_object(mut object: Map<String, Value>) -> Option<Self> {
        let value = object.remove("value")?;
        let is_double = object.get("type").is_some_and(|ty| ty == Type::Double.name());
        let double = value.as_f64().filter(|_| is_double).and_then(Number::from_f64);
        let value = double.map_or(value, Value::Number);
        Some(match object.remove("unit") {
            Some(Value::String(unit)) => Quantity::new(value, unit).into(),
            _ => Self(value),
        })
    }
}

/// For `serialize_with`: writes the attributes that have a value.
pub(super) fn serialize_present<S, K>(
    attributes: &BTreeMap<K, LogAttribute>,
    serializer: S,
) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    K: Serialize + Ord,
{
    let mut object = serializer.serialize_map(None)?;
    for (key, attribute) in attributes.iter().filter(|(_, attribute)| !attribute.0.is_null()) {
        object.serialize_entry(key, attribute)?;
    }
    object.end()
}

/// For `skip_serializing_if`: whether no attribute has a value.
pub(super) fn are_absent<K>(attributes: &BTreeMap<K, LogAttribute>) -> bool {
    attributes.values().all(|attribute| attribute.0.is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_type_follows_from_the_value() {
        for (value, expected) in [
            (json!("a"), json!({"value": "a", "type": "string"})),
            (json!(true), json!({"value": true, "type": "boolean"})),
            (json!(-1), json!({"value": -1, "type": "integer"})),
            (json!(i64::MAX), json!({"value": i64::MAX, "type": "integer"})),
            (json!(u64::MAX), json!({"value": "18446744073709551615", "type": "string"})),
            (json!(1.5), json!({"value": 1.5, "type": "double"})),
            (json!(2.0), json!({"value": 2.0, "type": "double"})),
            (json!([]), json!({"value": [], "type": "array"})),
            (json!(["a", "b"]), json!({"value": ["a", "b"], "type": "array"})),
            (json!([1, 2]), json!({"value": [1, 2], "type": "array"})),
            (json!(["a", 1]), json!({"value": "[\"a\",1]", "type": "string"})),
            (json!([[1]]), json!({"value": "[[1]]", "type": "string"})),
            (json!({"a": 1}), json!({"value": "{\"a\":1}", "type": "string"})),
            (json!(null), json!({"value": "null", "type": "string"})),
        ] {
            assert_eq!(serde_json::to_value(LogAttribute(value)).unwrap(), expected);
        }
    }

    #[test]
    fn a_quantity_has_its_unit_and_is_read_with_it() {
        let written = json!({"value": 12.0, "type": "double", "unit": "millisecond"});
        let attribute = LogAttribute::from(Quantity::new(12.0, "millisecond"));
        assert_eq!(serde_json::to_value(&attribute).unwrap(), written);
        let mut out = Vec::new();
        attribute.write(&mut out);
        assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), written);
        assert_eq!(serde_json::from_value::<LogAttribute>(written).unwrap(), attribute);
    }

    #[test]
    fn attributes_are_read_typed_and_bare() {
        let read = |json| serde_json::from_value::<LogAttribute>(json);
        assert_eq!(read(json!({"value": 1, "type": "integer"})).unwrap(), LogAttribute::from(1));
        assert_eq!(read(json!({"value": 1, "type": "double"})).unwrap(), LogAttribute::from(1.0));
        assert_eq!(read(json!({"value": "a"})).unwrap(), LogAttribute::from("a"));
        assert_eq!(read(json!("a")).unwrap(), LogAttribute::from("a"));
        assert!(read(json!({"type": "string"})).is_err());
    }

    #[test]
    fn attributes_without_a_value_are_left_out() {
        let mut attributes = BTreeMap::from([("a", LogAttribute(Value::Null))]);
        assert!(are_absent(&attributes));
        attributes.insert("b", 1.into());
        assert!(!are_absent(&attributes));
        let json = serialize_present(&attributes, serde_json::value::Serializer).unwrap();
        assert_eq!(json, json!({"b": {"value": 1, "type": "integer"}}));
    }

    #[test]
    fn numbers_that_are_not_finite_have_no_value() {
        assert_eq!(LogAttribute::from(f64::NAN), LogAttribute(Value::Null));
    }
}
