//! Hubs of requests and jobs: what one sets, no other sees.

use std::sync::Arc;

use crate::client;
use crate::hub::{Hub, lock};
use crate::scope::Scope;
use crate::trace::TracePropagationContext;

impl Hub {
    /// A hub for one piece of work, such as a request or a message of a queue: it begins with what this one has now, and
    /// neither sees what is set on the other from then on (protocol.md 12.1).
    ///
    /// It has a trace of its own, unless this hub is in a span or serves such a piece of work itself: what comes of it then
    /// belongs to the same trace.
    ///
    /// ```
    /// use sentry_core::Hub;
    ///
    /// let hub = Hub::current().isolate();
    /// Hub::run(hub, || sentry_core::configure_scope(|scope| scope.set_tag("job", "7")));
    /// ```
    #[must_use]
    pub fn isolate(&self) -> Arc<Self> {
        self.isolate_unless(TracePropagationContext::is_for_work)
    }

    /// The trace stays if there is one that `stays`.
    pub(super) fn isolate_unless(&self, stays: impl FnOnce(&TracePropagationContext) -> bool) -> Arc<Self> {
        let hub = Self::new_from_top(self);
        let mut state = lock(&hub.state);
        let snapshot = state.top().snapshot();
        let has_trace = snapshot.propagation_context().is_some_and(stays);
        if snapshot.span().is_none() && !has_trace {
            state.top_mut().set_propagation_context(TracePropagationContext::default());
        }
        drop(state);
        drop(snapshot);
        Arc::new(hub)
    }

    /// Sets up the scope of a hub that nobody else uses yet, without a copy of it. `setup` runs under the lock of the hub and
    /// must not call it.
    pub fn set_up<F: FnOnce(&mut Scope)>(&self, setup: F) {
        setup(lock(&self.state).top_mut());
        self.note_change();
    }
}

/// Runs `callback` on a hub of its own that `scope_config` sets up: what one sets, the other does not see. For a job, a
/// message of a queue, a request; [`SentryFutureExt::in_isolation`](crate::SentryFutureExt::in_isolation) is the same for
/// futures.
///
/// ```
/// use sentry_core::{Level, capture_message, with_isolation_scope};
///
/// let events = sentry_core::test::with_captured_events(|| {
///     for job in [1, 2] {
///         with_isolation_scope(
///             |scope| scope.set_tag("job", job),
///             || capture_message("it broke", Level::Error),
///         );
///     }
/// });
/// assert_eq!((&*events[0].tags["job"], &*events[1].tags["job"]), ("1", "2"));
/// ```
pub fn with_isolation_scope<C, F, R>(scope_config: C, callback: F) -> R
where
    C: FnOnce(&mut Scope),
    F: FnOnce() -> R,
{
    if !client::any_live() {
        return callback();
    }
    let hub = Hub::current().isolate();
    hub.configure_scope(scope_config);
    Hub::run(hub, callback)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Context;
    use crate::test::{with_captured_envelopes_options, with_captured_events};
    use crate::{ClientOptions, Level, TransactionContext, capture_message, configure_scope};

    fn trace(hub: &Hub) -> String {
        hub.snapshot().trace_id().unwrap().to_string()
    }

    fn message(text: &str) {
        capture_message(text, Level::Info);
    }

    #[test]
    fn neither_side_sees_what_the_other_sets() {
        let events = with_captured_events(|| {
            configure_scope(|scope| scope.set_tag("before", 1));
            let hub = Hub::current().isolate();
            configure_scope(|scope| scope.set_tag("outside", 1));
            Hub::run(hub, || {
                configure_scope(|scope| scope.set_tag("inside", 1));
                message("inside");
            });
            message("outside");
        });
        let tags = |index: usize| events[index].tags.keys().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(tags(0), ["before", "inside"]);
        assert_eq!(tags(1), ["before", "outside"]);
    }

    #[test]
    fn each_piece_of_work_has_its_trace_and_what_comes_of_it_the_same() {
        let hub = Hub::current();
        let (first, second) = (hub.isolate(), hub.isolate());
        assert_ne!(trace(&first), trace(&second));
        assert_ne!(trace(&first), trace(&hub));
        assert_eq!(trace(&first.isolate()), trace(&first));
        assert_eq!(trace(&Hub::new_from_top(&first)), trace(&first));
    }

    #[test]
    fn work_within_a_span_belongs_to_its_trace() {
        let options = ClientOptions::new().traces_sample_rate(1.0);
        let envelopes = with_captured_envelopes_options(
            || {
                let transaction = crate::start_transaction(TransactionContext::new("t", "op"));
                configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
                with_isolation_scope(|scope| scope.set_tag("inside", 1), || message("inside"));
                transaction.finish();
            },
            options,
        );
        let event = envelopes[0].event().unwrap();
        let Some(crate::protocol::EnvelopeItem::Transaction(sent)) = envelopes[1].items().next() else {
            panic!()
        };
        let span = |contexts: &crate::protocol::Map<String, Context>| match &contexts["trace"] {
            Context::Trace(trace) => (trace.trace_id, trace.span_id),
            other => panic!("{other:?}"),
        };
        assert_eq!(span(&event.contexts), span(&sent.contexts));
        assert!(event.tags.contains_key("inside") && !sent.tags.contains_key("inside"));
    }

    #[test]
    fn a_hub_that_waits_for_its_request_is_taken_once() {
        with_captured_events(|| {
            let begin = || Hub::begin_request().unwrap().0;
            let hub = Hub::current().isolate_request();
            Hub::run(Arc::clone(&hub), || {
                assert!(Arc::ptr_eq(&begin(), &hub));
                let second = begin();
                assert!(!Arc::ptr_eq(&second, &hub));
                assert_eq!(trace(&second), trace(&hub));
            });
            assert!(!Arc::ptr_eq(&begin(), &Hub::current()));
        });
    }
}
