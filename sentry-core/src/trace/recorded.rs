//! A transaction that has ended and is not in its wire form yet.
//!
//! ```text
//! Root::finish ── RecordedTransaction ── queue ──► worker: protocol::Transaction ──► scrub, limit, encode
//!                         └─ what callbacks want to see is made right here
//! ```
//!
//! The wire form of a span is four times as large as its record and takes three allocations. So it is made where the item
//! is finished, which nobody waits for.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::client_report::protocol::{Category, ItemLoss};
use crate::options::ClientOptions;
use crate::protocol::{self, Map, SpanStatus, TraceContext, TransactionInfo, Value};
use crate::suppress::guarded;
use crate::trace::TransactionSource;
use crate::trace::code_location;
use crate::trace::constants::Constants;
use crate::trace::ids::Ids;
use crate::trace::label::Label;
use crate::trace::record::{More, Weight};
use crate::trace::spans::Spans;
use crate::types::Uuid;

/// A transaction that has ended, with its spans, as they were recorded. Whoever finishes the item gives it the form that
/// servers know.
#[derive(Clone)]
pub struct RecordedTransaction(Arc<Recorded>);

#[derive(Clone)]
pub(super) struct Recorded {
    pub(super) ids: Ids,
    /// Name and operation.
    pub(super) label: Label,
    pub(super) source: TransactionSource,
    pub(super) status: Option<SpanStatus>,
    pub(super) origin: Option<Cow<'static, str>>,
    pub(super) data: Map<String, Value>,
    /// What becomes data with the wire form.
    pub(super) constants: Option<Constants>,
    pub(super) more: Option<Box<More>>,
    pub(super) start: SystemTime,
    pub(super) end: SystemTime,
    pub(super) spans: Spans,
    /// That of the spans.
    pub(super) weight: Weight,
}

impl RecordedTransaction {
    pub(super) fn new(mut recorded: Recorded) -> Self {
        recorded.weight.add(Weight::of(&recorded.label, &recorded.data, recorded.more.as_deref()));
        Self(Arc::new(recorded))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.label.first()
    }

    /// How many spans it has, without its own.
    #[must_use]
    pub fn spans(&self) -> usize {
        self.0.spans.len()
    }

    /// It may wait as it is. Else what is far too much of it has to be taken off first.
    pub(crate) fn is_plain(&self) -> bool {
        /// More than this is not taken along by any transaction.
        const MAX: usize = 512 * 1024;
        self.0.weight.is_plain && self.0.weight.bytes <= MAX
    }

    /// Roughly the bytes it holds.
    pub(crate) fn size(&self) -> usize {
        size_of::<Recorded>() + self.0.spans.bytes() + self.0.weight.bytes
    }

    /// What is lost with it.
    pub(crate) fn losses(&self) -> [ItemLoss; 2] {
        let spans = self.0.spans.len() as u64 + 1;
        [ItemLoss::new(Category::Transaction, 1), ItemLoss::new(Category::Span, spans)]
    }

    /// The wire form. Symbols for where slow queries came from are loaded until `deadline`.
    pub(crate) fn into_transaction(
        self,
        id: Uuid,
        options: &ClientOptions,
        deadline: Instant,
    ) -> protocol::Transaction<'static> {
        let recorded = Arc::unwrap_or_clone(self.0);
        let spans = recorded.spans.into_iter().map(|ended| {
            let (mut span, stack) = ended.into_span();
            if let Some(stack) = stack {
                code_location::add_to(&mut span, &stack, options, deadline);
            }
            seen(span, options)
        });
        let spans = spans.collect();
        let (name, op) = recorded.label.into_parts();
        let More { tags, extra, request, measurements, links, .. } =
            recorded.more.map(|more| *more).unwrap_or_default();
        let trace = TraceContext {
            trace_id: recorded.ids.trace_id(),
            span_id: recorded.ids.span_id(),
            parent_span_id: recorded.ids.parent_span_id(),
            op,
            status: recorded.status,
            origin: recorded.origin.map(Cow::into_owned),
            data: Constants::added(recorded.constants, recorded.data),
            links,
            ..TraceContext::default()
        };
        protocol::Transaction {
            event_id: id,
            name,
            transaction_info: Some(TransactionInfo { source: Some(recorded.source.name().into()) }),
            tags,
            extra,
            measurements,
            request: request.map(|request| *request),
            spans,
            contexts: [("trace".to_owned(), trace.into())].into(),
            start_timestamp: recorded.start,
            timestamp: Some(recorded.end),
            ..protocol::Transaction::default()
        }
    }
}

/// A span as the application wants to have it sent.
pub(super) fn seen(span: protocol::Span, options: &ClientOptions) -> protocol::Span {
    let Some(before_send) = &options.before_send_span else { return span };
    let mut copy = span.clone();
    match guarded("before_send_span", || before_send(&mut copy)) {
        Ok(()) => copy,
        Err(_) => span,
    }
}

impl fmt::Debug for RecordedTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedTransaction")
            .field("name", &self.name())
            .field("spans", &self.spans())
            .finish_non_exhaustive()
    }
}
