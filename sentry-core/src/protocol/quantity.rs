//! Values with a unit.

use serde_json::{Map, Value};

use super::Unit;

/// A value with a unit: for the attributes of logs, metrics, spans and scopes, wherever a value may stand.
///
/// In the data of a span that travels within its transaction, where the protocol has no units, it is an object with a
/// `value` and a `unit`.
///
/// ```
/// use sentry_core::protocol::{Quantity, Unit, Value};
///
/// sentry_core::set_attribute("cache.size", Quantity::new(64, Unit::Megabyte));
///
/// // What is no number has no unit either.
/// assert_eq!(Value::from(Quantity::new(f64::NAN, "parsec")), Value::Null);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it is a value for an attribute"]
pub struct Quantity {
    value: Value,
    unit: Unit,
}

const VALUE: &str = "value";
const UNIT: &str = "unit";

impl Quantity {
    /// So much of that.
    pub fn new<V: Into<Value>, U: Into<Unit>>(value: V, unit: U) -> Self {
        Self { value: value.into(), unit: unit.into() }
    }

    /// Value and unit of a quantity that became a JSON value: an object of just these two.
    pub(crate) fn parts_of(value: &Value) -> Option<(&Value, &str)> {
        let Value::Object(object) = value else { return None };
        let (value, unit) = (object.get(VALUE)?, object.get(UNIT)?.as_str()?);
        let is_one = object.len() == 2 && !unit.is_empty() && !value.is_object() && !value.is_null();
        is_one.then_some((value, unit))
    }
}

impl From<Quantity> for Value {
    fn from(quantity: Quantity) -> Self {
        if quantity.value.is_null() {
            return Self::Null;
        }
        let entries = [(VALUE.to_owned(), quantity.value), (UNIT.to_owned(), quantity.unit.as_str().into())];
        Self::Object(Map::from_iter(entries))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_an_object_of_value_and_unit_is_a_quantity() {
        let quantity = Value::from(Quantity::new(3, Unit::Byte));
        assert_eq!(quantity, json!({"value": 3, "unit": "byte"}));
        assert_eq!(Quantity::parts_of(&quantity), Some((&json!(3), "byte")));
        for other in [
            json!(3),
            json!({"value": 3}),
            json!({"value": 3, "unit": ""}),
            json!({"value": 3, "unit": 4}),
            json!({"value": {}, "unit": "byte"}),
            json!({"value": 3, "unit": "byte", "more": 1}),
        ] {
            assert_eq!(Quantity::parts_of(&other), None, "{other}");
        }
    }
}
