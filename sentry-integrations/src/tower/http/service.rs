//! A service that answers HTTP requests, watched.

use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::{HeaderMap, Method, Request, Response};
use sentry_core::{Client, ClientOptions, Hub, TracePropagationContext, Transaction, TransactionSource};
use tower_service::Service;

use super::future::Watched;
use super::path::matched_path;
use super::request::Seen;
use super::{SentryHttpFuture, SentryHttpLayer, session};

/// What made the transactions.
const ORIGIN: &str = "auto.http.tower";

/// A service behind a [`SentryHttpLayer`].
#[derive(Clone, Debug)]
pub struct SentryHttpService<S> {
    pub(super) service: S,
    pub(super) layer: SentryHttpLayer,
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for SentryHttpService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = SentryHttpFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let client = Hub::with_active(|hub| hub.client());
        let Some(client) = client else { return SentryHttpFuture::unwatched(self.service.call(request)) };
        let watched = self.layer.watch(&client, &request);
        drop(client);
        let future = Hub::run(Arc::clone(&watched.hub), || self.service.call(request));
        SentryHttpFuture::watched(watched, future)
    }
}

impl SentryHttpLayer {
    /// Prepares the hub of a request.
    fn watch<B>(self, client: &Client, request: &Request<B>) -> Watched {
        let options = client.options();
        let hub = Hub::of_request();
        let trace = incoming_trace(request.headers(), options);
        let seen = Seen::new(request);
        let with_pii = self.with_pii;
        hub.set_up(|scope| {
            scope.set_request_with(move |collection| seen.request(collection, with_pii));
            if let Some(trace) = trace {
                scope.set_propagation_context(trace);
                scope.set_span(None);
            }
        });
        let is_wanted = *request.method() != Method::OPTIONS || options.trace_options_requests;
        let transaction = (self.with_transaction && is_wanted).then(|| start(&hub, request));
        let has_session = session::start(&hub, options);
        Watched::new(hub, transaction, has_session)
    }
}

/// The trace that a request brings along, if it may be continued.
fn incoming_trace(headers: &HeaderMap, options: &ClientOptions) -> Option<TracePropagationContext> {
    const TRACE: &str = "sentry-trace";
    const BAGGAGE: &str = "baggage";
    if !headers.contains_key(TRACE) {
        return None;
    }
    let of =
        |name| headers.get_all(name).into_iter().filter_map(move |value| Some((name, value.to_str().ok()?)));
    TracePropagationContext::continued(of(TRACE).chain(of(BAGGAGE)), options)
}

/// Starts the transaction of a request.
fn start<B>(hub: &Arc<Hub>, request: &Request<B>) -> Transaction {
    let (path, source) = match matched_path(request) {
        Some(pattern) => (pattern, TransactionSource::Route),
        None => (request.uri().path(), TransactionSource::Url),
    };
    let method = request.method().as_str();
    let mut name = String::with_capacity(method.len() + 1 + path.len());
    name.push_str(method);
    name.push(' ');
    name.push_str(path);
    let mut context = hub.transaction_context(&name, "http.server");
    context.set_source(source);
    let transaction = hub.start_transaction(context);
    if transaction.is_sampled() {
        transaction.set_origin(ORIGIN);
        transaction.set_data("http.request.method", method.into());
    }
    hub.set_up(|scope| scope.set_span(Some(transaction.clone().into())));
    transaction
}
