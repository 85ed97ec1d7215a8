//! What a span is by the fields that instrumentation gives it: a query, a request that is made, or one that is served.
//!
//! | who | what it says of a query or a request |
//! |---|---|
//! | `sea-orm`, `diesel-tracing`, `sqlx-tracing` | `db.system`; then, or later, `db.statement` or `db.query.text` |
//! | `reqwest-tracing` | `http.request.method`, `otel.kind = "client"`, `server.address`, perhaps `url.full` |
//! | `axum-tracing-opentelemetry`, `axum-otel` | `http.request.method`, `otel.kind`, `url.path`; later `http.route`, `otel.name` |
//! | clients that say less | `http.method`, `http.url` |

use sentry_core::TransactionSource;

use super::meaning::{QUERIES, SYSTEMS};
use super::query;

const METHODS: [&str; 2] = ["http.request.method", "http.method"];
const URLS: [&str; 2] = ["url.full", "http.url"];
const PATHS: [&str; 2] = ["url.path", "http.target"];
const ROUTE: &str = "http.route";
/// Only who serves a request knows these.
const SERVER_ONLY: [&str; 4] = ["client.address", "http.client.address", "http.client_ip", ROUTE];

/// The kind of a span that is known by its fields.
pub(crate) struct Kind {
    pub(crate) op: &'static str,
    /// What to call it, if the fields tell.
    pub(crate) name: Option<String>,
    /// Where that name comes from.
    pub(crate) source: TransactionSource,
    /// The name is what pages of queries and requests are made of: it comes before one that the instrumentation gives.
    pub(crate) is_best: bool,
}

impl Kind {
    /// A query or a request. `text` looks for a field; `is_client`: the request is made, not served.
    pub(crate) fn of<'a>(text: impl Fn(&str) -> Option<&'a str>, is_client: bool) -> Option<Self> {
        let find = |names: &[&str]| first(&text, names);
        let query = find(&QUERIES);
        let system = find(&SYSTEMS);
        if query.or(system).is_some() {
            let name = query.map(|query| query::parametrized(query, system));
            return Some(Self { op: "db", name, source: TransactionSource::Custom, is_best: true });
        }
        let method = find(&METHODS)?;
        let named = |target: String| Some(format!("{method} {target}"));
        let (route, url, path) = (find(&[ROUTE]), find(&URLS), find(&PATHS));
        let source = TransactionSource::Url;
        if is_client {
            let target = url.map(address).or_else(|| host(&text)).or_else(|| path.map(address));
            return Some(Self {
                op: "http.client",
                name: target.and_then(named),
                source,
                is_best: url.is_some(),
            });
        }
        let op = "http.server";
        Some(match route {
            Some(route) => {
                Self { op, name: named(route.to_owned()), source: TransactionSource::Route, is_best: true }
            }
            None => Self { op, name: path.or(url).map(address).and_then(named), source, is_best: false },
        })
    }

    /// Whether a request is made and not served. Where nobody says so: who serves one is given a path, who makes one needs a
    /// whole URL.
    pub(crate) fn is_client<'a>(text: impl Fn(&str) -> Option<&'a str>) -> bool {
        let kind = text("otel.kind").unwrap_or_default();
        let is = |other: &str| kind.eq_ignore_ascii_case(other);
        let is_url = || first(&text, &URLS).is_some_and(|url| url.contains("://"));
        let is_served = || first(&text, &PATHS).or_else(|| first(&text, &SERVER_ONLY)).is_some();
        is("client") || !is("server") && is_url() && !is_served()
    }

    /// The method of a request.
    pub(crate) fn method<'a>(text: impl Fn(&str) -> Option<&'a str>) -> Option<&'a str> {
        first(&text, &METHODS)
    }
}

/// Where a request goes, if only the parts of that are told.
fn host<'a>(text: &impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let host = first(text, &["server.address", "http.host", "net.peer.name"])?;
    let scheme = first(text, &["url.scheme", "http.scheme"]).unwrap_or("http");
    Some(format!("{scheme}://{host}"))
}

/// A URL or a path without what is nobody's business: its query holds values, which make a name of its own of each.
fn address(target: &str) -> String {
    let target = target.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = target.split_once("://") else { return target.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

/// The first that is there, and not empty.
fn first<'a>(text: &impl Fn(&str) -> Option<&'a str>, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| text(name).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(fields: &[(&'static str, &'static str)]) -> Option<(&'static str, String)> {
        let text = |name: &str| fields.iter().find(|(other, _)| *other == name).map(|(_, text)| *text);
        let kind = Kind::of(text, Kind::is_client(text))?;
        Some((kind.op, kind.name.unwrap_or_default()))
    }

    #[test]
    fn requests_are_made_or_served() {
        let (get, url) =
            (("http.request.method", "GET"), ("url.full", "https://u:p@api.example:8/a/b?c=d#e"));
        let address = "GET https://api.example:8/a/b".to_owned();
        for (fields, expected) in [
            (vec![get, url], ("http.client", address.clone())),
            (vec![get, url, ("otel.kind", "Client")], ("http.client", address.clone())),
            (vec![get, url, ("otel.kind", "server")], ("http.server", address.clone())),
            (vec![get, url, ("http.route", "/a/{b}")], ("http.server", "GET /a/{b}".to_owned())),
            (vec![get, url, ("url.path", "/a/b")], ("http.server", "GET /a/b".to_owned())),
            (vec![get, url, ("client.address", "::1")], ("http.server", address)),
            (
                vec![("http.method", "PUT"), ("http.url", "http://x")],
                ("http.client", "PUT http://x".to_owned()),
            ),
            (vec![get, ("url.full", "/only/a/path?x")], ("http.server", "GET /only/a/path".to_owned())),
            (vec![get, ("http.target", "/t?x")], ("http.server", "GET /t".to_owned())),
            (vec![get], ("http.server", String::new())),
            (
                vec![get, ("otel.kind", "client"), ("server.address", "h"), ("url.scheme", "https")],
                ("http.client", "GET https://h".to_owned()),
            ),
        ] {
            assert_eq!(told(&fields), Some(expected), "{fields:?}");
        }
        assert_eq!(told(&[url]), None);
        assert_eq!(told(&[("http.request.method", ""), url]), None);
    }
}
