//! What an event tells about the request it happened in.

use std::borrow::Cow;

use ::http::header::{COOKIE, HOST};
use ::http::{HeaderMap, Method, Request, Uri};
use sentry_core::options::{DataCollection, HttpBody};
use sentry_core::protocol::{self, Url};

/// What is kept of a request until an event needs it: shared with the request, so hardly anything is copied.
pub(super) struct Seen {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Seen {
    pub(super) fn new<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
        }
    }

    /// The request as far as it may be written down.
    pub(super) fn request(&self, collection: &DataCollection, with_pii: bool) -> protocol::Request {
        let mut request = protocol::Request {
            method: Some(self.method.to_string()),
            url: self.url(),
            query_string: self.uri.query().map(str::to_owned),
            ..protocol::Request::default()
        };
        for name in self.headers.keys() {
            let separator = if name == COOKIE { "; " } else { ", " };
            let values: Vec<_> =
                self.headers.get_all(name).iter().map(|value| text(value.as_bytes())).collect();
            request.headers.insert(name.to_string(), values.join(separator));
        }
        if with_pii {
            DataCollection::default().permit(&mut request, HttpBody::IncomingRequest);
        } else {
            collection.permit(&mut request, HttpBody::IncomingRequest);
        }
        request
    }

    /// Where it was sent to, without the query.
    fn url(&self) -> Option<Url> {
        let scheme = self.uri.scheme_str().unwrap_or("http");
        let host = match self.uri.authority() {
            Some(authority) => Cow::Borrowed(authority.as_str()),
            None => text(self.headers.get(HOST)?.as_bytes()),
        };
        format!("{scheme}://{host}{}", self.uri.path()).parse().ok()
    }
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[cfg(test)]
mod tests {
    use sentry_core::ClientOptions;

    use super::*;

    fn seen(uri: &str, headers: &[(&str, &str)]) -> Seen {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Seen::new(&request.body(()).unwrap())
    }

    fn told(seen: &Seen) -> protocol::Request {
        seen.request(&ClientOptions::new().collection(), false)
    }

    #[test]
    fn an_event_tells_method_url_query_and_headers() {
        let headers = [("Host", "shop.example:81"), ("Accept", "a"), ("accept", "b")];
        let request = told(&seen("/users?page=2", &headers));
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
        let seen = seen("https://jo:pw@host/?token=abc&a=b", &headers);
        for with_pii in [false, true] {
            let request = seen.request(&ClientOptions::new().collection(), with_pii);
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
        assert_eq!(told(&seen("/a", &[])).url, None);
        assert_eq!(told(&seen("/a", &[("host", "%%")])).url, None);
        let mut request = Request::new(());
        let value = ::http::HeaderValue::from_bytes(b"a\xffb").unwrap();
        request.headers_mut().insert("x-ugly", value);
        assert_eq!(told(&Seen::new(&request)).headers["x-ugly"], "a\u{fffd}b");
        *request.uri_mut() = Uri::from_static("*");
        assert_eq!(told(&Seen::new(&request)).method.as_deref(), Some("GET"));
    }
}
