//! A span with nothing above it.

use std::sync::Arc;

use sentry_core::protocol::TraceId;
use sentry_core::{Client, Hub, TracesSamplingStrategy, TransactionContext, TransactionOrSpan};
use tracing_core::span::Attributes;

use super::asked::{Asked, asks};
use super::content::{self, visited};
use super::label::{Label, default_op};

/// Begins it as a transaction; `None` while tracing is off. `trace`: that of one which was decided to be kept.
pub(super) fn begin(
    hub: &Hub,
    client: Arc<Client>,
    attributes: &Attributes<'_>,
    trace: Option<TraceId>,
) -> Option<TransactionOrSpan> {
    if matches!(client.options().effective_traces_sampling(), TracesSamplingStrategy::Disabled) {
        return None;
    }
    let metadata = attributes.metadata();
    // The sampler wants to know these; nothing else is looked at before it has decided.
    let mut asked = Asked::default();
    if asks(metadata) {
        attributes.record(&mut asked);
    }
    let name = asked.name.as_deref().unwrap_or_else(|| metadata.name());
    let op = asked.op.unwrap_or_else(|| default_op(metadata));
    let context = match (&asked.trace, trace) {
        (Some(trace), _) => {
            TransactionContext::continue_from_headers(name, &op, [("sentry-trace", trace.as_str())])
        }
        (None, Some(trace)) => TransactionContext::new_with_trace_id(name, &op, trace),
        (None, None) if attributes.is_root() => TransactionContext::new(name, &op),
        // A layer above may have continued the trace of a request.
        (None, None) => hub.transaction_context(name, &op),
    };
    let transaction = hub.start_transaction_for(client, context);
    if transaction.is_sampled() {
        let fields = visited(attributes);
        // Without a dot in its fields it is called what it was asked for.
        if fields.is_dotted {
            let label = Label::new(metadata, &fields);
            transaction.set_op(&label.op);
            transaction.set_name_from(&label.name, label.source);
        }
        let ours = transaction.into();
        content::fill(&ours, metadata, fields);
        return Some(ours);
    }
    Some(transaction.into())
}
