//! A request to another service, from its beginning until the head of its answer.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use sentry_core::options::TracesSamplingStrategy;
use sentry_core::protocol::client_report::{Category, Reason};
use sentry_core::protocol::{Breadcrumb, Context, Level, SpanStatus, Value};
use sentry_core::{Client, Hub, Span, is_suppressed, merge_baggage};

use super::HttpClientIntegration;
use super::failure::{Failure, length};
use super::target::Target;
use crate::http_status;

const OP: &str = "http.client";
const TRACE: HeaderName = HeaderName::from_static("sentry-trace");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// A request that is under way. Dropped before there is an answer, it was cancelled.
// `None`: nobody is interested in it.
#[must_use = "a request without an answer counts as cancelled"]
pub struct HttpCall(Option<Box<Open>>);

struct Open {
    hub: Arc<Hub>,
    client: Arc<Client>,
    span: Option<Span>,
    origin: &'static str,
    method: Method,
    target: Target,
    /// Those of the request, where an event may need them.
    kept: Option<HeaderMap>,
}

/// What became of a request.
enum End<'a> {
    Answer(StatusCode, &'a HeaderMap),
    Cancelled,
    Failure,
}

impl HttpCall {
    /// Begins a request on the current hub: a span below the active one, and headers that carry the trace on. Headers of that
    /// kind that are there already stay.
    pub fn begin(method: &Method, url: &str, headers: &mut HeaderMap) -> Self {
        Self::begin_as("auto.http.client", method, url, headers)
    }

    pub(super) fn begin_as(
        origin: &'static str,
        method: &Method,
        url: &str,
        headers: &mut HeaderMap,
    ) -> Self {
        if is_suppressed() {
            return Self(None);
        }
        Self(Hub::with_active(|hub| Open::begin(hub, origin, method, url, headers)).map(Box::new))
    }

    /// The head of an answer is there.
    pub fn answered(mut self, status: StatusCode, headers: &HeaderMap) {
        self.end(&End::Answer(status, headers));
    }

    /// There is no answer: the network has failed, or time is up.
    pub fn failed(mut self) {
        self.end(&End::Failure);
    }

    fn end(&mut self, end: &End<'_>) {
        if let Some(open) = self.0.take() {
            open.end(end);
        }
    }
}

impl Drop for HttpCall {
    fn drop(&mut self) {
        self.end(&End::Cancelled);
    }
}

impl fmt::Debug for HttpCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What else it holds may be secret.
        let method = self.0.as_ref().map(|open| &open.method);
        f.debug_struct("HttpCall").field("method", &method).finish_non_exhaustive()
    }
}

impl Open {
    fn begin(
        hub: &Arc<Hub>,
        origin: &'static str,
        method: &Method,
        url: &str,
        headers: &mut HeaderMap,
    ) -> Option<Self> {
        let client = hub.client()?;
        let target = Target::new(url, &client.options().collection());
        if target.is_of(&client) {
            return None;
        }
        let span = start(hub, &client, origin, method, &target);
        if !headers.contains_key(TRACE) {
            carry(hub, span.as_ref(), url, headers);
        }
        let watches = hub.with_integration(|failures: &HttpClientIntegration| failures.watches(url));
        let kept = watches.then(|| headers.clone());
        Some(Self { hub: Arc::clone(hub), client, span, origin, method: method.clone(), target, kept })
    }

    fn end(self: Box<Self>, end: &End<'_>) {
        let this = *self;
        if let Some(span) = this.span.as_ref().filter(|span| span.is_sampled()) {
            span.set_status(end.status());
            for (key, value) in end.data() {
                span.set_data(key, value);
            }
        }
        if let (End::Answer(status, came), Some(sent)) = (end, &this.kept) {
            this.capture(*status, came, sent);
        }
        if let Some(span) = this.span {
            span.finish();
        }
        let mut data = this.target.crumb(&this.method);
        end.tell(&mut |key, value| _ = data.insert(key.to_owned(), value));
        this.hub.add_breadcrumb(Breadcrumb {
            ty: "http".to_owned(),
            category: Some("http".to_owned()),
            level: end.level(),
            data,
            ..Breadcrumb::default()
        });
    }

    /// Captures an answer, if it is a failure.
    fn capture(&self, status: StatusCode, came: &HeaderMap, sent: &HeaderMap) {
        if !self.hub.with_integration(|failures: &HttpClientIntegration| failures.is_failure(status)) {
            return;
        }
        let failure = Failure { method: &self.method, target: &self.target, sent, status, came };
        let mut event = failure.event(self.origin, &self.client.options().collection());
        if let Some(span) = &self.span {
            let trace = Context::Trace(Box::new(span.get_trace_context()));
            event.contexts.insert("trace".to_owned(), trace);
        }
        self.hub.capture_event(event);
    }
}

impl End<'_> {
    fn status(&self) -> SpanStatus {
        match self {
            End::Answer(status, _) => http_status::of(status.as_u16()),
            End::Cancelled => SpanStatus::Cancelled,
            End::Failure => SpanStatus::InternalError,
        }
    }

    fn level(&self) -> Level {
        match self {
            End::Answer(status, _) if status.is_server_error() => Level::Error,
            End::Answer(status, _) if status.is_client_error() => Level::Warning,
            End::Answer(..) => Level::Info,
            End::Cancelled => Level::Warning,
            End::Failure => Level::Error,
        }
    }

    /// What a span is told.
    fn data(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let (status, size) = match self {
            End::Answer(status, headers) => (Some(status.as_u16().into()), length(headers).map(Value::from)),
            End::Cancelled | End::Failure => (None, None),
        };
        let data = [("http.response.status_code", status), ("http.response.body.size", size)];
        data.into_iter().filter_map(|(key, value)| Some((key, value?)))
    }

    /// What a breadcrumb is told.
    fn tell(&self, to: &mut dyn FnMut(&'static str, Value)) {
        match self {
            End::Answer(status, _) => {
                to("status_code", status.as_u16().into());
                if let Some(reason) = status.canonical_reason() {
                    to("reason", reason.into());
                }
            }
            End::Cancelled => to("reason", "cancelled".into()),
            End::Failure => to("reason", "no answer".into()),
        }
    }
}

/// The span of a request. `None`: there is none that it could be below.
fn start(hub: &Hub, client: &Client, origin: &'static str, method: &Method, target: &Target) -> Option<Span> {
    let Some(above) = hub.active_span() else {
        let options = client.options();
        if !matches!(options.effective_traces_sampling(), TracesSamplingStrategy::Disabled) {
            options.client_report_recorder.record(Reason::NoParentSpan, Category::Span, 1);
        }
        return None;
    };
    if !above.is_sampled() {
        return Some(above.start_child(OP, ""));
    }
    let description = format!("{method} {}", target.address);
    let span = above.start_child_with_data(OP, &description, target.data(method));
    span.set_origin(origin);
    Some(span)
}

/// Adds the headers of the trace.
fn carry(hub: &Hub, span: Option<&Span>, url: &str, headers: &mut HeaderMap) {
    let ours = match span {
        Some(span) => hub.trace_headers_below(&span.clone().into(), url),
        None => hub.trace_headers_for(url),
    };
    for (name, value) in ours {
        let name = HeaderName::from_static(name);
        if name == BAGGAGE {
            carry_baggage(&value, headers);
        } else if let (false, Ok(value)) = (headers.contains_key(&name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
}

/// Adds the baggage to the members of others that are there already.
fn carry_baggage(ours: &str, headers: &mut HeaderMap) {
    let theirs: Result<Vec<_>, _> = headers.get_all(BAGGAGE).iter().map(HeaderValue::to_str).collect();
    let (value, is_all) = match theirs {
        Ok(theirs) if theirs.is_empty() => (HeaderValue::try_from(ours), true),
        Ok(theirs) => (HeaderValue::try_from(merge_baggage(&theirs.join(","), ours)), true),
        // What cannot be read cannot be written anew, and stays.
        Err(_) => (HeaderValue::try_from(ours), false),
    };
    match value {
        Ok(value) if is_all => _ = headers.insert(BAGGAGE, value),
        Ok(value) => _ = headers.append(BAGGAGE, value),
        Err(_) => {}
    }
}
