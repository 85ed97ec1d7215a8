//! How a transaction begins.

use std::fmt::Debug;

use sentry::protocol::{SpanId, TraceId, Value};
use sentry::{
    CustomTransactionContext, SentryTrace, TracePropagationContext, TransactionContext,
    TransactionContextBuilder, TransactionOrSpan,
};

const _: fn(&str, &str) -> TransactionContextBuilder = TransactionContext::builder;
const _: fn(&str, &str, &SentryTrace, Option<SpanId>) -> TransactionContext =
    TransactionContext::continue_from_sentry_trace;
const _: fn(&str, &str, Option<TransactionOrSpan>) -> TransactionContext =
    TransactionContext::continue_from_span;
const _: fn(&str, &str, &TracePropagationContext, Option<SpanId>) -> TransactionContext =
    TransactionContext::continue_from_trace_propagation_context;
const _: fn(&TransactionContext) -> Option<&CustomTransactionContext> = TransactionContext::custom;
const _: fn(&mut TransactionContext, String, Value) -> Option<Value> = TransactionContext::custom_insert;
const _: fn(&mut TransactionContext) -> &mut Option<CustomTransactionContext> =
    TransactionContext::custom_mut;
const _: fn(&TransactionContext) -> &str = TransactionContext::name;
const _: fn(&str, &str) -> TransactionContext = TransactionContext::new;
const _: fn(&str, &str, TraceId, Option<SpanId>, Option<SpanId>) -> TransactionContext =
    TransactionContext::new_with_details;
const _: fn(&str, &str, TraceId) -> TransactionContext = TransactionContext::new_with_trace_id;
const _: fn(&TransactionContext) -> &str = TransactionContext::operation;
const _: fn(&TransactionContext) -> Option<bool> = TransactionContext::sampled;
const _: fn(&TransactionContext) -> SpanId = TransactionContext::span_id;
const _: fn(&TransactionContext) -> TraceId = TransactionContext::trace_id;
const _: fn(&str, &str, [(&'static str, &'static str); 1]) -> TransactionContext =
    TransactionContext::continue_from_headers;
const _: fn(&mut TransactionContext) = |context| TransactionContext::set_sampled(context, true);
const _: fn(&mut TransactionContext) = |context| TransactionContext::set_sampled(context, None);
implements!(TransactionContext: Clone + Debug);

const _: fn(TransactionContextBuilder) -> TransactionContext = TransactionContextBuilder::finish;
const _: fn(TransactionContextBuilder, String, Value) -> TransactionContextBuilder =
    TransactionContextBuilder::with_custom;
const _: fn(TransactionContextBuilder, String) -> TransactionContextBuilder =
    TransactionContextBuilder::with_name;
const _: fn(TransactionContextBuilder, String) -> TransactionContextBuilder =
    TransactionContextBuilder::with_op;
const _: fn(TransactionContextBuilder, Option<SpanId>) -> TransactionContextBuilder =
    TransactionContextBuilder::with_parent_span_id;
const _: fn(TransactionContextBuilder, Option<bool>) -> TransactionContextBuilder =
    TransactionContextBuilder::with_sampled;
const _: fn(TransactionContextBuilder, SpanId) -> TransactionContextBuilder =
    TransactionContextBuilder::with_span_id;
const _: fn(TransactionContextBuilder, TraceId) -> TransactionContextBuilder =
    TransactionContextBuilder::with_trace_id;
