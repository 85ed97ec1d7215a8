//! The root of a tree of spans.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::client::{self, Client};
use crate::hub::Hub;
use crate::options::ClientOptions;
use crate::protocol::{
    DynamicSamplingContext, Map, Measurement, Request, SpanId, SpanLink, SpanStatus, TraceContext, TraceId,
    Unit, Value,
};
use crate::suppress;
use crate::trace::above::Above;
use crate::trace::constants::Constants;
use crate::trace::ids::{self, Ids};
use crate::trace::notes::Notes;
use crate::trace::propagation::{TraceHeadersIter, TracePropagationContext};
use crate::trace::root::{Root, State};
use crate::trace::sampling::{self, Decision, Verdict};
use crate::trace::span::Off;
use crate::trace::{Span, TransactionContext, TransactionData, TransactionSource, dsc};

/// A piece of work that is looked at as a whole: a request, a job. It must be finished to be sent.
///
/// Clones are the same transaction. It belongs to the hub that started it: user, tags and contexts of that hub go with
/// it. One that is not sampled records nothing.
#[derive(Clone)]
pub struct Transaction {
    ids: Ids,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    /// Tracing is off.
    Off(Off),
    /// Tracing is on, and sampling has dropped it. What spans below it need is at hand: they are to cost next to nothing.
    Unrecorded { off: Off, root: Arc<Root> },
    /// Recorded, or ignored by the word of the application.
    Recorded(Arc<Root>),
}

impl Transaction {
    /// Starts a transaction on the current hub, now if no time is given.
    pub(crate) fn start_current(context: TransactionContext, start: Option<SystemTime>) -> Self {
        if !client::any_live() {
            return Self::off(context);
        }
        let hub = Hub::current();
        Self::begin(hub.client(), &hub, context, start)
    }

    /// Starts a transaction that belongs to `hub`.
    pub(crate) fn start(
        client: Option<Arc<Client>>,
        hub: &Hub,
        context: TransactionContext,
        start: SystemTime,
    ) -> Self {
        Self::begin(client, hub, context, Some(start))
    }

    fn begin(
        client: Option<Arc<Client>>,
        hub: &Hub,
        mut context: TransactionContext,
        start: Option<SystemTime>,
    ) -> Self {
        let Some(client) = client.filter(|client| client.is_enabled() && !suppress::is_suppressed()) else {
            return Self::off(context);
        };
        context.refuse_strangers(client.options());
        let mut verdict = sampling::decide_for(client.options(), &context);
        if !verdict.recorded && !verdict.reported {
            return Self::off_with(verdict.decision, context);
        }
        if context.is_ignored(client.options()) {
            verdict = verdict.ignored();
        }
        if let (true, Some(incoming)) = (verdict.by_sampler, &mut context.incoming) {
            *incoming = Arc::new(dsc::decided(incoming, verdict.decision));
        }
        let root = Arc::new(Root::new(client, Some(hub), context, verdict, start));
        root.tell_start();
        Self::of(root)
    }

    /// One that sampling has dropped already.
    pub(super) fn unrecorded(client: Arc<Client>, context: TransactionContext, verdict: Verdict) -> Self {
        if !verdict.reported {
            return Self::off_with(verdict.decision, context);
        }
        Self::of(Arc::new(Root::new(client, None, context, verdict, None)))
    }

    pub(super) fn of(root: Arc<Root>) -> Self {
        let ids = root.ids;
        // One that is ignored has to hear of its spans, which are counted one by one.
        let kind = match root.verdict.recorded || root.verdict.is_ignored() {
            true => Kind::Recorded(root),
            false => Kind::Unrecorded { off: root.passed_on(), root },
        };
        Self { ids, kind }
    }

    /// Nothing follows from it any more but its decision.
    pub(super) fn settled(context: TransactionContext, verdict: Verdict) -> Self {
        Self::off_with(verdict.decision, context)
    }

    /// Without a client: what came is passed on.
    fn off(context: TransactionContext) -> Self {
        Self::off_with(Decision { sampled: context.sampled(), rate: None }, context)
    }

    fn off_with(decision: Decision, context: TransactionContext) -> Self {
        Self { ids: context.ids, kind: Kind::Off(Off { decision, incoming: context.incoming }) }
    }

    /// Starts a span below this transaction.
    #[inline]
    #[must_use = "a span must be finished to be sent"]
    pub fn start_child(&self, op: &str, description: &str) -> Span {
        match &self.kind {
            Kind::Recorded(root) => Span::below(root, &self.ids, op, description),
            Kind::Off(off) | Kind::Unrecorded { off, .. } => Span::off(off, self.ids.child()),
        }
    }

    /// Starts a span below this transaction that has data from its start, which `ignore_spans` looks at.
    #[must_use = "a span must be finished to be sent"]
    pub fn start_child_with_data<K: Into<String>, V: Into<Value>>(
        &self,
        op: &str,
        description: &str,
        data: impl IntoIterator<Item = (K, V)>,
    ) -> Span {
        match &self.kind {
            Kind::Recorded(root) => Span::with_data(root, &self.ids, op, description, data),
            Kind::Off(off) | Kind::Unrecorded { off, .. } => Span::off(off, self.ids.child()),
        }
    }

    /// The same without taking the data. For integrations.
    pub(super) fn start_child_knowing(&self, op: &str, description: &str, data: &Map<String, Value>) -> Span {
        match &self.kind {
            Kind::Recorded(root) => Span::knowing(root, &self.ids, op, description, data),
            Kind::Off(off) | Kind::Unrecorded { off, .. } => Span::off(off, self.ids.child()),
        }
    }

    /// Starts a span below this transaction, with the given id and start.
    #[must_use = "a span must be finished to be sent"]
    pub fn start_child_with_details(
        &self,
        op: &str,
        description: &str,
        id: SpanId,
        start: SystemTime,
    ) -> Span {
        let ids = self.ids.child_with_id(id);
        match &self.kind {
            Kind::Recorded(root) => Span::recorded(root, &self.ids, ids::word_of(id), op, description, start),
            Kind::Off(off) | Kind::Unrecorded { off, .. } => Span::off(off, ids),
        }
    }

    /// Ends the transaction now and sends it. Ending it twice is harmless.
    pub fn finish(self) {
        if let Some(root) = self.root() {
            root.finish(None);
        }
    }

    /// Ends the transaction at `timestamp`, but not before its start, and sends it.
    pub fn finish_with_timestamp(self, timestamp: SystemTime) {
        if let Some(root) = self.root() {
            root.finish(Some(timestamp));
        }
    }

    /// Sets the name.
    pub fn set_name(&self, name: &str) {
        if let Some(root) = self.root() {
            // Even if it is not recorded: the sampling context holds the name.
            root.set_name(name);
        }
    }

    /// Sets the name to that of the route which was found, unless the application has named the transaction. For integrations.
    #[doc(hidden)]
    pub fn set_route(&self, name: &str) {
        if let Some(root) = self.root() {
            root.set_route(name);
        }
    }

    /// Sets the name, and says where it comes from. For integrations.
    #[doc(hidden)]
    pub fn set_name_from(&self, name: &str, source: TransactionSource) {
        if let Some(root) = self.root() {
            root.set_name_from(name, source);
        }
    }

    /// Sets the operation.
    pub fn set_op(&self, op: &str) {
        self.update(|state| state.label.set_second(op));
    }

    /// Sets what created the transaction: `manual` or `auto.<category>.<integration>`.
    pub fn set_origin(&self, origin: &str) {
        self.update(|state| state.origin = Some(Cow::Owned(origin.to_owned())));
    }

    /// Sets how the work ended.
    pub fn set_status(&self, status: SpanStatus) {
        self.update(|state| state.status = Some(status));
    }

    /// Sets all at once that an integration knows of a new transaction; `constants` are what all those of one place have.
    #[doc(hidden)]
    pub fn introduce(&self, constants: Constants, data: Map<String, Value>) {
        self.update(|state| {
            state.origin = Some(Cow::Borrowed(constants.origin()));
            state.constants = Some(constants);
            if state.data.is_empty() {
                state.data = data;
            } else {
                state.data.extend(data);
            }
        });
    }

    /// Sets a value of the trace context.
    pub fn set_data(&self, key: &str, value: Value) {
        self.update(|state| _ = state.data.insert(key.to_owned(), value));
    }

    /// Sets an extra.
    pub fn set_extra(&self, key: &str, value: Value) {
        self.update(|state| _ = state.more().extra.insert(key.to_owned(), value));
    }

    /// Sets a tag.
    pub fn set_tag<V: ToString>(&self, key: &str, value: V) {
        if self.recorded().is_some() {
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

    /// Refers to a span of another trace, such as that of the message which this work is about.
    pub fn add_link(&self, link: SpanLink) {
        self.update(|state| state.more().links.push(link));
    }

    /// Sets the HTTP request that is being served.
    pub fn set_request(&self, request: Request) {
        self.update(|state| state.more().request = Some(Box::new(request)));
    }

    /// The data of the trace context, to be changed.
    #[must_use]
    pub fn data(&self) -> TransactionData<'_> {
        TransactionData::new(self.root().and_then(|root| root.recorded_state()))
    }

    /// How the work ended, if that is known. Nothing is known of a transaction that is not recorded.
    #[must_use]
    pub fn get_status(&self) -> Option<SpanStatus> {
        self.root().and_then(|root| root.status())
    }

    /// The place in the trace.
    #[must_use]
    pub fn get_trace_context(&self) -> TraceContext {
        self.root().map_or_else(|| self.ids.trace_context(), |root| root.trace_context())
    }

    /// Whether the transaction is recorded for the server.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.recorded().is_some_and(|root| root.is_sampled())
    }

    /// The headers that continue the trace in another service, below this transaction.
    #[must_use]
    pub fn iter_headers(&self) -> TraceHeadersIter {
        match &self.kind {
            Kind::Off(off) => off.headers(&self.ids),
            Kind::Unrecorded { root, .. } | Kind::Recorded(root) => {
                TraceHeadersIter::new(self.ids.sentry_trace(self.decision()), Some(&root.dsc()))
            }
        }
    }

    /// A place in a trace of which nothing is recorded here.
    pub(super) fn elsewhere(trace: &TracePropagationContext) -> Self {
        let ids = Ids::new(trace.trace_id(), trace.span_id(), None);
        let decision = Decision { sampled: trace.sampled(), rate: None };
        Self { ids, kind: Kind::Off(Off { decision, incoming: trace.incoming().cloned() }) }
    }

    /// Says where the name comes from, which [`set_name`](Self::set_name) cannot know. For integrations.
    #[doc(hidden)]
    pub fn set_source(&self, source: TransactionSource) {
        self.update(|state| state.source = source);
    }

    /// See [`TransactionOrSpan::start_child_as`](crate::TransactionOrSpan::start_child_as).
    pub(super) fn start_child_as(
        &self,
        label: (&str, &str),
        data: &Map<String, Value>,
        id: SpanId,
        start: SystemTime,
    ) -> Span {
        match &self.kind {
            Kind::Recorded(root) => Span::knowing_as(root, &self.ids, label, data, id, start),
            Kind::Off(off) | Kind::Unrecorded { off, .. } => Span::off(off, self.ids.child_with_id(id)),
        }
    }

    /// Adds fields that were recorded later.
    pub(super) fn add_notes(&self, constants: Constants, notes: &Notes) {
        self.update(|state| constants.read(notes, &mut state.data));
    }

    /// What others begin below, if it is recorded and nothing stands against that.
    #[inline]
    pub(super) fn as_above(&self) -> Option<Above> {
        match &self.kind {
            Kind::Recorded(root) => Above::new(root, &self.ids),
            Kind::Off(_) | Kind::Unrecorded { .. } => None,
        }
    }

    pub(super) fn ids(&self) -> &Ids {
        &self.ids
    }

    pub(super) fn decision(&self) -> Decision {
        match &self.kind {
            Kind::Off(off) | Kind::Unrecorded { off, .. } => off.decision,
            Kind::Recorded(root) => root.verdict.decision,
        }
    }

    pub(super) fn incoming(&self) -> Option<&Arc<DynamicSamplingContext>> {
        match &self.kind {
            Kind::Off(off) | Kind::Unrecorded { off, .. } => off.incoming.as_ref(),
            Kind::Recorded(root) => root.incoming.as_ref(),
        }
    }

    pub(super) fn dsc(&self, options: &ClientOptions) -> DynamicSamplingContext {
        match &self.kind {
            Kind::Off(off) => off.dsc(&self.ids, options),
            Kind::Unrecorded { root, .. } | Kind::Recorded(root) => Arc::unwrap_or_clone(root.dsc()),
        }
    }

    /// The sampling context for a trace of a client, as nobody has asked for it before; if it is that of this transaction.
    pub(super) fn fresh_dsc(
        &self,
        trace_id: TraceId,
        options: &ClientOptions,
    ) -> Option<DynamicSamplingContext> {
        let root = self.root().filter(|root| self.ids.trace_id() == trace_id && root.is_of(options))?;
        Some(root.fresh_dsc())
    }

    fn recorded(&self) -> Option<&Arc<Root>> {
        match &self.kind {
            Kind::Recorded(root) if root.verdict.recorded => Some(root),
            Kind::Off(_) | Kind::Unrecorded { .. } | Kind::Recorded(_) => None,
        }
    }

    pub(super) fn root(&self) -> Option<&Arc<Root>> {
        match &self.kind {
            Kind::Off(_) => None,
            Kind::Unrecorded { root, .. } | Kind::Recorded(root) => Some(root),
        }
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        if let Kind::Recorded(root) = &self.kind {
            root.update(change);
        }
    }
}

/// The same transaction, even if what was recorded of it differs.
impl PartialEq for Transaction {
    fn eq(&self, other: &Self) -> bool {
        self.ids == other.ids
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("trace_id", &self.ids.trace_id())
            .field("span_id", &self.ids.span_id())
            .field("sampled", &self.is_sampled())
            .finish_non_exhaustive()
    }
}
