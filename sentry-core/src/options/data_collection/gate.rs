//! The one place that integrations ask before they write something down.

use std::borrow::Cow;

use url::{Url, form_urlencoded};

use super::{DataCollection, HttpBody, KeyValue};
use crate::protocol::{Request, User};
use crate::utils::scrub_pii_from_url;

/// What stands in the place of a value that is not shown.
const FILTERED: &str = "[Filtered]";

impl DataCollection {
    /// Takes out of a request that was read from the wire all that may not be written down.
    ///
    /// `body` says whose body it has. A body that stays is scrubbed by its fields before it leaves, and goes as a whole if
    /// it has none that can be read. The `Cookie` header becomes the field [`cookies`](Request::cookies).
    ///
    /// ```
    /// use sentry_core::ClientOptions;
    /// use sentry_core::options::HttpBody;
    /// use sentry_core::protocol::Request;
    ///
    /// let mut request = Request { query_string: Some("token=abc&page=2".into()), ..Request::default() };
    /// request.headers.insert("X-Forwarded-For".into(), "203.0.113.7".into());
    /// request.data = Some("a body".into());
    ///
    /// ClientOptions::new().collection().permit(&mut request, HttpBody::IncomingRequest);
    /// assert_eq!(request.query_string.as_deref(), Some("token=[Filtered]&page=2"));
    /// assert_eq!(request.headers["X-Forwarded-For"], "[Filtered]");
    /// assert_eq!(request.data, None);
    /// ```
    pub fn permit(&self, request: &mut Request, body: HttpBody) {
        request.url = request.url.take().map(|url| self.url(url));
        let query = request.query_string.take();
        request.query_string = query.and_then(|query| Some(self.query(&query)?.into_owned()));
        let headers = std::mem::take(&mut request.headers);
        for (name, value) in headers {
            if name.eq_ignore_ascii_case("cookie") {
                request.cookies.get_or_insert(value);
            } else if let Some(shown) = self.header(&name, &value) {
                let shown = shown.into_owned();
                request.headers.insert(name, shown);
            }
        }
        request.cookies = request.cookies.take().and_then(|cookies| self.cookies(&cookies));
        if !self.has_body(body) {
            request.data = None;
        }
        if !self.user_info {
            request.env.retain(|name, _| name != "REMOTE_ADDR");
        }
        for (name, value) in &mut request.env {
            // Servers pass headers on as `HTTP_X_API_KEY`.
            if name != "REMOTE_ADDR" && !self.request_headers.shows(name) {
                FILTERED.clone_into(value);
            }
        }
    }

    /// The value of a header of a request as it may be written down; `None`: not even its name.
    #[must_use]
    pub fn header<'a>(&self, name: &str, value: &'a str) -> Option<Cow<'a, str>> {
        self.header_by(&self.request_headers, name, value)
    }

    /// The same for a response.
    #[must_use]
    pub fn response_header<'a>(&self, name: &str, value: &'a str) -> Option<Cow<'a, str>> {
        self.header_by(&self.response_headers, name, value)
    }

    /// The `Cookie` header as it may be written down.
    #[must_use]
    pub fn cookies(&self, header: &str) -> Option<String> {
        if !self.cookies.is_on() {
            return None;
        }
        let mut shown = String::with_capacity(header.len());
        for cookie in header.split(';') {
            let Some((name, value)) = cookie.split_once('=') else {
                // Who knows what it is.
                return Some(FILTERED.to_owned());
            };
            if !shown.is_empty() {
                shown.push(';');
            }
            shown.push_str(name);
            shown.push('=');
            shown.push_str(if self.cookies.shows(name.trim()) { value } else { FILTERED });
        }
        Some(shown)
    }

    /// A query, without the question mark, as it may be written down.
    #[must_use]
    pub fn query<'a>(&self, query: &'a str) -> Option<Cow<'a, str>> {
        if !self.url_query_params.is_on() {
            return None;
        }
        let hides = |pair: &str| {
            let (name, value) = pair.split_once('=')?;
            // Decoded, or `t%6Fken` would pass.
            let decoded = form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name);
            let is_hidden = !value.is_empty() && !self.url_query_params.shows(&decoded.unwrap_or_default());
            is_hidden.then(|| format!("{name}={FILTERED}"))
        };
        let pairs: Vec<_> =
            query.split('&').map(|pair| hides(pair).map_or(Cow::Borrowed(pair), Cow::Owned)).collect();
        if pairs.iter().all(|pair| matches!(pair, Cow::Borrowed(_))) {
            return Some(Cow::Borrowed(query));
        }
        Some(Cow::Owned(pairs.join("&")))
    }

    /// A URL as it may be written down: without credentials and fragment.
    #[must_use]
    pub fn url(&self, mut url: Url) -> Url {
        url.set_fragment(None);
        let query = url.query().map(|query| self.query(query).map(Cow::into_owned));
        match query {
            Some(Some(shown)) if url.query() != Some(&shown) => url.set_query(Some(&shown)),
            Some(None) => url.set_query(None),
            _ => {}
        }
        scrub_pii_from_url(url)
    }

    /// A user that was found out, as far as they may be written down. One that the application sets does not come here.
    #[must_use]
    pub fn user(&self, user: User) -> Option<User> {
        self.user_info.then_some(user)
    }

    fn header_by<'a>(&self, rule: &KeyValue, name: &str, value: &'a str) -> Option<Cow<'a, str>> {
        if name.eq_ignore_ascii_case("cookie") || name.eq_ignore_ascii_case("set-cookie") {
            return Some(Cow::Owned(self.cookies(value)?));
        }
        if !rule.is_on() {
            return None;
        }
        Some(if rule.shows(name) { Cow::Borrowed(value) } else { Cow::Borrowed(FILTERED) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::ClientOptions;

    fn request() -> Request {
        let headers = [
            ("Accept", "text/html"),
            ("Authorization", "Bearer abc"),
            ("Cookie", "theme=dark; sid=abc"),
            ("X-Real-Ip", "203.0.113.7"),
        ];
        let env = [("REMOTE_ADDR", "203.0.113.7"), ("HTTP_X_API_KEY", "abc"), ("SERVER_PORT", "80")];
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        Request {
            url: "https://jo:pw@host/p?t%6Fken=a&page=2#x".parse().ok(),
            query_string: Some("t%6Fken=a&page=2".into()),
            headers: map(&headers),
            env: map(&env),
            data: Some("body".into()),
            ..Request::default()
        }
    }

    fn permitted(options: ClientOptions) -> Request {
        let mut request = request();
        options.collection().permit(&mut request, HttpBody::IncomingRequest);
        request
    }

    #[test]
    fn nothing_personal_is_written_down_by_default() {
        let left = permitted(ClientOptions::new());
        assert_eq!(
            left.url.unwrap().as_str(),
            "https://%5BFiltered%5D:%5BFiltered%5D@host/p?t%6Fken=[Filtered]&page=2"
        );
        assert_eq!(left.query_string.as_deref(), Some("t%6Fken=[Filtered]&page=2"));
        assert_eq!(left.cookies.as_deref(), Some("theme=dark; sid=[Filtered]"));
        assert_eq!(left.headers["Accept"], "text/html");
        assert_eq!(left.headers["Authorization"], "[Filtered]");
        assert_eq!(left.headers["X-Real-Ip"], "[Filtered]");
        assert_eq!((left.headers.len(), left.data), (3, None), "no raw cookies, no body");
        assert_eq!(left.env.len(), 2);
        assert_eq!((&*left.env["HTTP_X_API_KEY"], &*left.env["SERVER_PORT"]), ("[Filtered]", "80"));
    }

    #[test]
    fn permission_shows_who_it_was_and_no_secrets() {
        let left = permitted(ClientOptions::new().send_default_pii(true));
        assert_eq!(left.headers["X-Real-Ip"], "203.0.113.7");
        assert_eq!(left.env["REMOTE_ADDR"], "203.0.113.7");
        assert_eq!(left.data.as_deref(), Some("body"));
        assert_eq!(left.headers["Authorization"], "[Filtered]");
        assert_eq!(left.cookies.as_deref(), Some("theme=dark; sid=[Filtered]"));
    }

    #[test]
    fn what_is_off_leaves_not_even_names() {
        let collection = DataCollection {
            cookies: KeyValue::Off,
            request_headers: KeyValue::Off,
            url_query_params: KeyValue::Off,
            ..DataCollection::default()
        };
        let left = permitted(ClientOptions::new().data_collection(collection.clone()));
        assert_eq!((left.cookies, left.query_string), (None, None));
        assert!(left.headers.is_empty());
        assert_eq!(left.url.unwrap().query(), None);
        assert_eq!(collection.response_header("Set-Cookie", "sid=abc"), None);
        assert_eq!(collection.response_header("Server", "x").as_deref(), Some("x"));
    }

    #[test]
    fn cookies_that_cannot_be_read_go_as_a_whole() {
        let collection = DataCollection::default();
        assert_eq!(collection.cookies("what is this").as_deref(), Some("[Filtered]"));
        assert_eq!(collection.cookies("a=1;b=2").as_deref(), Some("a=1;b=2"));
        assert_eq!(collection.header("cookie", "a=1; token=2").as_deref(), Some("a=1; token=[Filtered]"));
    }

    #[test]
    fn users_are_written_down_with_permission() {
        let user = || User { id: Some("42".into()), ..User::default() };
        assert_eq!(DataCollection::default().user(user()), Some(user()));
        assert_eq!(DataCollection::without_pii().user(user()), None);
    }

    #[test]
    fn the_name_of_the_host_is_technical_unless_told_otherwise() {
        assert!(ClientOptions::new().collects_server_name());
        let without = DataCollection { server_name: false, ..DataCollection::without_pii() };
        assert!(!ClientOptions::new().data_collection(without).collects_server_name());
    }
}
