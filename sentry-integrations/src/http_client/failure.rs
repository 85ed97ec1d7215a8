//! The event of an answer that is a failure.

use http::header::{CONTENT_LENGTH, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use sentry_core::options::{DataCollection, HttpBody};
use sentry_core::protocol::{Context, Event, Exception, Level, Map, Mechanism, Request, ResponseContext};

use super::target::Target;

/// What is known of a request whose answer is a failure.
pub(super) struct Failure<'a> {
    pub(super) method: &'a Method,
    pub(super) target: &'a Target,
    /// Those of the request.
    pub(super) sent: &'a HeaderMap,
    pub(super) status: StatusCode,
    /// Those of the answer.
    pub(super) came: &'a HeaderMap,
}

impl Failure<'_> {
    pub(super) fn event(&self, mechanism: &str, collection: &DataCollection) -> Event<'static> {
        let exception = Exception {
            ty: "HttpClientError".to_owned(),
            value: Some(format!("HTTP Client Error with status code: {}", self.status.as_u16())),
            mechanism: Some(Mechanism {
                ty: mechanism.to_owned(),
                handled: Some(true),
                synthetic: Some(true),
                ..Mechanism::default()
            }),
            ..Exception::default()
        };
        Event {
            exception: vec![exception].into(),
            level: Level::Error,
            request: Some(self.request(collection)),
            contexts: [("response".to_owned(), Context::Response(Box::new(self.response(collection))))]
                .into(),
            ..Event::default()
        }
    }

    fn request(&self, collection: &DataCollection) -> Request {
        let mut request = Request {
            method: Some(self.method.to_string()),
            url: self.target.url(),
            headers: texts(self.sent),
            ..Request::default()
        };
        collection.permit(&mut request, HttpBody::OutgoingRequest);
        // It has been looked through already.
        request.query_string = self.target.query().map(str::to_owned);
        request
    }

    fn response(&self, collection: &DataCollection) -> ResponseContext {
        let shown = |(name, value): (String, String)| {
            let value = collection.response_header(&name, &value)?.into_owned();
            Some((name, value))
        };
        let cookies = self.came.get_all(SET_COOKIE).iter().filter_map(|cookie| {
            let cookie = String::from_utf8_lossy(cookie.as_bytes()).into_owned();
            cookie.split(';').next().map(str::to_owned)
        });
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        ResponseContext {
            cookies: Some(cookies).filter(|all| !all.is_empty()).and_then(|all| collection.cookies(&all)),
            headers: texts(self.came)
                .into_iter()
                .filter(|(name, _)| name != SET_COOKIE.as_str())
                .filter_map(shown)
                .collect(),
            status_code: Some(self.status.as_u16().into()),
            body_size: length(self.came),
            data: None,
        }
    }
}

/// How long the body is, if the headers say so.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

fn texts(headers: &HeaderMap) -> Map<String, String> {
    let mut texts = Map::<String, String>::new();
    for (name, value) in headers {
        let text = texts.entry(name.as_str().to_owned()).or_default();
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&String::from_utf8_lossy(value.as_bytes()));
    }
    texts
}
