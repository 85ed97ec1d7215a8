//! Either of the two, for code that does not care which.

use std::sync::Arc;
use std::time::SystemTime;

use crate::options::ClientOptions;
use crate::protocol::{
    DynamicSamplingContext, Map, Request, SpanId, SpanLink, SpanStatus, TraceContext, TraceId, Unit, Value,
};
use crate::trace::above::Above;
use crate::trace::constants::Constants;
use crate::trace::ids::Ids;
use crate::trace::notes::Notes;
use crate::trace::propagation::TraceHeadersIter;
use crate::trace::sampling::Decision;
use crate::trace::{Span, Transaction};

/// A transaction or a span: what a scope can be bound to.
// Exhaustive: applications match on it.
#[derive(Clone, Debug, PartialEq)]
pub enum TransactionOrSpan {
    /// A transaction.
    Transaction(Transaction),
    /// A span.
    Span(Span),
}

/// The same expression for both.
macro_rules! either {
    ($value:expr, $inner:ident => $then:expr) => {
        match $value {
            TransactionOrSpan::Transaction($inner) => $then,
            TransactionOrSpan::Span($inner) => $then,
        }
    };
}

impl TransactionOrSpan {
    /// Its trace and itself.
    pub(crate) fn trace_and_span_id(&self) -> (TraceId, SpanId) {
        either!(self, this => (this.ids().trace_id(), this.ids().span_id()))
    }

    /// Remembers a feature flag among its data: the first ten of a span.
    pub(crate) fn add_flag(&self, flag: &str, result: bool) {
        const MAX: usize = 10;
        let key = format!("flag.evaluation.{flag}");
        let has_room = either!(self, this => {
            let data = this.data();
            let is_known = data.iter().any(|(known, _)| *known == key);
            is_known || data.iter().filter(|(known, _)| known.starts_with("flag.evaluation.")).count() < MAX
        });
        if has_room {
            self.set_data(&key, result.into());
        }
    }

    /// Starts a span below it.
    #[must_use = "a span must be finished to be sent"]
    pub fn start_child(&self, op: &str, description: &str) -> Span {
        either!(self, this => this.start_child(op, description))
    }

    /// Starts a span below it that has data from its start, which `ignore_spans` looks at.
    #[must_use = "a span must be finished to be sent"]
    pub fn start_child_with_data<K: Into<String>, V: Into<Value>>(
        &self,
        op: &str,
        description: &str,
        data: impl IntoIterator<Item = (K, V)>,
    ) -> Span {
        either!(self, this => this.start_child_with_data(op, description, data))
    }

    /// Starts a span below it that is left out or not by what `data` says, without giving it the data. For integrations.
    #[doc(hidden)]
    #[must_use = "a span must be finished to be sent"]
    pub fn start_child_knowing(&self, op: &str, description: &str, data: &Map<String, Value>) -> Span {
        either!(self, this => this.start_child_knowing(op, description, data))
    }

    /// Starts a span below it, with the given id and start.
    #[must_use = "a span must be finished to be sent"]
    pub fn start_child_with_details(
        &self,
        op: &str,
        description: &str,
        id: SpanId,
        start: SystemTime,
    ) -> Span {
        either!(self, this => this.start_child_with_details(op, description, id, start))
    }

    /// Ends it now.
    pub fn finish(self) {
        either!(self, this => this.finish());
    }

    /// Ends it at `timestamp`, but not before its start.
    pub fn finish_with_timestamp(self, timestamp: SystemTime) {
        either!(self, this => this.finish_with_timestamp(timestamp));
    }

    /// Sets the name of a transaction, the description of a span.
    pub fn set_name(&self, name: &str) {
        either!(self, this => this.set_name(name));
    }

    /// Sets the operation.
    pub fn set_op(&self, op: &str) {
        either!(self, this => this.set_op(op));
    }

    /// Sets what created it: `manual` or `auto.<category>.<integration>`.
    pub fn set_origin(&self, origin: &'static str) {
        either!(self, this => this.set_origin(origin));
    }

    /// Sets how the work ended.
    pub fn set_status(&self, status: SpanStatus) {
        either!(self, this => this.set_status(status));
    }

    /// Sets a value.
    pub fn set_data(&self, key: &str, value: Value) {
        either!(self, this => this.set_data(key, value));
    }

    /// Sets a tag.
    pub fn set_tag<V: ToString>(&self, key: &str, value: V) {
        either!(self, this => this.set_tag(key, value));
    }

    /// Adds a number measured during the work.
    pub fn set_measurement(&self, name: &str, value: f64, unit: impl Into<Option<Unit>>) {
        either!(self, this => this.set_measurement(name, value, unit));
    }

    /// Refers to another span, of this trace or of another one.
    pub fn add_link(&self, link: SpanLink) {
        either!(self, this => this.add_link(link));
    }

    /// Sets the HTTP request that is being served, or made.
    pub fn set_request(&self, request: Request) {
        either!(self, this => this.set_request(request));
    }

    /// How the work ended, if that is known.
    #[must_use]
    pub fn get_status(&self) -> Option<SpanStatus> {
        either!(self, this => this.get_status())
    }

    /// The place in the trace.
    #[must_use]
    pub fn get_trace_context(&self) -> TraceContext {
        either!(self, this => this.get_trace_context())
    }

    /// Whether it is recorded.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        either!(self, this => this.is_sampled())
    }

    /// The headers that continue the trace in another service.
    #[must_use]
    pub fn iter_headers(&self) -> TraceHeadersIter {
        either!(self, this => this.iter_headers())
    }

    /// Adds fields that were recorded later.
    pub(super) fn add_notes(&self, constants: Constants, notes: &Notes) {
        either!(self, this => this.add_notes(constants, notes));
    }

    /// What others begin below, if it is recorded and nothing stands against that.
    #[inline]
    pub(super) fn as_above(&self) -> Option<Above> {
        either!(self, this => this.as_above())
    }

    pub(super) fn ids(&self) -> &Ids {
        either!(self, this => this.ids())
    }

    pub(super) fn decision(&self) -> Decision {
        either!(self, this => this.decision())
    }

    pub(super) fn incoming(&self) -> Option<&Arc<DynamicSamplingContext>> {
        either!(self, this => this.incoming())
    }

    pub(super) fn dsc(&self, options: &ClientOptions) -> DynamicSamplingContext {
        either!(self, this => this.dsc(options))
    }
}

impl From<Transaction> for TransactionOrSpan {
    fn from(transaction: Transaction) -> Self {
        Self::Transaction(transaction)
    }
}

impl From<Span> for TransactionOrSpan {
    fn from(span: Span) -> Self {
        Self::Span(span)
    }
}
