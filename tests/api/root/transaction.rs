//! Transactions and spans.

use std::borrow::Cow;
use std::fmt::Debug;
use std::ops::DerefMut;
use std::time::SystemTime;

use sentry::protocol::{Map, Request, SpanId, SpanStatus, TraceContext, Value};
use sentry::{Data, Span, TraceHeadersIter, Transaction, TransactionData, TransactionOrSpan};

const _: fn(&Transaction) -> TransactionData<'_> = Transaction::data;
const _: fn(Transaction) = Transaction::finish;
const _: fn(Transaction, SystemTime) = Transaction::finish_with_timestamp;
const _: fn(&Transaction) -> Option<SpanStatus> = Transaction::get_status;
const _: fn(&Transaction) -> TraceContext = Transaction::get_trace_context;
const _: fn(&Transaction) -> bool = Transaction::is_sampled;
const _: fn(&Transaction) -> TraceHeadersIter = Transaction::iter_headers;
const _: fn(&Transaction, &str, Value) = Transaction::set_data;
const _: fn(&Transaction, &str, Value) = Transaction::set_extra;
const _: fn(&Transaction, &str) = Transaction::set_name;
const _: fn(&Transaction, &str) = Transaction::set_op;
const _: fn(&Transaction, &str) = Transaction::set_origin;
const _: fn(&Transaction, Request) = Transaction::set_request;
const _: fn(&Transaction, SpanStatus) = Transaction::set_status;
const _: fn(&Transaction, &str, &str) -> Span = Transaction::start_child;
const _: fn(&Transaction, &str, &str, SpanId, SystemTime) -> Span = Transaction::start_child_with_details;
const _: fn(&Transaction, &str, u16) = Transaction::set_tag;
implements!(Transaction: Clone + Debug + PartialEq);

const _: for<'a> fn(&'a TransactionData<'static>) -> Box<dyn Iterator<Item = (&'a String, &'a Value)> + 'a> =
    TransactionData::iter;
const _: fn(&mut TransactionData<'static>, Cow<'static, str>, Value) = TransactionData::set_data;
const _: fn(&mut TransactionData<'static>, Cow<'_, str>, String) = TransactionData::set_tag;

const _: fn(TransactionOrSpan) = |value| match value {
    TransactionOrSpan::Span(_) | TransactionOrSpan::Transaction(_) => {}
};
const _: fn(Span) -> TransactionOrSpan = TransactionOrSpan::Span;
const _: fn(Transaction) -> TransactionOrSpan = TransactionOrSpan::Transaction;
const _: fn(TransactionOrSpan) = TransactionOrSpan::finish;
const _: fn(TransactionOrSpan, SystemTime) = TransactionOrSpan::finish_with_timestamp;
const _: fn(&TransactionOrSpan) -> Option<SpanStatus> = TransactionOrSpan::get_status;
const _: fn(&TransactionOrSpan) -> TraceContext = TransactionOrSpan::get_trace_context;
const _: fn(&TransactionOrSpan) -> bool = TransactionOrSpan::is_sampled;
const _: fn(&TransactionOrSpan) -> TraceHeadersIter = TransactionOrSpan::iter_headers;
const _: fn(&TransactionOrSpan, &str, Value) = TransactionOrSpan::set_data;
const _: fn(&TransactionOrSpan, &str) = TransactionOrSpan::set_name;
const _: fn(&TransactionOrSpan, &str) = TransactionOrSpan::set_op;
const _: fn(&TransactionOrSpan, Request) = TransactionOrSpan::set_request;
const _: fn(&TransactionOrSpan, SpanStatus) = TransactionOrSpan::set_status;
const _: fn(&TransactionOrSpan, &str, &str) -> Span = TransactionOrSpan::start_child;
const _: fn(&TransactionOrSpan, &str, &str, SpanId, SystemTime) -> Span =
    TransactionOrSpan::start_child_with_details;
const _: fn(&TransactionOrSpan, &str, u16) = TransactionOrSpan::set_tag;
implements!(TransactionOrSpan: Clone + Debug + From<Span> + From<Transaction> + PartialEq);

const _: fn(&Span) -> Data<'_> = Span::data;
const _: fn(Span) = Span::finish;
const _: fn(Span, SystemTime) = Span::finish_with_timestamp;
const _: fn(&Span) -> SpanId = Span::get_span_id;
const _: fn(&Span) -> Option<SpanStatus> = Span::get_status;
const _: fn(&Span) -> TraceContext = Span::get_trace_context;
const _: fn(&Span) -> bool = Span::is_sampled;
const _: fn(&Span) -> TraceHeadersIter = Span::iter_headers;
const _: fn(&Span, &str, Value) = Span::set_data;
const _: fn(&Span, &str) = Span::set_name;
const _: fn(&Span, &str) = Span::set_op;
const _: fn(&Span, Request) = Span::set_request;
const _: fn(&Span, SpanStatus) = Span::set_status;
const _: fn(&Span, &str, &str) -> Span = Span::start_child;
const _: fn(&Span, &str, u16) = Span::set_tag;
implements!(Span: Clone + Debug + PartialEq);

const _: fn(&mut Data<'static>, String, Value) = Data::set_data;
const _: fn(&mut Data<'static>, String, String) = Data::set_tag;
implements!(Data<'static>: DerefMut<Target = Map<String, Value>>);
