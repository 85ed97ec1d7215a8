//! What an event tells about the request it happened in.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use sentry_core::options::{DataCollection, HttpBody};
use sentry_core::protocol::{self, TraceId, Url};
use sentry_core::{ServedRequest, TransactionContext, TransactionSource};

use super::Body;
use super::texts::Texts;

/// The operation of transactions.
pub(super) const OP: &str = "http.server";

// Headers. Their names are in lower case wherever they come from.
const BAGGAGE: &str = "baggage";
const COOKIE: &str = "cookie";
const HOST: &str = "host";
const TRACE: &str = "sentry-trace";

/// A request but for its headers.
pub(crate) struct Head<'a> {
    pub(crate) method: &'a str,
    /// The path with the query.
    pub(crate) target: &'a str,
    /// The pattern of the route.
    pub(crate) pattern: Option<&'a str>,
    /// Where it is found, if it is not known yet.
    pub(crate) routes: Option<Lookup>,
    pub(crate) scheme: Option<&'a str>,
    pub(crate) authority: Option<&'a str>,
    /// Who is at the other end of the connection.
    pub(crate) peer: Option<IpAddr>,
    pub(crate) body: Option<Arc<Body>>,
    /// Events are named as the transaction is, or would be.
    pub(crate) names_events: bool,
    /// What may identify a person is told whatever the options say.
    pub(crate) with_pii: bool,
    /// How many headers there are.
    pub(crate) headers: usize,
}

/// Finds the pattern of the route of a path among those of an application.
#[derive(Clone, Copy)]
pub(crate) struct Lookup {
    pub(crate) routes: u64,
    pub(crate) find: fn(u64, &str) -> Option<String>,
}

/// What is kept of a request until an event needs it.
///
/// Few requests ever have an event, so the texts are copied into one piece of memory, and something is made of them later. A
/// copy of the header map would cost several times as much.
pub(crate) struct Seen {
    /// Method, path with query, pattern of the route, scheme, authority; the latter three only if they are there. Then names
    /// and values of headers in turns.
    texts: Texts,
    routes: Option<Lookup>,
    /// What was found there.
    found: OnceLock<Option<String>>,
    /// As much of the body as was read, where it may be written down.
    body: Option<Arc<Body>>,
    peer: Option<IpAddr>,
    is_route: bool,
    has_scheme: bool,
    is_absolute: bool,
    names_events: bool,
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
    pub(crate) fn new<'a>(head: Head<'_>, headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut texts = Texts::with_room_for(4 + 2 * head.headers);
        texts.push(head.method.as_bytes());
        texts.push(head.target.as_bytes());
        for text in [head.pattern, head.scheme, head.authority].into_iter().flatten() {
            texts.push(text.as_bytes());
        }
        let mut continues = false;
        for (name, value) in headers {
            continues |= name == TRACE;
            texts.push(name.as_bytes());
            texts.push(value);
        }
        Self {
            texts,
            routes: head.routes,
            found: OnceLock::new(),
            body: head.body,
            peer: head.peer,
            is_route: head.pattern.is_some(),
            has_scheme: head.scheme.is_some(),
            is_absolute: head.authority.is_some(),
            names_events: head.names_events,
            with_pii: head.with_pii,
            continues,
        }
    }

    /// Whether it brings a trace along.
    pub(super) fn continues(&self) -> bool {
        self.continues
    }

    /// The headers of its trace.
    pub(super) fn trace_headers(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.parts().1.filter(|(name, _)| name == TRACE || name == BAGGAGE)
    }

    pub(super) fn is_options(&self) -> bool {
        self.method() == "OPTIONS"
    }

    pub(super) fn method(&self) -> &str {
        // It was `str` before.
        self.texts.iter().next().and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }

    /// The name of the transaction.
    pub(super) fn name(&self) -> String {
        let parts = self.parts().0;
        name(parts.method, self.pattern(&parts).unwrap_or(parts.path))
    }

    pub(super) fn source(&self) -> TransactionSource {
        let is_route = self.pattern(&self.parts().0).is_some();
        if is_route { TransactionSource::Route } else { TransactionSource::Url }
    }

    /// The pattern of the route.
    fn pattern<'a>(&'a self, parts: &Parts<'a>) -> Option<&'a str> {
        if self.is_route {
            return Some(parts.pattern);
        }
        let Lookup { routes, find } = self.routes?;
        self.found.get_or_init(|| find(routes, parts.path)).as_deref()
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
        let (scheme, authority) = (next(self.has_scheme), next(self.is_absolute));
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
            "" => headers.find_map(|(name, value)| (name == HOST).then_some(value))?,
            authority => authority.into(),
        };
        format!("{scheme}://{host}{}", parts.path).parse().ok()
    }
}

/// What a request is called, by the pattern of its route or its path.
pub(super) fn name(method: &str, path: &str) -> String {
    format!("{method} {path}")
}

impl ServedRequest for Seen {
    fn transaction(&self, trace_id: TraceId) -> TransactionContext {
        let mut context = TransactionContext::new_with_trace_id(&self.name(), OP, trace_id);
        context.set_source(self.source());
        context
    }

    fn event_name(&self) -> Option<String> {
        self.names_events.then(|| self.name())
    }

    /// The request as far as it may be written down.
    fn request(&self, collection: &DataCollection) -> protocol::Request {
        let (parts, headers) = self.parts();
        let mut request = protocol::Request {
            method: Some(parts.method.to_owned()),
            url: self.url(),
            query_string: Some(parts.query.to_owned()).filter(|query| !query.is_empty()),
            data: self.body.as_ref().and_then(|body| body.text()),
            ..protocol::Request::default()
        };
        for (name, value) in headers {
            let separator = if name == COOKIE { "; " } else { ", " };
            let values = request.headers.entry(name.into_owned()).or_default();
            if !values.is_empty() {
                values.push_str(separator);
            }
            values.push_str(&value);
        }
        if let Some(peer) = self.peer {
            request.env.insert("REMOTE_ADDR".to_owned(), peer.to_string());
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

    /// `target` is a path, or a URL whose host is `host`.
    fn seen(target: &str, headers: &[(&str, &str)], with_pii: bool) -> Seen {
        let (scheme, rest) = match target.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, target),
        };
        let (authority, target) = rest.split_at(scheme.and_then(|_| rest.find('/')).unwrap_or(0));
        let head = Head {
            method: "GET",
            target,
            pattern: None,
            routes: None,
            scheme,
            authority: scheme.map(|_| authority),
            peer: "203.0.113.9".parse().ok(),
            body: None,
            names_events: false,
            with_pii,
            headers: headers.len(),
        };
        Seen::new(head, headers.iter().map(|(name, value)| (*name, value.as_bytes())))
    }

    fn told(seen: &Seen) -> protocol::Request {
        seen.request(&ClientOptions::new().collection())
    }

    #[test]
    fn an_event_tells_method_url_query_and_headers() {
        let headers = [("host", "shop.example:81"), ("accept", "a"), ("accept", "b")];
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
            assert_eq!(request.env.contains_key("REMOTE_ADDR"), with_pii);
            assert_eq!(request.headers["authorization"], "[Filtered]");
            assert_eq!(request.cookies.as_deref(), Some("theme=dark; sid=[Filtered]"));
            assert_eq!(request.query_string.as_deref(), Some("token=[Filtered]&a=b"));
            assert!(!request.url.unwrap().as_str().contains("pw"));
            assert!(!request.headers.contains_key("cookie"));
        }
    }

    #[test]
    fn a_scheme_goes_with_the_host_of_the_headers() {
        let head = Head {
            method: "GET",
            target: "/a",
            pattern: Some("/{it}"),
            routes: None,
            scheme: Some("https"),
            authority: None,
            peer: None,
            body: None,
            names_events: true,
            with_pii: false,
            headers: 1,
        };
        let seen = Seen::new(head, [("host", &b"shop.example"[..])].into_iter());
        assert_eq!(told(&seen).url.unwrap().as_str(), "https://shop.example/a");
        assert_eq!(seen.event_name().as_deref(), Some("GET /{it}"));
    }

    #[test]
    fn ugly_requests_are_told_as_far_as_they_can_be_read() {
        assert_eq!(told(&seen("/a", &[], false)).url, None);
        assert_eq!(told(&seen("/a", &[("host", "%%")], false)).url, None);
        let head = Head {
            method: "GET",
            target: "*",
            pattern: None,
            routes: None,
            scheme: None,
            authority: None,
            peer: None,
            body: None,
            names_events: false,
            with_pii: false,
            headers: 1,
        };
        let request = told(&Seen::new(head, [("x-ugly", &b"a\xffb"[..])].into_iter()));
        assert_eq!(request.headers["x-ugly"], "a\u{fffd}b");
        assert_eq!(request.method.as_deref(), Some("GET"));
    }
}
