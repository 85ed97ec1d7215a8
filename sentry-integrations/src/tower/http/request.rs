//! What an event tells about the request it happened in.

use std::borrow::Cow;
use std::fmt;

use ::http::Request;
use ::http::header::{COOKIE, HOST};
use sentry_core::options::{DataCollection, HttpBody};
use sentry_core::protocol::{self, TraceId, Url};
use sentry_core::{ServedRequest, TransactionContext, TransactionSource};

use super::path::matched_path;
use super::texts::Texts;

/// The operation of transactions.
pub(super) const OP: &str = "http.server";
/// The header of a trace.
pub(super) const TRACE: &str = "sentry-trace";

/// What is kept of a request until an event needs it.
///
/// Few requests ever have an event, so the texts are copied into one piece of memory, and something is made of them later. A
/// copy of the header map would cost several times as much.
pub(super) struct Seen {
    /// Method, path with query, pattern of the route, scheme, authority; the latter three only if they are there. Then names
    /// and values of headers in turns.
    texts: Texts,
    is_route: bool,
    is_absolute: bool,
    with_pii: bool,
    continues: bool,
}

/// The texts that are no headers. What is missing is empty.
struct Parts<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    pattern: &'a str,
    scheme: &'a str,
    authority: &'a str,
}

impl Seen {
    #[inline]
    pub(super) fn new<B>(request: &Request<B>, with_pii: bool) -> Self {
        let (uri, headers, pattern) = (request.uri(), request.headers(), matched_path(request));
        let mut texts = Texts::with_room_for(4 + 2 * headers.len());
        texts.push(request.method().as_str().as_bytes());
        texts.push(uri.path_and_query().map_or_else(|| uri.path(), |path| path.as_str()).as_bytes());
        if let Some(pattern) = pattern {
            texts.push(pattern.as_bytes());
        }
        let authority = uri.authority();
        if let Some(authority) = authority {
            texts.push(uri.scheme_str().unwrap_or_default().as_bytes());
            texts.push(authority.as_str().as_bytes());
        }
        let mut continues = false;
        for (name, value) in headers {
            let name = name.as_str();
            continues |= name == TRACE;
            texts.push(name.as_bytes());
            texts.push(value.as_bytes());
        }
        Self { texts, is_route: pattern.is_some(), is_absolute: authority.is_some(), with_pii, continues }
    }

    /// Whether it brings a trace along.
    pub(super) fn continues(&self) -> bool {
        self.continues
    }

    pub(super) fn method(&self) -> &str {
        self.parts().0.method
    }

    /// The name of the transaction.
    pub(super) fn name(&self) -> String {
        let parts = self.parts().0;
        format!("{} {}", parts.method, if self.is_route { parts.pattern } else { parts.path })
    }

    pub(super) fn source(&self) -> TransactionSource {
        if self.is_route { TransactionSource::Route } else { TransactionSource::Url }
    }

    /// The parts, and the headers.
    fn parts(&self) -> (Parts<'_>, impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)>) {
        let mut texts = self.texts.iter();
        // They were `str` before.
        let mut next = |is_there: bool| match is_there.then(|| texts.next()).flatten() {
            Some(text) => std::str::from_utf8(text).unwrap_or_default(),
            None => "",
        };
        let (method, target, pattern) = (next(true), next(true), next(self.is_route));
        let (scheme, authority) = (next(self.is_absolute), next(self.is_absolute));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut texts = texts.map(String::from_utf8_lossy);
        let headers = std::iter::from_fn(move || Some((texts.next()?, texts.next()?)));
        (Parts { method, path, query, pattern, scheme, authority }, headers)
    }

    /// Where it was sent to, without the query.
    fn url(&self) -> Option<Url> {
        let (parts, mut headers) = self.parts();
        let scheme = if parts.scheme.is_empty() { "http" } else { parts.scheme };
        let host = match parts.authority {
            "" => headers.find_map(|(name, value)| (name == HOST.as_str()).then_some(value))?,
            authority => authority.into(),
        };
        format!("{scheme}://{host}{}", parts.path).parse().ok()
    }
}

impl ServedRequest for Seen {
    fn transaction(&self, trace_id: TraceId) -> TransactionContext {
        let mut context = TransactionContext::new_with_trace_id(&self.name(), OP, trace_id);
        context.set_source(self.source());
        context
    }

    /// The request as far as it may be written down.
    fn request(&self, collection: &DataCollection) -> protocol::Request {
        let (parts, headers) = self.parts();
        let mut request = protocol::Request {
            method: Some(parts.method.to_owned()),
            url: self.url(),
            query_string: Some(parts.query.to_owned()).filter(|query| !query.is_empty()),
            ..protocol::Request::default()
        };
        for (name, value) in headers {
            let separator = if name == COOKIE.as_str() { "; " } else { ", " };
            let values = request.headers.entry(name.into_owned()).or_default();
            if !values.is_empty() {
                values.push_str(separator);
            }
            values.push_str(&value);
        }
        if self.with_pii {
            DataCollection::default().permit(&mut request, HttpBody::IncomingRequest);
        } else {
            collection.permit(&mut request, HttpBody::IncomingRequest);
        }
        request
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What else it holds may be secret.
        f.debug_struct("Seen").field("method", &self.method()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use sentry_core::ClientOptions;

    use super::*;

    fn seen(uri: &str, headers: &[(&str, &str)], with_pii: bool) -> Seen {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Seen::new(&request.body(()).unwrap(), with_pii)
    }

    fn told(seen: &Seen) -> protocol::Request {
        seen.request(&ClientOptions::new().collection())
    }

    #[test]
    fn an_event_tells_method_url_query_and_headers() {
        let headers = [("Host", "shop.example:81"), ("Accept", "a"), ("accept", "b")];
        let request = told(&seen("/users?page=2", &headers, false));
        assert_eq!(request.method.as_deref(), Some("GET"));
        assert_eq!(request.url.as_ref().map(Url::as_str), Some("http://shop.example:81/users"));
        assert_eq!(request.query_string.as_deref(), Some("page=2"));
        assert_eq!(request.headers["accept"], "a, b");
    }

    #[test]
    fn secrets_stay_and_persons_need_a_permission() {
        let headers = [
            ("x-forwarded-for", "203.0.113.7"),
            ("authorization", "Bearer abc"),
            ("cookie", "theme=dark"),
            ("cookie", "sid=abc"),
        ];
        for with_pii in [false, true] {
            let request = told(&seen("https://jo:pw@host/?token=abc&a=b", &headers, with_pii));
            let address = if with_pii { "203.0.113.7" } else { "[Filtered]" };
            assert_eq!(request.headers["x-forwarded-for"], address);
            assert_eq!(request.headers["authorization"], "[Filtered]");
            assert_eq!(request.cookies.as_deref(), Some("theme=dark; sid=[Filtered]"));
            assert_eq!(request.query_string.as_deref(), Some("token=[Filtered]&a=b"));
            assert!(!request.url.unwrap().as_str().contains("pw"));
            assert!(!request.headers.contains_key("cookie"));
        }
    }

    #[test]
    fn ugly_requests_are_told_as_far_as_they_can_be_read() {
        assert_eq!(told(&seen("/a", &[], false)).url, None);
        assert_eq!(told(&seen("/a", &[("host", "%%")], false)).url, None);
        let mut request = Request::new(());
        let value = ::http::HeaderValue::from_bytes(b"a\xffb").unwrap();
        request.headers_mut().insert("x-ugly", value);
        assert_eq!(told(&Seen::new(&request, false)).headers["x-ugly"], "a\u{fffd}b");
        *request.uri_mut() = ::http::Uri::from_static("*");
        assert_eq!(told(&Seen::new(&request, false)).method.as_deref(), Some("GET"));
    }
}
