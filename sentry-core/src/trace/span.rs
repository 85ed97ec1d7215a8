//! A span below a transaction.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::client;
use crate::clock;
use crate::hub::Hub;
use crate::options::ClientOptions;
use crate::protocol::client_report::{Category, Reason};
use crate::protocol::{
    DynamicSamplingContext, Map, Measurement, Request, SpanId, SpanLink, SpanStatus, TraceContext, TraceId,
    Unit, Value,
};
use crate::trace::above::Above;
use crate::trace::constants::Constants;
use crate::trace::dsc::{self, Head};
use crate::trace::frozen;
use crate::trace::ids::{self, Ids};
use crate::trace::notes::Notes;
use crate::trace::propagation::{SentryTrace, TraceHeadersIter};
use crate::trace::record::{Record, RecordState};
use crate::trace::root::Root;
use crate::trace::sampling::Decision;
use crate::trace::{Data, TransactionOrSpan, current_client, request};

/// A piece of work within a transaction. It must be finished to be sent, before its transaction is.
///
/// Clones are the same span. A span of a transaction that is not sampled costs next to nothing and records nothing.
#[derive(Clone)]
pub struct Span {
    ids: Ids,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    /// Not recorded. There is no reference to the transaction: counting references is what costs.
    Off(Off),
    Recorded {
        root: Arc<Root>,
        record: Arc<Record>,
    },
    /// Left out of its trace, by the word of the application.
    Ignored(Arc<Root>),
}

/// What is left of a span or a transaction that is not recorded: enough to pass its trace on.
#[derive(Clone)]
pub(super) struct Off {
    pub(super) decision: Decision,
    pub(super) incoming: Option<Arc<DynamicSamplingContext>>,
}

impl Span {
    /// Built into whatever code starts it, where it often is not even written to memory.
    #[inline]
    pub(super) fn off(off: &Off, ids: Ids) -> Self {
        Self { ids, kind: Kind::Off(off.clone()) }
    }

    /// A span that begins now, below the one with the ids `parent`.
    // Never built into its callers: what it needs on the stack is not for spans that are not recorded.
    #[inline(never)]
    pub(super) fn below(root: &Arc<Root>, parent: &Ids, op: &str, description: &str) -> Self {
        Self::recorded(root, parent, ids::word(), op, description, clock::now())
    }

    #[inline]
    pub(super) fn recorded(
        root: &Arc<Root>,
        parent: &Ids,
        id: u64,
        op: &str,
        description: &str,
        start: SystemTime,
    ) -> Self {
        if root.ignores(op, description, None) {
            return Self::ignored(root, parent, id);
        }
        Self::begun(root, parent, id, op, description, start)
    }

    /// What is below it belongs to what is above it, whose ids it therefore has.
    #[inline(never)]
    fn ignored(root: &Arc<Root>, parent: &Ids, id: u64) -> Self {
        Self { ids: root.above(&parent.with_word(id)), kind: Kind::Ignored(Arc::clone(root)) }
    }

    #[inline]
    fn begun(
        root: &Arc<Root>,
        parent: &Ids,
        id: u64,
        op: &str,
        description: &str,
        start: SystemTime,
    ) -> Self {
        // Made twice where they stay: a copy of what was written right before has to wait for it.
        let record = Record::begin(parent.with_word(id), |state| {
            state.called.say(op, description);
            start
        });
        Self { ids: parent.with_word(id), kind: Kind::Recorded { root: Arc::clone(root), record } }
    }

    /// The first handle of a span that was begun.
    #[inline]
    pub(super) fn of_record(ids: Ids, root: Arc<Root>, record: Arc<Record>) -> Self {
        Self { ids, kind: Kind::Recorded { root, record } }
    }

    /// What others begin below, if it is recorded and nothing stands against that.
    #[inline]
    pub(super) fn as_above(&self) -> Option<Above> {
        match &self.kind {
            Kind::Recorded { root, .. } => Above::new(root, &self.ids),
            Kind::Off(_) | Kind::Ignored(_) => None,
        }
    }

    /// A span that begins now, and is left out or not by what `data` says.
    #[inline(never)]
    pub(super) fn knowing(
        root: &Arc<Root>,
        parent: &Ids,
        op: &str,
        description: &str,
        data: &Map<String, Value>,
    ) -> Self {
        let id = ids::word();
        if root.ignores(op, description, Some(data)) {
            return Self::ignored(root, parent, id);
        }
        Self::begun(root, parent, id, op, description, clock::now())
    }

    /// The same with the id and the start of somebody else.
    pub(super) fn knowing_as(
        root: &Arc<Root>,
        parent: &Ids,
        (op, description): (&str, &str),
        data: &Map<String, Value>,
        id: SpanId,
        start: SystemTime,
    ) -> Self {
        let id = ids::word_of(id);
        if root.ignores(op, description, Some(data)) {
            return Self::ignored(root, parent, id);
        }
        Self::begun(root, parent, id, op, description, start)
    }

    /// A span that begins now and has data.
    pub(super) fn with_data<K: Into<String>, V: Into<Value>>(
        root: &Arc<Root>,
        parent: &Ids,
        op: &str,
        description: &str,
        data: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let data = data.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        let span = Self::knowing(root, parent, op, description, &data);
        span.update(|state| *state.data() = data);
        span
    }

    /// Starts a span below this one.
    #[inline]
    #[must_use = "a span must be finished to be sent"]
    pub fn start_child(&self, op: &str, description: &str) -> Self {
        match &self.kind {
            Kind::Off(off) => Self::off(off, self.ids.child()),
            Kind::Recorded { root, .. } | Kind::Ignored(root) => {
                Self::below(root, &self.ids, op, description)
            }
        }
    }

    /// Starts a span below this one that has data from its start, which `ignore_spans` looks at.
    #[must_use = "a span must be finished to be sent"]
    pub fn start_child_with_data<K: Into<String>, V: Into<Value>>(
        &self,
        op: &str,
        description: &str,
        data: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        match &self.kind {
            Kind::Off(off) => Self::off(off, self.ids.child()),
            Kind::Recorded { root, .. } | Kind::Ignored(root) => {
                Self::with_data(root, &self.ids, op, description, data)
            }
        }
    }

    /// The same without taking the data. For integrations.
    pub(super) fn start_child_knowing(&self, op: &str, description: &str, data: &Map<String, Value>) -> Self {
        match &self.kind {
            Kind::Off(off) => Self::off(off, self.ids.child()),
            Kind::Recorded { root, .. } | Kind::Ignored(root) => {
                Self::knowing(root, &self.ids, op, description, data)
            }
        }
    }

    /// Starts a span below this one, with the given id and start.
    #[must_use = "a span must be finished to be sent"]
    pub fn start_child_with_details(
        &self,
        op: &str,
        description: &str,
        id: SpanId,
        start: SystemTime,
    ) -> Self {
        let ids = self.ids.child_with_id(id);
        match &self.kind {
            Kind::Off(off) => Self::off(off, ids),
            Kind::Recorded { root, .. } | Kind::Ignored(root) => {
                Self::recorded(root, &self.ids, ids::word_of(id), op, description, start)
            }
        }
    }

    /// Ends the span now. Ending it twice is harmless.
    #[inline]
    pub fn finish(self) {
        if let Kind::Recorded { root, record } = self.kind {
            Root::finish_span(root, record, None);
        }
    }

    /// Ends the span at `timestamp`, but not before its start.
    pub fn finish_with_timestamp(self, timestamp: SystemTime) {
        if let Kind::Recorded { root, record } = self.kind {
            Root::finish_span(root, record, Some(timestamp));
        }
    }

    /// Nobody will end it: it is lost, unless somebody has ended it meanwhile.
    pub(super) fn give_up(&self) {
        if let Kind::Recorded { root, record } = &self.kind
            && record.end(clock::now(), None).is_some()
        {
            root.lose(Reason::BufferOverflow, Category::Span);
        }
    }

    /// Sets the description.
    pub fn set_name(&self, name: &str) {
        self.update(|state| state.called.set_description(name));
    }

    /// Sets the operation.
    pub fn set_op(&self, op: &str) {
        self.update(|state| state.called.set_op(op));
    }

    /// Sets what created the span: `manual` or `auto.<category>.<integration>`.
    pub fn set_origin<O: Into<Cow<'static, str>>>(&self, origin: O) {
        let origin = origin.into();
        self.update(|state| state.origin = Some(origin));
    }

    /// Sets how the work ended.
    pub fn set_status(&self, status: SpanStatus) {
        self.update(|state| state.status = Some(status));
    }

    /// Sets a value.
    pub fn set_data(&self, key: &str, value: Value) {
        self.update(|state| _ = state.data().insert(key.to_owned(), value));
    }

    /// Sets all at once that an integration knows of a new span; `constants` are what all spans of one place have.
    #[doc(hidden)]
    pub fn introduce(&self, constants: Constants, data: Map<String, Value>) {
        self.update(|state| {
            state.introduce(constants, |_| ());
            if state.data().is_empty() {
                *state.data() = data;
            } else {
                state.data().extend(data);
            }
        });
    }

    /// Adds fields that were recorded later.
    pub(super) fn add_notes(&self, constants: Constants, notes: &Notes) {
        self.update(|state| state.add_notes(constants, notes));
    }

    /// Sets a tag.
    pub fn set_tag<V: ToString>(&self, key: &str, value: V) {
        if matches!(self.kind, Kind::Recorded { .. }) {
            // The caller's `to_string` runs before the lock is taken.
            let value = value.to_string();
            self.update(|state| _ = state.more().tags.insert(key.to_owned(), value));
        }
    }

    /// Adds a number measured during the work. What is not finite was not measured.
    pub fn set_measurement(&self, name: &str, value: f64, unit: impl Into<Option<Unit>>) {
        if value.is_finite() {
            let measurement = Measurement { value, unit: unit.into() };
            self.update(|state| _ = state.more().measurements.insert(name.to_owned(), measurement));
        }
    }

    /// Refers to another span, of this trace or of another one.
    pub fn add_link(&self, link: SpanLink) {
        self.update(|state| state.more().links.push(link));
    }

    /// Adds the parts of an HTTP request to the data.
    pub fn set_request(&self, request: Request) {
        self.update(|state| request::add_to(state.data(), request));
    }

    /// The data, to be changed.
    #[must_use]
    pub fn data(&self) -> Data<'_> {
        match &self.kind {
            Kind::Off(_) | Kind::Ignored(_) => Data::new(None),
            Kind::Recorded { record, .. } => Data::new(Some(record.state())),
        }
    }

    /// The id.
    #[must_use]
    pub fn get_span_id(&self) -> SpanId {
        self.ids.span_id()
    }

    /// How the work ended, if that is known. Nothing is known of a span that is not recorded.
    #[must_use]
    pub fn get_status(&self) -> Option<SpanStatus> {
        match &self.kind {
            Kind::Off(_) | Kind::Ignored(_) => None,
            Kind::Recorded { root, .. } if root.only_shown => None,
            Kind::Recorded { record, .. } => record.status(),
        }
    }

    /// The place in the trace.
    #[must_use]
    pub fn get_trace_context(&self) -> TraceContext {
        match &self.kind {
            Kind::Off(_) | Kind::Ignored(_) => self.ids.trace_context(),
            Kind::Recorded { root, .. } if root.only_shown => self.ids.trace_context(),
            Kind::Recorded { record, .. } => record.trace_context(),
        }
    }

    /// Whether the span is recorded for the server.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        matches!(&self.kind, Kind::Recorded { root, .. } | Kind::Ignored(root) if root.is_sampled())
    }

    /// The headers that continue the trace in another service, below this span.
    #[must_use]
    pub fn iter_headers(&self) -> TraceHeadersIter {
        match &self.kind {
            Kind::Off(off) => off.headers(&self.ids),
            Kind::Recorded { root, .. } | Kind::Ignored(root) if root.only_shown => {
                root.passed_on().headers(&self.ids)
            }
            Kind::Recorded { root, .. } | Kind::Ignored(root) => {
                TraceHeadersIter::new(self.ids.sentry_trace(self.decision()), Some(&root.dsc()))
            }
        }
    }

    pub(super) fn ids(&self) -> &Ids {
        &self.ids
    }

    pub(super) fn root(&self) -> Option<&Arc<Root>> {
        match &self.kind {
            Kind::Off(_) => None,
            Kind::Recorded { root, .. } | Kind::Ignored(root) => Some(root),
        }
    }

    /// See [`TransactionOrSpan::start_child_as`].
    pub(super) fn start_child_as(
        &self,
        label: (&str, &str),
        data: &Map<String, Value>,
        id: SpanId,
        start: SystemTime,
    ) -> Self {
        match &self.kind {
            Kind::Off(off) => Self::off(off, self.ids.child_with_id(id)),
            Kind::Recorded { root, .. } | Kind::Ignored(root) => {
                Self::knowing_as(root, &self.ids, label, data, id, start)
            }
        }
    }

    pub(super) fn decision(&self) -> Decision {
        match &self.kind {
            Kind::Off(off) => off.decision,
            Kind::Recorded { root, .. } | Kind::Ignored(root) => root.verdict.decision,
        }
    }

    pub(super) fn incoming(&self) -> Option<&Arc<DynamicSamplingContext>> {
        match &self.kind {
            Kind::Off(off) => off.incoming.as_ref(),
            Kind::Recorded { root, .. } | Kind::Ignored(root) => root.incoming.as_ref(),
        }
    }

    pub(super) fn dsc(&self, options: &ClientOptions) -> DynamicSamplingContext {
        match &self.kind {
            Kind::Off(off) => off.dsc(&self.ids, options),
            Kind::Recorded { root, .. } | Kind::Ignored(root) if root.only_shown => {
                root.passed_on().dsc(&self.ids, options)
            }
            Kind::Recorded { root, .. } | Kind::Ignored(root) => Arc::unwrap_or_clone(root.dsc()),
        }
    }

    fn update(&self, change: impl FnOnce(&mut RecordState)) {
        if let Kind::Recorded { record, .. } = &self.kind {
            record.update(change);
        }
    }
}

impl Off {
    pub(super) fn headers(&self, ids: &Ids) -> TraceHeadersIter {
        let trace: SentryTrace = ids.sentry_trace(self.decision);
        if let Some(incoming) = &self.incoming {
            return TraceHeadersIter::new(trace, Some(incoming));
        }
        let dsc = current_client().map(|client| self.dsc(ids, client.options()));
        TraceHeadersIter::new(trace, dsc.as_ref())
    }

    pub(super) fn dsc(&self, ids: &Ids, options: &ClientOptions) -> DynamicSamplingContext {
        match &self.incoming {
            Some(incoming) => DynamicSamplingContext::clone(incoming),
            None if self.decision.sampled == Some(false) => {
                let trace_id = ids.trace_id();
                let ours = frozen::of_trace(trace_id, options, || self.first_dsc(trace_id, options));
                Arc::unwrap_or_clone(ours)
            }
            None => self.nameless_dsc(ids.trace_id(), None, options),
        }
    }

    /// The context of a trace that is not recorded, for the first that asks: the transaction that the code is in, if it is of
    /// that trace, knows more.
    #[cold]
    fn first_dsc(&self, trace_id: TraceId, options: &ClientOptions) -> DynamicSamplingContext {
        if !client::any_live() {
            return self.nameless_dsc(trace_id, None, options);
        }
        let hub = Hub::current();
        if let Some(active) = hub.active_span()
            && let TransactionOrSpan::Transaction(above) = &*active
            && let Some(named) = above.fresh_dsc(trace_id, options)
        {
            return named;
        }
        self.nameless_dsc(trace_id, hub.snapshot().replay_id(), options)
    }

    fn nameless_dsc(
        &self,
        trace_id: TraceId,
        replay: Option<&str>,
        options: &ClientOptions,
    ) -> DynamicSamplingContext {
        dsc::of_head(&Head { trace_id, decision: self.decision, transaction: None, replay }, options)
    }
}

/// The same span, even if what was recorded of it differs.
impl PartialEq for Span {
    fn eq(&self, other: &Self) -> bool {
        self.ids == other.ids
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Span")
            .field("trace_id", &self.ids.trace_id())
            .field("span_id", &self.ids.span_id())
            .field("sampled", &self.is_sampled())
            .finish_non_exhaustive()
    }
}
