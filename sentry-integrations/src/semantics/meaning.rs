//! Fields of spans with a meaning, and those of which not all may be written down.

use std::borrow::Cow;

use sentry_core::options::DataCollection;
use sentry_core::protocol::{Map, SpanStatus, Url, Value};
use sentry_core::{Hub, TransactionOrSpan};

use super::query;
use crate::http_status;

/// Takes what has a meaning out of the values, and from them what may not be written down.
pub(crate) fn understand(ours: &TransactionOrSpan, values: &mut Map<String, Value>) {
    if let Some(status) = CODES.into_iter().find_map(|name| code(values.get(name)?)) {
        // A number, however it was recorded.
        values.insert("http.response.status_code".to_owned(), status.into());
        if let Some(status) = status_of(status) {
            ours.set_status(status);
        }
    }
    let is_error = |value: &Value| value.as_str().is_some_and(|code| code.eq_ignore_ascii_case("error"));
    if values.get("otel.status_code").is_some_and(is_error) {
        ours.set_status(SpanStatus::UnknownError);
    }
    show_of(values, || known_system(ours));
}

/// Takes from the values what may not be written down.
#[cfg(feature = "opentelemetry")]
pub(crate) fn show(values: &mut Map<String, Value>) {
    show_of(values, || None);
}

/// The same for a query of a kind of database that may be known already.
fn show_of(values: &mut Map<String, Value>, known_system: impl FnOnce() -> Option<String>) {
    for name in ASKED {
        values.remove(name);
    }
    if QUERIES.into_iter().any(|name| values.contains_key(name)) {
        let system = SYSTEMS.into_iter().find_map(|name| values.get(name)?.as_str());
        let system = system.map_or_else(known_system, |system| Some(system.to_owned()));
        for name in QUERIES {
            if let Some(Value::String(text)) = values.get_mut(name) {
                *text = query::parametrized(text, system.as_deref());
            }
        }
    }
    for name in URLS {
        if let Some(Value::String(text)) = values.get_mut(name)
            && text.contains(['?', '#', '@'])
        {
            *text = shown_url(text);
        }
    }
}

/// The kind of database, of a query whose text comes later.
fn known_system(ours: &TransactionOrSpan) -> Option<String> {
    let is_system = |(name, _): &(&String, &Value)| SYSTEMS.contains(&name.as_str());
    let text = |(_, value): (&String, &Value)| value.as_str().map(str::to_owned);
    match ours {
        TransactionOrSpan::Span(span) => span.data().iter().find(is_system).and_then(text),
        TransactionOrSpan::Transaction(ours) => ours.data().iter().find(is_system).and_then(text),
    }
}

/// A URL, or a path with a query, as far as it may be written down.
fn shown_url(url: &str) -> String {
    let client = Hub::current().client();
    let collection = client
        .as_ref()
        .map_or_else(|| Cow::Owned(DataCollection::without_pii()), |client| client.options().collection());
    if let Ok(url) = Url::parse(url) {
        return collection.url(url).into();
    }
    let url = url.split('#').next().unwrap_or_default();
    match url.split_once('?') {
        Some((path, query)) => match collection.query(query) {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        },
        None => url.to_owned(),
    }
}

/// Fields that are needed before sampling is decided. They say what a span is, and are no data of it.
pub(crate) const ASKED: [&str; 3] = ["sentry.name", "sentry.op", "sentry.trace"];
/// Fields with a URL or a part of one.
const URLS: [&str; 3] = ["http.url", "url.full", "http.target"];
/// Fields with the text of a query.
pub(crate) const QUERIES: [&str; 2] = ["db.query.text", "db.statement"];
/// Fields with the kind of a database.
pub(super) const SYSTEMS: [&str; 2] = ["db.system", "db.system.name"];
/// Fields with the status of an answer.
const CODES: [&str; 2] = ["http.response.status_code", "http.status_code"];

/// A status, which instrumentation records as a number or as a text.
fn code(value: &Value) -> Option<u16> {
    match value {
        Value::String(text) => text.split(' ').next()?.parse().ok(),
        value => value.as_u64()?.try_into().ok(),
    }
}

/// What the code of an answer says of the work. Nothing if it is none.
fn status_of(code: u16) -> Option<SpanStatus> {
    (100..600).contains(&code).then(|| http_status::of(code))
}
