//! Which spans are left out.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::options::ClientOptions;
use crate::protocol::{Map, Value};
use crate::suppress::guarded;

/// Spans that are left out, told by what is known when they begin.
///
/// A text is looked for in the name: the description, or the operation if there is none; the name of a transaction. A pattern
/// may ask for attributes as well, and then all it asks for has to be there.
///
/// ```
/// use sentry_core::options::SpanPattern;
/// use sentry_core::protocol::EnvelopeItem;
/// use sentry_core::{ClientOptions, TransactionContext};
///
/// let options = ClientOptions::new()
///     .traces_sample_rate(1.0)
///     .ignore_spans(["SELECT 1", "ping"])
///     .ignore_spans([SpanPattern::matching(|name| name.starts_with("health") && name.ends_with("z"))])
///     .ignore_spans([SpanPattern::new().op("cache.get").attribute("cache.hit", true)]);
/// let envelopes = sentry_core::test::with_captured_envelopes_options(|| {
///     let transaction = sentry_core::start_transaction(TransactionContext::new("report", "task"));
///     transaction.start_child("db", "SELECT 1").finish();
///     transaction.start_child("http.client", "healthz").finish();
///     for hit in [true, false] {
///         transaction.start_child_with_data("cache.get", "user", [("cache.hit", hit)]).finish();
///     }
///     transaction.finish();
/// }, options);
/// let Some(EnvelopeItem::Transaction(transaction)) = envelopes[0].items().next() else { panic!() };
/// assert_eq!(transaction.spans.len(), 1);
/// assert_eq!(transaction.spans[0].data["cache.hit"], false);
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct SpanPattern {
    name: Option<Text>,
    attributes: Vec<(Cow<'static, str>, Wanted)>,
}

/// What a text has to be like.
#[derive(Clone)]
enum Text {
    Matching(Arc<dyn Fn(&str) -> bool + Send + Sync>),
    Part(Cow<'static, str>),
}

/// What an attribute has to be like.
#[derive(Clone, Debug)]
enum Wanted {
    Text(Text),
    Value(Value),
}

/// What is known of a span when it begins.
pub(crate) struct Beginning<'a> {
    pub(crate) name: &'a str,
    pub(crate) op: &'a str,
    pub(crate) data: Option<&'a Map<String, Value>>,
}

impl SpanPattern {
    /// One that asks for nothing yet. As it is, it matches no span.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those whose name contains a text.
    pub fn named(part: impl Into<Cow<'static, str>>) -> Self {
        Self { name: Some(Text::Part(part.into())), ..Self::default() }
    }

    /// Those whose name a function accepts, such as `is_match` of a regular expression. A panic in it leaves out nothing.
    pub fn matching<F>(accepts: F) -> Self
    where
        F: Fn(&str) -> bool + Send + Sync + 'static,
    {
        Self { name: Some(Text::Matching(Arc::new(accepts))), ..Self::default() }
    }

    /// And their operation contains a text.
    pub fn op(self, part: impl Into<Cow<'static, str>>) -> Self {
        self.wants(OP, Wanted::Text(Text::Part(part.into())))
    }

    /// And they begin with this attribute: one that contains a text, or is equal to any other value.
    pub fn attribute(self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        let wanted = match value.into() {
            Value::String(part) => Wanted::Text(Text::Part(part.into())),
            value => Wanted::Value(value),
        };
        self.wants(key, wanted)
    }

    /// And they begin with this attribute, a text that a function accepts.
    pub fn attribute_matching<F>(self, key: impl Into<Cow<'static, str>>, accepts: F) -> Self
    where
        F: Fn(&str) -> bool + Send + Sync + 'static,
    {
        self.wants(key, Wanted::Text(Text::Matching(Arc::new(accepts))))
    }

    fn wants(mut self, key: impl Into<Cow<'static, str>>, wanted: Wanted) -> Self {
        self.attributes.push((key.into(), wanted));
        self
    }

    fn matches(&self, span: &Beginning<'_>) -> bool {
        let asks = self.name.is_some() || !self.attributes.is_empty();
        asks && self.name.as_ref().is_none_or(|name| name.accepts(span.name))
            && self.attributes.iter().all(|(key, wanted)| match span.text(key) {
                Some(text) => wanted.accepts_text(text),
                None => {
                    span.data.and_then(|data| data.get(&**key)).is_some_and(|value| wanted.accepts(value))
                }
            })
    }
}

/// The attribute that is the operation.
const OP: &str = "sentry.op";

impl<'a> Beginning<'a> {
    /// An attribute that is no part of the data.
    fn text(&self, key: &str) -> Option<&'a str> {
        (key == OP).then_some(self.op)
    }

    /// Whether one of `patterns` leaves it out.
    pub(crate) fn is_ignored(&self, patterns: &[SpanPattern]) -> bool {
        patterns.iter().any(|pattern| pattern.matches(self))
    }
}

impl Text {
    fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Matching(accepts) => guarded("ignore_spans", || accepts(text)).unwrap_or(false),
            Self::Part(part) => !part.is_empty() && text.contains(&**part),
        }
    }
}

impl Wanted {
    fn accepts(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Value(wanted), value) => wanted == value,
            (Self::Text(_), Value::String(text)) => self.accepts_text(text),
            (Self::Text(_), _) => false,
        }
    }

    fn accepts_text(&self, text: &str) -> bool {
        matches!(self, Self::Text(wanted) if wanted.accepts(text))
    }
}

impl From<&'static str> for SpanPattern {
    /// Those whose name contains a text.
    fn from(part: &'static str) -> Self {
        Self::named(part)
    }
}

impl From<String> for SpanPattern {
    /// Those whose name contains a text.
    fn from(part: String) -> Self {
        Self::named(part)
    }
}

impl From<Cow<'static, str>> for SpanPattern {
    /// Those whose name contains a text.
    fn from(part: Cow<'static, str>) -> Self {
        Self::named(part)
    }
}

impl fmt::Debug for SpanPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) if self.attributes.is_empty() => name.fmt(f),
            name => f
                .debug_struct("SpanPattern")
                .field("name", name)
                .field("attributes", &self.attributes)
                .finish(),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matching(_) => f.write_str("Matching"),
            Self::Part(part) => part.fmt(f),
        }
    }
}

impl ClientOptions {
    /// Leaves out spans of which one of these is true when they begin: a text in their name, or a [`SpanPattern`]. What is
    /// below such a span belongs to the one above it. A transaction that is left out takes all its spans along, and other
    /// services hear that the trace is not sampled. They count as ignored.
    pub fn ignore_spans<P: Into<SpanPattern>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        self.ignore_spans.extend(patterns.into_iter().map(Into::into));
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ignored(pattern: impl Into<SpanPattern>, data: Value) -> bool {
        let data = data.as_object().map(|data| data.clone().into_iter().collect());
        Beginning { name: "SELECT 1", op: "db.query", data: data.as_ref() }.is_ignored(&[pattern.into()])
    }

    #[test]
    fn a_name_contains_a_text_or_pleases_a_function() {
        for (pattern, expected) in [("SELECT", true), ("LECT 1", true), ("", false), ("select", false)] {
            assert_eq!(ignored(pattern, json!(null)), expected, "{pattern}");
            assert_eq!(ignored(pattern.to_owned(), json!(null)), expected, "{pattern}");
        }
        assert!(ignored(SpanPattern::matching(|name| name.ends_with('1')), json!(null)));
        assert!(!ignored(SpanPattern::matching(|name| name.ends_with('2')), json!(null)));
        assert!(!ignored(SpanPattern::matching(|_| panic!("by the test")), json!(null)));
    }

    #[test]
    fn attributes_match_like_names_if_they_are_texts_and_are_equal_otherwise() {
        let has = |key: &'static str, value: Value| SpanPattern::new().attribute(key, value);
        let data = json!({"text": "redis-7", "number": 1, "flag": true, "list": ["a"]});
        for (pattern, expected) in [
            (has("text", "redis".into()), true),
            (has("text", "7".into()), true),
            (has("text", "".into()), false),
            (has("text", 7.into()), false),
            (has("number", 1.into()), true),
            (has("number", 1.0.into()), false),
            (has("number", "1".into()), false),
            (has("flag", true.into()), true),
            (has("flag", false.into()), false),
            (has("list", json!(["a"])), true),
            (has("list", "a".into()), false),
            (has("missing", Value::Null), false),
            (SpanPattern::new().attribute_matching("text", |text| text.starts_with("redis")), true),
            (SpanPattern::new().attribute_matching("number", |_| true), false),
        ] {
            assert_eq!(ignored(pattern.clone(), data.clone()), expected, "{pattern:?}");
        }
    }

    #[test]
    fn all_that_a_pattern_asks_for_has_to_be_there() {
        let data = json!({"db.system": "redis"});
        let redis = |pattern: SpanPattern| pattern.attribute("db.system", "redis");
        assert!(ignored(redis("SELECT".into()), data.clone()));
        assert!(!ignored(redis("INSERT".into()), data.clone()));
        assert!(ignored(redis(SpanPattern::new().op("db")), data.clone()));
        assert!(!ignored(redis(SpanPattern::new().op("http")), data.clone()));
        assert!(!ignored(redis("SELECT".into()), json!(null)));
        assert!(!ignored(SpanPattern::new(), data));
    }

    #[test]
    fn debug_shows_what_can_be_shown() {
        let patterns = [SpanPattern::named("a"), SpanPattern::matching(|_| true), SpanPattern::new().op("b")];
        assert_eq!(
            format!("{patterns:?}"),
            r#"["a", Matching, SpanPattern { name: None, attributes: [("sentry.op", Text("b"))] }]"#
        );
    }
}
