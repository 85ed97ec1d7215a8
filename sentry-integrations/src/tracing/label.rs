//! What a span is called.

use std::borrow::Cow;
use std::cell::Cell;

use sentry_core::protocol::Value;
use tracing_core::Metadata;

use super::fields::Fields;
use super::meaning::QUERIES;
use super::query;

/// What a span is called.
pub(super) struct Label<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) op: Cow<'a, str>,
}

impl<'a> Label<'a> {
    /// As its fields say: ours, then those that other instrumentation uses.
    pub(super) fn new(metadata: &Metadata<'a>, fields: &'a Fields) -> Self {
        if !fields.is_dotted {
            return Self { name: Cow::Borrowed(metadata.name()), op: Cow::Owned(default_op(metadata)) };
        }
        let text = |name: &str| fields.values.get(name).and_then(Value::as_str);
        let query = QUERIES.into_iter().find_map(text);
        let method = ["http.request.method", "http.method"].into_iter().find_map(text);
        let target =
            ["http.route", "url.path", "http.target", "http.url", "url.full"].into_iter().find_map(text);
        let is_client = text("otel.kind").is_some_and(|kind| kind.eq_ignore_ascii_case("client"));
        let system = text("db.system").or_else(|| text("db.system.name"));
        let database = system.or(query);
        let known = match (database, method) {
            (Some(_), _) => Some(("db", query.map(|query| query::parametrized(query, system)))),
            (None, Some(method)) => {
                let op = if is_client { "http.client" } else { "http.server" };
                // The query of a URL holds values, which make a name of its own of each.
                let path = |target: &str| target.split(['?', '#']).next().unwrap_or_default().to_owned();
                Some((op, target.map(|target| format!("{method} {}", path(target)))))
            }
            (None, None) => None,
        };
        let (known_op, known_name) = known.map_or((None, None), |(op, name)| (Some(op), name));
        let own_name = text("sentry.name").or_else(|| text("otel.name")).map(Cow::Borrowed);
        Self {
            name: own_name
                .or_else(|| known_name.map(Cow::Owned))
                .unwrap_or_else(|| Cow::Borrowed(metadata.name())),
            op: text("sentry.op")
                .or(known_op)
                .map_or_else(|| Cow::Owned(default_op(metadata)), Cow::Borrowed),
        }
    }
}

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
