//! Hubs of requests that nobody has looked at yet.
//!
//! Most requests capture nothing, set nothing, and are not sampled. All that such a request needs is a hub that would know
//! what to do, so nothing is put into its scope before somebody asks for the scope: neither its trace, nor the request, nor
//! the transaction that is not recorded.
//!
//! ```text
//! begin_request ─► hub, "unsettled" ─► defer_request ── nobody looks ──────────────► end_request: counted
//!                                            └── a scope is read or changed ─► settled ─► end_request: finished, counted
//! ```

use std::fmt;
use std::sync::Arc;

use crate::client::{self, Client};
use crate::hub::state::Binding;
use crate::hub::{Hub, lock};
use crate::options::DataCollection;
use crate::protocol::{Request, TraceId};
use crate::scope::Scope;
use crate::trace::{TracePropagationContext, Transaction, TransactionContext, Unsampled};

/// A request as an integration keeps it until somebody needs to know.
///
/// What is asked for is made under the lock of a hub: no code of the application's may run in there.
pub trait ServedRequest: fmt::Debug + Send + Sync + std::panic::RefUnwindSafe + 'static {
    /// The transaction of the request, in the given trace.
    fn transaction(&self, trace_id: TraceId) -> TransactionContext;

    /// The transaction name of events, if they are to have one.
    fn event_name(&self) -> Option<String>;

    /// What events tell of it, as far as `collection` permits that.
    fn request(&self, collection: &DataCollection) -> Request;
}

/// What is put into a scope once somebody looks at it.
#[derive(Debug)]
pub(super) struct Unsettled {
    trace_id: TraceId,
    request: Option<Arc<dyn ServedRequest>>,
    unsampled: Option<Unsampled>,
    is_counted: bool,
}

impl Unsettled {
    pub(super) fn new() -> Self {
        let trace_id = TracePropagationContext::new_trace_id();
        Self { trace_id, request: None, unsampled: None, is_counted: false }
    }

    /// Whether the request has a transaction that is not recorded.
    pub(super) fn is_unsampled(&self) -> bool {
        self.unsampled.is_some()
    }

    /// Returns the transaction that is to be finished.
    #[cold]
    pub(super) fn settle(self, binding: &Binding, scope: &mut Scope) -> Option<Transaction> {
        scope.set_propagation_context(TracePropagationContext::of_trace(self.trace_id));
        let request = self.request?;
        let context = self.unsampled.map(|unsampled| (unsampled, request.transaction(self.trace_id)));
        if let Some(name) = request.event_name() {
            scope.set_transaction(Some(&name));
        }
        scope.set_request_with(move |collection| request.request(collection));
        let (unsampled, context) = context?;
        let client = binding.clone().client().filter(|_| !self.is_counted);
        let transaction = match client {
            Some(client) => unsampled.transaction(client, context),
            None => unsampled.counted(context),
        };
        scope.set_span(Some(transaction.clone().into()));
        Some(transaction)
    }
}

impl Hub {
    /// A hub for a request that begins now, and the client that it is told to: the current hub, if it was made for that and
    /// no other request has it yet, else a new one. So layers do no harm in whichever order they are. `None` while no client
    /// is active.
    #[must_use]
    pub fn begin_request() -> Option<(Arc<Self>, Arc<Client>)> {
        Self::begin_request_from(Self::current)
    }

    /// The same with another hub in place of the current one.
    #[must_use]
    pub fn begin_request_from(hub: impl FnOnce() -> Arc<Self>) -> Option<(Arc<Self>, Arc<Client>)> {
        if !client::any_live() {
            return None;
        }
        let current = hub();
        let mut state = lock(&current.state);
        let client = state.binding.clone().client().filter(|client| client.is_enabled())?;
        let is_vacant = std::mem::take(&mut state.is_vacant);
        drop(state);
        let hub = if is_vacant { current } else { current.isolate_request_as(false) };
        Some((hub, client))
    }

    /// The same as [`isolate`](Self::isolate), for a request that another layer of the service is going to take with
    /// [`begin_request`](Self::begin_request).
    #[must_use]
    pub fn isolate_request(&self) -> Arc<Self> {
        self.isolate_request_as(true)
    }

    fn isolate_request_as(&self, is_vacant: bool) -> Arc<Self> {
        let unsettled = if Self::is_in_any_span() { None } else { lock(&self.state).fork_unsettled() };
        match unsettled {
            Some(mut state) => {
                state.is_vacant = is_vacant;
                Arc::new(Self::from_state(state))
            }
            None => {
                // That the process belongs to a trace says nothing about the requests that it serves.
                let hub = self.isolate_unless(TracePropagationContext::is_for_requests);
                lock(&hub.state).is_vacant = is_vacant;
                hub
            }
        }
    }

    /// Puts off setting up the scope of a request until somebody looks at it. `false`: it has to be set up now, because its
    /// transaction is sampled, or because somebody has looked already.
    #[must_use]
    pub fn defer_request<R: ServedRequest>(
        &self,
        client: &Client,
        request: &Arc<R>,
        with_transaction: bool,
    ) -> bool {
        let mut state = lock(&self.state);
        let Some(unsettled) = &mut state.unsettled else { return false };
        if with_transaction {
            unsettled.unsampled = Unsampled::decide(client.options(), unsettled.trace_id);
            if unsettled.unsampled.is_none() {
                return false;
            }
        }
        unsettled.request = Some(Arc::<R>::clone(request));
        true
    }

    /// A request that was put off has been answered: its transaction is counted among those that were not sampled.
    pub fn end_request(&self, client: &Client) {
        let mut state = lock(&self.state);
        let transaction = state.transaction.take();
        let unsampled = state.unsettled.as_mut().and_then(|unsettled| {
            unsettled.unsampled.filter(|_| !std::mem::replace(&mut unsettled.is_counted, true))
        });
        drop(state);
        if let Some(transaction) = transaction {
            transaction.finish();
        }
        if let Some(unsampled) = unsampled {
            unsampled.count(client.options());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_report::protocol::Category;
    use crate::test::with_captured_envelopes_options;
    use crate::{ClientOptions, Envelope, Level, capture_message, configure_scope};

    #[derive(Debug)]
    struct Served;

    impl ServedRequest for Served {
        fn transaction(&self, trace_id: TraceId) -> TransactionContext {
            TransactionContext::new_with_trace_id("GET /", "http.server", trace_id)
        }

        fn event_name(&self) -> Option<String> {
            None
        }

        fn request(&self, _: &DataCollection) -> Request {
            Request { method: Some("GET".to_owned()), ..Request::default() }
        }
    }

    fn never() -> ClientOptions {
        ClientOptions::new().traces_sample_rate(1e-30)
    }

    /// Runs `work` as a request whose set-up was put off, and counts the transactions and spans that are lost by that.
    fn served(options: ClientOptions, work: impl FnOnce(&Arc<Hub>)) -> (Vec<Envelope>, [u64; 2]) {
        let mut lost = [0; 2];
        let envelopes = with_captured_envelopes_options(
            || {
                let (hub, client) = Hub::begin_request().unwrap();
                assert!(hub.defer_request(&client, &Arc::new(Served), true));
                Hub::run(Arc::clone(&hub), || work(&hub));
                hub.end_request(&client);
                hub.end_request(&client);
                for item in client.options().client_report_recorder.totals() {
                    lost[usize::from(item.category() == Category::Span)] += item.quantity();
                }
            },
            options,
        );
        (envelopes, lost)
    }

    #[test]
    fn a_request_that_is_not_sampled_is_counted_once_whether_or_not_somebody_looks() {
        assert_eq!(served(never(), |_| {}).1, [1, 1]);
        assert_eq!(served(never(), |_| configure_scope(|scope| scope.set_tag("a", 1))).1, [1, 1]);
        let finished = served(never(), |hub| hub.snapshot().span().unwrap().clone().finish());
        assert_eq!(finished.1, [1, 1]);
        assert_eq!(served(ClientOptions::new(), |_| {}).1, [0, 0], "tracing is off");
    }

    #[test]
    fn what_is_captured_tells_the_request_and_belongs_to_its_trace() {
        let (envelopes, _) = served(never(), |hub| {
            let headers = hub.trace_headers();
            configure_scope(|scope| scope.set_tag("header", &headers[0].1));
            capture_message("inside", Level::Error);
        });
        let event = envelopes[0].event().unwrap();
        assert_eq!(event.request.as_ref().unwrap().method.as_deref(), Some("GET"));
        let trace = serde_json::to_value(&event.contexts["trace"]).unwrap();
        let id = |key: &str| trace[key].as_str().unwrap().to_owned();
        assert_eq!(event.tags["header"], format!("{}-{}-0", id("trace_id"), id("span_id")));
    }

    #[test]
    fn a_request_that_is_looked_at_after_its_end_is_counted_no_more() {
        let mut kept = None;
        let (_, lost) = served(never(), |hub| kept = Some(Arc::clone(hub)));
        assert_eq!(lost, [1, 1]);
        assert!(kept.unwrap().snapshot().span().is_some_and(|span| !span.is_sampled()));
    }

    #[test]
    fn one_that_is_sampled_or_was_looked_at_is_set_up_at_once() {
        let begin = || Hub::begin_request().unwrap();
        with_captured_envelopes_options(
            || {
                let (hub, client) = begin();
                assert!(!hub.defer_request(&client, &Arc::new(Served), true));
                assert!(hub.defer_request(&client, &Arc::new(Served), false), "no transaction is wanted");
                let (hub, client) = begin();
                hub.set_up(|scope| scope.set_tag("a", 1));
                assert!(!hub.defer_request(&client, &Arc::new(Served), false));
            },
            ClientOptions::new().traces_sample_rate(1.0),
        );
    }

    #[test]
    fn without_a_client_no_request_is_begun() {
        Hub::run(Arc::new(Hub::new(None, Arc::default())), || assert!(Hub::begin_request().is_none()));
    }
}
