//! A service that answers HTTP requests, watched.

use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::{HeaderMap, Method, Request, Response};
use sentry_core::{Client, ClientOptions, Hub, ServedRequest as _, TracePropagationContext, Transaction};
use tower_service::Service;

use super::future::Watched;
use super::request::{OP, Seen, TRACE};
use super::{SentryHttpFuture, SentryHttpLayer, session};

/// What made the transactions.
const ORIGIN: &str = "auto.http.tower";

const BAGGAGE: &str = "baggage";

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
        let Some((hub, client)) = Hub::begin_request() else {
            return SentryHttpFuture::unwatched(self.service.call(request));
        };
        let watched = self.layer.watch(hub, client, &request);
        let future = Hub::run(Arc::clone(&watched.hub), || self.service.call(request));
        SentryHttpFuture::watched(watched, future)
    }
}

impl SentryHttpLayer {
    /// Prepares the hub of a request.
    fn watch<B>(self, hub: Arc<Hub>, client: Arc<Client>, request: &Request<B>) -> Watched {
        let options = client.options();
        let is_wanted = *request.method() != Method::OPTIONS || options.trace_options_requests;
        let with_transaction = self.with_transaction && is_wanted;
        let seen = Arc::new(Seen::new(request, self.with_pii));
        let is_head = !seen.continues();
        if is_head && hub.defer_request(&client, &seen, with_transaction) {
            let has_session = session::start(&hub, options);
            return Watched::deferred(hub, client, has_session);
        }
        let trace = if is_head { None } else { incoming_trace(request.headers(), options) };
        let shown = Arc::clone(&seen);
        hub.set_up(|scope| {
            scope.set_request_with(move |collection| shown.request(collection));
            if let Some(trace) = trace {
                scope.set_propagation_context(trace);
                scope.set_span(None);
            }
        });
        let transaction = with_transaction.then(|| start(&hub, &seen));
        let has_session = session::start(&hub, options);
        Watched::set_up(hub, client, transaction, has_session)
    }
}

/// The trace that a request brings along, if it may be continued.
#[cold]
fn incoming_trace(headers: &HeaderMap, options: &ClientOptions) -> Option<TracePropagationContext> {
    let of =
        |name| headers.get_all(name).into_iter().filter_map(move |value| Some((name, value.to_str().ok()?)));
    TracePropagationContext::continued(of(TRACE).chain(of(BAGGAGE)), options)
}

/// Starts the transaction of a request.
#[cold]
fn start(hub: &Arc<Hub>, seen: &Seen) -> Transaction {
    let mut context = hub.transaction_context(&seen.name(), OP);
    context.set_source(seen.source());
    let transaction = hub.start_transaction(context);
    if transaction.is_sampled() {
        transaction.set_origin(ORIGIN);
        transaction.set_data("http.request.method", seen.method().into());
    }
    hub.set_up(|scope| scope.set_span(Some(transaction.clone().into())));
    transaction
}
