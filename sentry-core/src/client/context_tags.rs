//! Fields of logging libraries as tags.

use std::borrow::Cow;

use crate::protocol::{Context, Event, Map, Value};

/// Gives `event` a tag for each of `names` that one of its custom contexts has a field for.
pub(super) fn apply(names: &[Cow<'static, str>], event: &mut Event<'static>) {
    for name in names {
        if event.tags.contains_key(&**name) {
            continue;
        }
        if let Some(text) = event.contexts.values().find_map(|context| field(context, name)) {
            event.tags.insert(name.clone().into_owned(), text);
        }
    }
}

fn field(context: &Context, name: &str) -> Option<String> {
    let Context::Other(fields) = context else { return None };
    fields.get(name).or_else(|| of_span(fields, name)).and_then(text)
}

/// Fields of spans have the name of their span in front.
fn of_span<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let is_it = |key: &str| key.strip_suffix(name).is_some_and(|span| span.len() > 1 && span.ends_with(':'));
    fields.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tagged(names: &[&'static str], fields: Value) -> Map<String, String> {
        let Value::Object(fields) = fields else { panic!("fields") };
        let fields = Context::Other(fields.into_iter().collect());
        let mut event = Event { contexts: [("Fields".to_owned(), fields)].into(), ..Event::default() };
        event.tags.insert("own".to_owned(), "stays".to_owned());
        apply(&names.iter().map(|name| Cow::Borrowed(*name)).collect::<Vec<_>>(), &mut event);
        event.tags
    }

    #[test]
    fn fields_become_tags_by_name() {
        let tags = tagged(
            &["a", "b", "c", "d", "own"],
            json!({"a": 1, "span:b": true, "c": {}, "own": "no", "e": 2}),
        );
        assert_eq!(json!(tags), json!({"a": "1", "b": "true", "own": "stays"}));
    }

    #[test]
    fn the_field_itself_counts_more_than_that_of_a_span() {
        let tags = tagged(&["user"], json!({"a:user": "span", "user": "event", "superuser": "other"}));
        assert_eq!(tags["user"], "event");
        assert!(!tagged(&["user"], json!({"superuser": 1, ":user": 2})).contains_key("user"));
    }
}
