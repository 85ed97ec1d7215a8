//! Traces: transactions, the spans below them, and how a trace gets from one service to the next.
//!
//! ```text
//! TransactionContext ── sampling ──► Transaction ── start_child ──► Span
//!                          │              │                          │ finish
//!        not recorded: ids and a flag     └──────── Root ◄───────────┘
//!                                                    │ finish
//!                                                    ▼
//!                              RecordedTransaction + scope snapshot ──► Client ──► worker: protocol::Transaction
//! ```
//!
//! Invariants: a span that is not recorded allocates nothing; a recorded one takes its data as it comes and becomes a
//! [`protocol::Span`](crate::protocol::Span) only when its transaction is sent; code of users (`ToString`, samplers)
//! never runs while a lock is held; finishing twice is harmless; a transaction belongs to the hub that started it.

mod above;
mod apart;
mod called;
mod code_location;
mod constants;
mod context;
mod context_builder;
mod data;
mod dsc;
#[cfg(test)]
mod ended_tests;
mod fate;
mod frozen;
#[cfg(test)]
mod frozen_tests;
mod ids;
mod label;
mod notes;
mod place;
mod propagation;
mod record;
mod recorded;
mod request;
mod root;
mod root_span;
mod sample_rand;
mod sampling;
mod skip;
mod source;
mod span;
mod spans;
mod stream;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;
mod transaction;
mod transaction_or_span;
mod unsampled;
mod unsampled_root;
#[cfg(test)]
mod wanted_tests;

use std::sync::Arc;

pub use self::above::Above;
pub use self::constants::{Asks, Constants, Knows};
pub use self::context::{CustomTransactionContext, TransactionContext};
pub use self::context_builder::TransactionContextBuilder;
pub use self::data::{Data, TransactionData};
pub(crate) use self::fate::Undecided;
pub(crate) use self::frozen::hold;
pub use self::notes::Notes;
pub use self::place::{Begun, Place};
pub(crate) use self::propagation::traceparent;
pub use self::propagation::{
    HeaderParseError, SentryTrace, TraceHeader, TraceHeadersIter, TracePropagationContext, merge_baggage,
    parse_headers,
};
pub use self::recorded::RecordedTransaction;
pub use self::root_span::RootSpan;
pub(crate) use self::skip::{is_next_kept, next_skip};
pub use self::source::TransactionSource;
pub use self::span::Span;
pub use self::transaction::Transaction;
pub use self::transaction_or_span::TransactionOrSpan;
pub(crate) use self::unsampled::{Unsampled, names_decide};
pub(crate) use self::unsampled_root::kept;
pub use self::unsampled_root::{Kind, UnsampledRoot};
use crate::client::{self, Client};
use crate::hub::Hub;
use crate::options::ClientOptions;
use crate::protocol::DynamicSamplingContext;
use crate::scope::ScopeSnapshot;

/// How many spans a transaction keeps (protocol.md 20).
pub(crate) const MAX_SPANS: usize = 1_000;

/// The sampling context of the trace that an item captured with `scope` belongs to, for the header of its envelope.
pub(crate) fn dynamic_sampling_context(
    scope: &ScopeSnapshot,
    options: &ClientOptions,
) -> Option<DynamicSamplingContext> {
    let dsc = match scope.span() {
        Some(span) => span.dsc(options),
        None => scope.propagation_context()?.dsc(options),
    };
    (!dsc.is_empty()).then_some(dsc)
}

/// The headers that continue the trace of a span elsewhere, for the client with these options.
pub(crate) fn headers(span: &TransactionOrSpan, options: &ClientOptions) -> TraceHeadersIter {
    TraceHeadersIter::new(span.ids().sentry_trace(span.decision()), Some(&span.dsc(options)))
}

/// Whether the trace of `scope` is not sampled.
pub(crate) fn is_dropped(scope: &ScopeSnapshot) -> bool {
    scope.span().is_some_and(|span| span.decision().sampled == Some(false))
}

/// The replay that the trace of `scope` tells of, if it came from outside.
pub(crate) fn incoming_replay(scope: &ScopeSnapshot) -> Option<&str> {
    let incoming = match scope.span() {
        Some(span) => span.incoming(),
        None => scope.propagation_context()?.incoming(),
    };
    incoming?.get("replay_id")
}

/// The client of the running code, for those who have nothing better to ask.
fn current_client() -> Option<Arc<Client>> {
    if client::any_live() { Hub::current().client() } else { None }
}
