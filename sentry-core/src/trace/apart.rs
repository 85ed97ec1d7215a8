//! Spans whose ids, beginning and end are somebody else's, for integrations with tracing systems of their own.
//!
//! Such a system knows nothing of transactions: a span may outlive the root it is below, begin when that is over, or never
//! end. What is below a transaction that is over is continued [apart](TransactionOrSpan::apart) from it, and what nobody will
//! end is [given up](TransactionOrSpan::give_up), which is counted.

use std::sync::Arc;
use std::time::SystemTime;

use crate::hub::Hub;
use crate::protocol::{Map, SpanId, Value};
use crate::trace::propagation::TracePropagationContext;
use crate::trace::root::Root;
use crate::trace::sampling::Decision;
use crate::trace::{Span, Transaction, TransactionContext, TransactionOrSpan};

impl TransactionOrSpan {
    /// A place in a trace of which nothing is recorded here. For integrations.
    #[doc(hidden)]
    #[must_use]
    pub fn elsewhere(trace: &TracePropagationContext) -> Self {
        Transaction::elsewhere(trace).into()
    }

    /// Starts a span below it with the given operation and description, id and start, that is left out or not by what `data`
    /// says, without giving it the data. For integrations.
    #[doc(hidden)]
    #[must_use = "a span must be finished to be sent"]
    pub fn start_child_as(
        &self,
        label: (&str, &str),
        data: &Map<String, Value>,
        id: SpanId,
        start: SystemTime,
    ) -> Span {
        match self {
            Self::Transaction(transaction) => transaction.start_child_as(label, data, id, start),
            Self::Span(span) => span.start_child_as(label, data, id, start),
        }
    }

    /// Whether anything of it is recorded, be it for Spotlight only. For integrations.
    #[doc(hidden)]
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.root().is_some_and(|root| root.verdict.recorded)
    }

    /// Whether what is recorded of it is still going to be sent: the transaction it belongs to is not over. For integrations.
    #[doc(hidden)]
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Transaction(transaction) => transaction.root().is_none_or(|root| root.is_open()),
            Self::Span(span) => span.root().is_none_or(|root| root.takes_spans()),
        }
    }

    /// What the span begins with as a transaction, where its own is over: the same ids in the same trace, decided already. For
    /// integrations.
    #[doc(hidden)]
    #[must_use]
    pub fn apart(&self, name: &str, op: &str) -> TransactionContext {
        let ids = self.ids();
        let mut context = TransactionContext::new_with_details(
            name,
            op,
            ids.trace_id(),
            Some(ids.span_id()),
            ids.parent_span_id(),
        );
        let Decision { sampled, .. } = self.decision();
        context.explicit = sampled;
        context.incoming = self.incoming().cloned().or_else(|| Some(self.root()?.dsc()));
        context
    }

    /// Nobody will end it: it is lost, and counted as a span for which there was no room. For integrations.
    #[doc(hidden)]
    pub fn give_up(self) {
        match self {
            Self::Transaction(transaction) => match transaction.root() {
                Some(root) if root.verdict.recorded => root.give_up(),
                _ => transaction.finish(),
            },
            Self::Span(span) => span.give_up(),
        }
    }

    /// The hub its transaction belongs to, if that is recorded and somebody still uses it. For integrations.
    #[doc(hidden)]
    #[must_use]
    pub fn home(&self) -> Option<Hub> {
        self.root()?.home()
    }

    fn root(&self) -> Option<&Arc<Root>> {
        match self {
            Self::Transaction(transaction) => transaction.root(),
            Self::Span(span) => span.root(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::protocol::EnvelopeItem;
    use crate::protocol::client_report::{Category, Reason};
    use crate::test::with_captured_envelopes_options;
    use crate::{ClientOptions, clock};

    fn lost(hub: &Hub) -> Vec<(Category, u64)> {
        let client = hub.client().unwrap();
        let totals = client.options().client_report_recorder.totals();
        let lost = totals.iter().filter(|item| item.reason() == Reason::BufferOverflow);
        lost.map(|item| (item.category(), item.quantity())).collect()
    }

    #[test]
    fn what_is_given_up_is_counted_once_and_not_sent() {
        let options = ClientOptions::new().traces_sample_rate(1.0);
        let run = || {
            let hub = Hub::current();
            let root = hub.start_transaction(TransactionContext::new("root", "t"));
            root.start_child("t", "ended").finish();
            TransactionOrSpan::from(root.start_child("t", "open")).give_up();
            assert_eq!(lost(&hub), [(Category::Span, 1)]);
            let root = TransactionOrSpan::from(root);
            root.clone().give_up();
            root.clone().give_up();
            assert!(!root.is_open());
            root.finish();
            let mut lost = lost(&hub);
            lost.sort_by_key(|(_, quantity)| *quantity);
            assert_eq!(lost, [(Category::Transaction, 1), (Category::Span, 3)]);
        };
        assert!(with_captured_envelopes_options(run, options).is_empty());
    }

    #[test]
    fn what_was_left_out_or_has_ended_is_not_lost_once_more() {
        let options = ClientOptions::new().traces_sample_rate(1.0).ignore_spans(["ignored"]);
        let run = || {
            let hub = Hub::current();
            let root = hub.start_transaction(TransactionContext::new("root", "t"));
            TransactionOrSpan::from(root.start_child("t", "ignored")).give_up();
            let ended = root.start_child("t", "ended");
            ended.clone().finish();
            TransactionOrSpan::from(ended).give_up();
            assert_eq!(lost(&hub), []);
            root.finish();
        };
        assert_eq!(with_captured_envelopes_options(run, options).len(), 1);
    }

    #[test]
    fn a_span_goes_on_as_a_transaction_with_its_ids() {
        let options = ClientOptions::new().traces_sample_rate(1.0);
        let run = || {
            let hub = Hub::current();
            let root = hub.start_transaction(TransactionContext::new("root", "t"));
            let id = SpanId::from([7; 8]);
            let start = clock::now() - Duration::from_secs(1);
            let above = TransactionOrSpan::from(root.clone());
            let span = TransactionOrSpan::from(above.start_child_as(("t", "late"), &Map::new(), id, start));
            assert!(span.is_open() && span.is_recorded() && span.home().is_some());
            root.finish();
            assert!(!span.is_open());
            hub.start_transaction_with_timestamp(span.apart("late", "t"), start).finish();
        };
        let envelopes = with_captured_envelopes_options(run, options);
        let contexts: Vec<_> = envelopes.iter().map(|envelope| envelope.headers().trace().cloned()).collect();
        assert_eq!(contexts[0], contexts[1], "it is the trace of the first");
        let Some(EnvelopeItem::Transaction(late)) = envelopes[1].items().next() else { panic!() };
        let Some(crate::protocol::Context::Trace(trace)) = late.contexts.get("trace") else { panic!() };
        assert_eq!((late.name.as_deref(), trace.span_id), (Some("late"), SpanId::from([7; 8])));
        assert!(trace.parent_span_id.is_some());
    }

    #[test]
    fn a_place_that_is_only_known_passes_its_trace_on() {
        let place = TracePropagationContext::default().with_sampled(true).at_span(SpanId::from([7; 8]));
        let known = TransactionOrSpan::elsewhere(&place);
        assert!(known.is_open() && !known.is_recorded() && !known.is_sampled());
        assert_eq!(known.iter_headers().next().unwrap().1, place.sentry_trace_header());
    }
}
