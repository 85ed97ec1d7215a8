//! Where a request goes, as far as it may be written down.

use http::Method;
use sentry_core::Client;
use sentry_core::options::DataCollection;
use sentry_core::protocol::{Map, Url, Value};

/// The address of a request.
pub(super) struct Target {
    /// Without credentials, query and fragment.
    pub(super) address: String,
    /// Without credentials and fragment; values of the query as far as they may be shown.
    full: String,
    query: Option<String>,
    fragment: Option<String>,
    host: Option<String>,
    port: Option<u16>,
}

impl Target {
    /// `url` may be a path only. Then little is known.
    pub(super) fn new(url: &str, collection: &DataCollection) -> Self {
        let Ok(mut parsed) = url.parse::<Url>() else {
            let (path, query) = split(url);
            let query = query.and_then(|query| Some(collection.query(query)?.into_owned()));
            let full = query.as_ref().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
            return Self { address: path.to_owned(), full, query, fragment: None, host: None, port: None };
        };
        let (host, port) = (parsed.host_str().map(str::to_owned), parsed.port_or_known_default());
        let fragment = parsed.fragment().map(str::to_owned);
        // Only URLs without a host refuse that, which have no credentials either.
        let _ = (parsed.set_username(""), parsed.set_password(None));
        let mut shown = collection.url(parsed);
        let full = shown.to_string();
        let query = shown.query().map(str::to_owned);
        shown.set_query(None);
        Self { address: shown.into(), full, query, fragment, host, port }
    }

    /// Whether it is where `client` sends to: its own requests are nobody's interest, and less so to itself.
    pub(super) fn is_of(&self, client: &Client) -> bool {
        client
            .dsn()
            .is_some_and(|dsn| self.host.as_deref() == Some(dsn.host()) && self.port == Some(dsn.port()))
    }

    /// Without credentials, query and fragment.
    pub(super) fn url(&self) -> Option<Url> {
        self.address.parse().ok()
    }

    pub(super) fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// What a span knows when it begins.
    pub(super) fn data(&self, method: &Method) -> impl Iterator<Item = (&'static str, Value)> {
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        [
            ("http.request.method", Some(method.as_str().into())),
            ("url.full", Some(self.full.as_str().into())),
            ("http.query", text(&self.query)),
            ("http.fragment", text(&self.fragment)),
            ("server.address", text(&self.host)),
            ("server.port", self.port.map(Value::from)),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
    }

    /// What a breadcrumb tells of it.
    pub(super) fn crumb(self, method: &Method) -> Map<String, Value> {
        let mut data = Map::new();
        data.insert("method".to_owned(), method.as_str().into());
        data.insert("url".to_owned(), self.address.into());
        let parts = [("http.query", self.query), ("http.fragment", self.fragment)];
        for (key, part) in parts {
            part.map(|part| data.insert(key.to_owned(), part.into()));
        }
        data
    }
}

/// Path and query of what is no whole URL.
fn split(target: &str) -> (&str, Option<&str>) {
    let target = target.split('#').next().unwrap_or_default();
    target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)))
}

#[cfg(test)]
mod tests {
    use sentry_core::ClientOptions;

    use super::*;

    fn target(url: &str) -> Target {
        Target::new(url, &ClientOptions::new().collection())
    }

    #[test]
    fn secrets_stay_out_of_all_that_is_told() {
        let target = target("https://jo:pw@stock.example:8443/a/b?page=2&token=abc#top");
        assert_eq!(target.address, "https://stock.example:8443/a/b");
        let data: Map<_, _> = target.data(&Method::PUT).collect();
        let expected = [
            ("http.request.method", Value::from("PUT")),
            ("url.full", "https://stock.example:8443/a/b?page=2&token=[Filtered]".into()),
            ("http.query", "page=2&token=[Filtered]".into()),
            ("http.fragment", "top".into()),
            ("server.address", "stock.example".into()),
            ("server.port", 8443.into()),
        ];
        assert_eq!(data, expected.into_iter().collect());
        let crumb = target.crumb(&Method::PUT);
        assert_eq!(crumb["url"], "https://stock.example:8443/a/b");
        assert_eq!(crumb["http.query"], "page=2&token=[Filtered]");
    }

    #[test]
    fn little_is_known_of_what_is_no_whole_url() {
        for (url, address, query) in [
            ("/a?b=c", "/a", Some("b=c")),
            ("*", "*", None),
            ("", "", None),
            ("//[", "//[", None),
            ("?token=a#x", "", Some("token=[Filtered]")),
        ] {
            let target = target(url);
            assert_eq!((target.address.as_str(), target.query()), (address, query), "{url}");
            assert!(target.host.is_none());
        }
        assert_eq!(target("http://h/a").port, Some(80));
        assert_eq!(target("data:text/plain,a").host, None);
    }
}
