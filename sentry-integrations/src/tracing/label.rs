//! What a span is called.

use std::borrow::Cow;
use std::cell::Cell;

use sentry_core::TransactionSource;
use sentry_core::protocol::{Map, Value};
use tracing_core::Metadata;

use super::fields::Fields;
use crate::semantics::Kind;

/// What a span is called.
pub(super) struct Label<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) op: Cow<'a, str>,
    /// Where the name comes from.
    pub(super) source: TransactionSource,
}

impl<'a> Label<'a> {
    /// As its fields say: ours, then those that other instrumentation uses.
    pub(super) fn new(metadata: &Metadata<'a>, fields: &'a Fields) -> Self {
        if !fields.is_dotted {
            let (name, op) = (Cow::Borrowed(metadata.name()), Cow::Owned(default_op(metadata)));
            return Self { name, op, source: TransactionSource::Custom };
        }
        Self::told(metadata, |name| fields.values.get(name).and_then(Value::as_str))
    }

    /// The same when fields are recorded later, and `known` before them: if they say what it is.
    pub(super) fn later(
        metadata: &Metadata<'a>,
        later: &'a Fields,
        known: impl FnOnce() -> &'a Map<String, Value>,
    ) -> Option<Self> {
        if !later.is_dotted || !TELLING.into_iter().any(|name| later.values.contains_key(name)) {
            return None;
        }
        let known = known();
        let value = |name: &str| later.values.get(name).or_else(|| known.get(name));
        Some(Self::told(metadata, |name| value(name).and_then(Value::as_str)))
    }

    fn told(metadata: &Metadata<'a>, text: impl Fn(&str) -> Option<&'a str>) -> Self {
        let custom = |name: &'a str| (Cow::Borrowed(name), TransactionSource::Custom);
        let kind = Kind::of(&text, Kind::is_client(&text));
        let (op, is_best) = kind.as_ref().map_or((None, false), |kind| (Some(kind.op), kind.is_best));
        // Many requests are called nothing better than their method at first.
        let own = text("otel.name").filter(|name| Some(*name) != Kind::method(&text)).map(custom);
        let known = kind.and_then(|kind| Some((Cow::Owned(kind.name?), kind.source)));
        let told = if is_best { known.or(own) } else { own.or(known) };
        let (name, source) =
            text("sentry.name").map(custom).or(told).unwrap_or_else(|| custom(metadata.name()));
        let op = text("sentry.op").or(op);
        Self { name, op: op.map_or_else(|| Cow::Owned(default_op(metadata)), Cow::Borrowed), source }
    }
}

/// Fields that say what a span is, or what it is called.
const TELLING: [&str; 15] = [
    "db.query.text",
    "db.statement",
    "db.system",
    "db.system.name",
    "http.method",
    "http.request.method",
    "http.route",
    "http.target",
    "http.url",
    "otel.kind",
    "otel.name",
    "sentry.name",
    "sentry.op",
    "url.full",
    "url.path",
];

thread_local! {
    static OP: Cell<String> = const { Cell::new(String::new()) };
}

/// Calls `call` with the default operation, which is written to where the one before was.
pub(super) fn with_default_op<R>(metadata: &Metadata<'_>, call: impl FnOnce(&str) -> R) -> R {
    let mut op = OP.try_with(Cell::take).unwrap_or_default();
    op.clear();
    [metadata.target(), "::", metadata.name()].into_iter().for_each(|part| op.push_str(part));
    let result = call(&op);
    let _ = OP.try_with(|slot| slot.set(op));
    result
}

pub(super) fn default_op(metadata: &Metadata<'_>) -> String {
    [metadata.target(), "::", metadata.name()].concat()
}
