//! The hub of a request, prepared.

use std::sync::Arc;

use sentry_core::{Client, ClientOptions, Hub, ServedRequest as _, TracePropagationContext, Transaction};

use super::request::OP;
use super::{Seen, Watched, session};

/// What an integration wants of its requests.
#[derive(Clone, Copy)]
pub(crate) struct Serving {
    /// What makes the transactions: `auto.http.<integration>`.
    pub(crate) origin: &'static str,
    pub(crate) with_transaction: bool,
}

impl Serving {
    /// Prepares `hub`, which is that of a request and of nothing else.
    #[inline]
    pub(crate) fn begin(self, hub: Arc<Hub>, client: Arc<Client>, seen: Seen) -> Watched {
        let options = client.options();
        let is_wanted = !seen.is_options() || options.trace_options_requests;
        let with_transaction = self.with_transaction && is_wanted;
        let seen = Arc::new(seen);
        let is_head = !seen.continues();
        if is_head && hub.defer_request(&client, &seen, with_transaction) {
            let has_session = session::start(&hub, options);
            return Watched::deferred(hub, client, has_session);
        }
        let trace = if is_head { None } else { incoming_trace(&seen, options) };
        let shown = Arc::clone(&seen);
        hub.set_up(|scope| {
            if let Some(trace) = trace {
                scope.set_propagation_context(trace);
                scope.set_span(None);
            }
            // With a span it would rename the transaction of somebody else.
            if let Some(name) = shown.event_name()
                && scope.get_span().is_none()
            {
                scope.set_transaction(Some(&name));
            }
            scope.set_request_with(move |collection| shown.request(collection));
        });
        let transaction = with_transaction.then(|| self.start(&hub, &seen));
        let has_session = session::start(&hub, options);
        Watched::set_up(hub, client, transaction, has_session)
    }

    /// Starts the transaction of a request.
    #[cold]
    fn start(self, hub: &Arc<Hub>, seen: &Seen) -> Transaction {
        let mut context = hub.transaction_context(&seen.name(), OP);
        context.set_source(seen.source());
        let transaction = hub.start_transaction(context);
        if transaction.is_sampled() {
            transaction.set_origin(self.origin);
            transaction.set_data("http.request.method", seen.method().into());
        }
        hub.set_up(|scope| scope.set_span(Some(transaction.clone().into())));
        transaction
    }
}

/// The trace that a request brings along, if it may be continued.
#[cold]
fn incoming_trace(seen: &Seen, options: &ClientOptions) -> Option<TracePropagationContext> {
    let headers: Vec<_> = seen.trace_headers().collect();
    TracePropagationContext::continued(headers.iter().map(|(name, value)| (&**name, &**value)), options)
}
