//! Fields of spans with a meaning, and those of which not all may be written down.

use std::borrow::Cow;

use sentry_core::options::DataCollection;
use sentry_core::protocol::{Map, SpanStatus, Url, Value};
use sentry_core::{Hub, TransactionOrSpan};

use super::asked::ASKED;
use super::query;

/// Takes what has a meaning out of the values, and from them what may not be written down.
pub(super) fn understand(ours: &TransactionOrSpan, values: &mut Map<String, Value>) {
    if let Some(status) = CODES.into_iter().find_map(|name| code(values.get(name)?)) {
        values.entry("http.response.status_code".to_owned()).or_insert_with(|| status.into());
        if let Some(status) = status_of(status) {
            ours.set_status(status);
        }
    }
    let is_error = |value: &Value| value.as_str().is_some_and(|code| code.eq_ignore_ascii_case("error"));
    if values.get("otel.status_code").is_some_and(is_error) {
        ours.set_status(SpanStatus::UnknownError);
    }
    for name in ASKED {
        values.remove(name);
    }
    let system = ["db.system", "db.system.name"].into_iter().find_map(|name| values.get(name)?.as_str());
    let system = system.map(str::to_owned);
    for name in QUERIES {
        if let Some(Value::String(text)) = values.get_mut(name) {
            *text = query::parametrized(text, system.as_deref());
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

/// Fields with a URL or a part of one.
const URLS: [&str; 3] = ["http.url", "url.full", "http.target"];
/// Fields with the text of a query.
pub(super) const QUERIES: [&str; 2] = ["db.query.text", "db.statement"];
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
    Some(match code {
        100..400 => SpanStatus::Ok,
        401 => SpanStatus::Unauthenticated,
        403 => SpanStatus::PermissionDenied,
        404 => SpanStatus::NotFound,
        409 => SpanStatus::AlreadyExists,
        429 => SpanStatus::ResourceExhausted,
        400..500 => SpanStatus::InvalidArgument,
        501 => SpanStatus::Unimplemented,
        503 => SpanStatus::Unavailable,
        504 => SpanStatus::DeadlineExceeded,
        500..600 => SpanStatus::InternalError,
        _ => return None,
    })
}
