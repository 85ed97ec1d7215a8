//! `deserialize_with` helpers for fields that come in several forms.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use url::Url;

/// Text from any JSON: strings as they are, `null` is nothing, the rest as JSON.
fn to_text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

/// An optional text that may have been written as another JSON type.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(to_text(Value::deserialize(deserializer)?))
}

/// An optional URL; what is no URL is nothing.
pub(super) fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.and_then(|text| Url::parse(&text).ok()))
}

/// The default for `null`.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A map of strings, written as a map or as a list of pairs, with values of any scalar type.
pub(super) fn string_map<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    deserializer.deserialize_any(StringMap)
}

struct StringMap;

impl<'de> Visitor<'de> for StringMap {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map or a list of pairs")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = entries.next_entry::<String, Value>()? {
            map.extend(to_text(value).map(|value| (key, value)));
        }
        Ok(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<Self::Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(pair) = pairs.next_element::<Option<(Value, Value)>>()? {
            let Some((key, value)) = pair else { continue };
            map.extend(to_text(key).zip(to_text(value)));
        }
        Ok(map)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }
}

/// A list wrapped in `{"values": […]}`, a bare list, or a single element. Elements that are `null` are skipped.
pub(super) fn values<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    deserializer.deserialize_any(List(PhantomData))
}

struct List<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or an object with a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::with_capacity(elements.size_hint().unwrap_or(0).min(128));
        while let Some(element) = elements.next_element::<Option<T>>()? {
            list.extend(element);
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut single = serde_json::Map::new();
        let mut wrapped = None;
        while let Some(key) = fields.next_key::<String>()? {
            if key == "values" {
                wrapped = Some(fields.next_value::<Option<Vec<Option<T>>>>()?);
            } else {
                single.insert(key, fields.next_value()?);
            }
        }
        if let Some(list) = wrapped {
            return Ok(list.unwrap_or_default().into_iter().flatten().collect());
        }
        T::deserialize(Value::Object(single)).map(|element| vec![element]).map_err(de::Error::custom)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_string_map_is_read_from_a_map_and_from_pairs() {
        let expected = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "x".to_owned())]);
        assert_eq!(string_map(json!({"a": 1, "b": "x", "c": null})).unwrap(), expected);
        assert_eq!(string_map(json!([["a", 1], ["b", "x"], null, ["c", null]])).unwrap(), expected);
        assert_eq!(string_map(json!(null)).unwrap(), BTreeMap::new());
        assert!(string_map(json!("x")).is_err());
    }

    #[test]
    fn a_list_is_read_wrapped_bare_and_single() {
        type Element = BTreeMap<String, u8>;
        let element = BTreeMap::from([("a".to_owned(), 1)]);
        for json in [json!({"values": [{"a": 1}, null]}), json!([null, {"a": 1}]), json!({"a": 1})] {
            assert_eq!(values::<_, Element>(json).unwrap(), vec![element.clone()]);
        }
        for json in [json!({"values": null}), json!([]), json!(null)] {
            assert_eq!(values::<_, Element>(json).unwrap(), vec![]);
        }
        assert!(values::<_, Element>(json!({"a": "x"})).is_err());
    }

    #[test]
    fn text_is_read_from_anything() {
        assert_eq!(text(json!("a")).unwrap().as_deref(), Some("a"));
        assert_eq!(text(json!({"a": 1})).unwrap().as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(text(json!(null)).unwrap(), None);
    }
}
