//! What the handles of one transaction and of its spans share.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crate::client::{Client, ClientEvent};
use crate::clock;
use crate::hub::{Hub, WeakHub};
use crate::options::{self, Beginning, TraceLifecycle};
use crate::protocol::client_report::{Category, Reason};
use crate::protocol::{self, DynamicSamplingContext, Map, SpanStatus, TraceContext, Value};
use crate::scope::ScopeSnapshot;
use crate::stacktrace::RawStack;
use crate::sync::lock;
use crate::trace::code_location;
use crate::trace::constants::Constants;
use crate::trace::data::HoldsData;
use crate::trace::dsc::{self, Head};
use crate::trace::ids::Ids;
use crate::trace::label::Label;
use crate::trace::record::{Kept, More, Record, Weight};
use crate::trace::recorded::{Recorded, RecordedTransaction};
use crate::trace::sampling::Verdict;
use crate::trace::span::Off;
use crate::trace::spans::Spans;
use crate::trace::stream::{self, Segment};
use crate::trace::{MAX_SPANS, RootSpan, Transaction, TransactionContext, TransactionSource};

pub(super) struct Root {
    pub(super) ids: Ids,
    pub(super) verdict: Verdict,
    /// The frozen sampling context of a trace that came from outside.
    pub(super) incoming: Option<Arc<DynamicSamplingContext>>,
    client: Arc<Client>,
    /// Sampling dropped it, and it is recorded for Spotlight only: nobody else may see a difference.
    pub(super) only_shown: bool,
    /// Spans are sent one by one.
    streams: bool,
    /// The hub that started it. Weak: the scope of a hub may hold this transaction.
    hub: WeakHub,
    start: SystemTime,
    state: Mutex<State>,
}

/// What can still change.
#[derive(Default)]
pub(super) struct State {
    /// Name and operation.
    pub(super) label: Label,
    /// Where the name comes from.
    pub(super) source: TransactionSource,
    pub(super) status: Option<SpanStatus>,
    pub(super) origin: Option<String>,
    pub(super) data: Map<String, Value>,
    /// What becomes data with the wire form.
    pub(super) constants: Option<Constants>,
    more: Option<Box<More>>,
    spans: Spans,
    /// What the spans take.
    weight: Weight,
    /// The scopes at the start, in case the hub is gone at the end.
    scope: ScopeSnapshot,
    /// The sampling context of a trace that began here, once it has left the process.
    frozen: Option<Arc<DynamicSamplingContext>>,
    finished: bool,
}

impl State {
    pub(super) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }
}

impl Root {
    pub(super) fn new(
        client: Arc<Client>,
        hub: Option<&Hub>,
        context: TransactionContext,
        mut verdict: Verdict,
        start: Option<SystemTime>,
    ) -> Self {
        let only_shown = verdict.reported && !verdict.is_ignored() && client.options().spotlight.is_on();
        verdict.recorded |= only_shown;
        let TransactionContext { label, ids, incoming, source, data, .. } = context;
        // Neither the time nor the scopes are needed when it is not recorded.
        let (hub, start, scope) = match hub.filter(|_| verdict.recorded) {
            Some(hub) => (hub.downgrade(), start.unwrap_or_else(clock::now), hub.snapshot()),
            None => (WeakHub::default(), SystemTime::UNIX_EPOCH, ScopeSnapshot::default()),
        };
        let state = Mutex::new(State { label, source, data, scope, ..State::default() });
        let streams = client.options().trace_lifecycle == TraceLifecycle::Stream && !only_shown;
        Self { ids, verdict, incoming, client, only_shown, streams, hub, start, state }
    }

    /// Whether it is recorded for the server.
    #[inline]
    pub(super) fn is_sampled(&self) -> bool {
        self.verdict.recorded && !self.only_shown
    }

    /// The state of a recorded transaction.
    pub(super) fn recorded_state(&self) -> Option<&Mutex<State>> {
        self.verdict.recorded.then_some(&self.state)
    }

    /// Changes a recorded transaction that is not finished yet.
    pub(super) fn update(&self, change: impl FnOnce(&mut State)) {
        if self.verdict.recorded {
            let mut state = lock(&self.state);
            if !state.finished {
                change(&mut state);
            }
        }
    }

    /// Whether it is not finished.
    pub(super) fn is_open(&self) -> bool {
        !lock(&self.state).finished
    }

    /// Tells who watches the client that it has begun.
    #[inline]
    pub(super) fn tell_start(self: &Arc<Self>) {
        if self.verdict.recorded && !self.only_shown && self.client.has_hooks() {
            let root = RootSpan::of(self);
            self.client.tell_hooks(|| ClientEvent::RootStarted(&root));
        }
    }

    fn tell_end(self: &Arc<Self>) {
        if !self.only_shown && self.client.has_hooks() {
            let root = RootSpan::of(self);
            self.client.tell_hooks(|| ClientEvent::RootEnded(&root));
        }
    }

    pub(super) fn set_name(&self, name: &str) {
        let mut state = lock(&self.state);
        if !state.finished {
            state.label.set_first(name);
            state.source = TransactionSource::Custom;
        }
    }

    pub(super) fn status(&self) -> Option<SpanStatus> {
        lock(&self.state).status
    }

    pub(super) fn trace_context(&self) -> TraceContext {
        let state = lock(&self.state);
        if self.only_shown {
            let seen = State { label: state.label.clone(), ..State::default() };
            return trace_context(&self.ids, Map::new(), &seen);
        }
        trace_context(&self.ids, Constants::added(state.constants, state.data.clone()), &state)
    }

    /// What a span below it needs when nothing is recorded.
    pub(super) fn passed_on(&self) -> Off {
        Off { decision: self.verdict.decision, incoming: self.incoming.clone() }
    }

    /// The sampling context, which from now on stays as it is.
    pub(super) fn dsc(&self) -> Arc<DynamicSamplingContext> {
        if let Some(incoming) = &self.incoming {
            return Arc::clone(incoming);
        }
        if let Some(frozen) = &lock(&self.state).frozen {
            return Arc::clone(frozen);
        }
        // Asked for without our lock: whoever holds that of the hub may want ours.
        let replay = self.hub.upgrade().and_then(|hub| hub.snapshot().replay_id().map(str::to_owned));
        let mut state = lock(&self.state);
        let State { frozen, label, source, .. } = &mut *state;
        Arc::clone(frozen.get_or_insert_with(|| {
            let (trace_id, decision) = (self.ids.trace_id(), self.verdict.decision);
            // A URL is no name that others could do anything with, and may hold what is nobody's business.
            let name = Some(label.first()).filter(|_| *source != TransactionSource::Url);
            let head = Head { trace_id, decision, transaction: name, replay: replay.as_deref() };
            Arc::new(dsc::of_head(&head, self.client.options()))
        }))
    }

    /// Ends a span, now if no time is given, and takes it in.
    // Never built into the code that ends a span, which would grow for spans that are not recorded too.
    #[inline(never)]
    pub(super) fn finish_span(self: Arc<Self>, mut record: Arc<Record>, end: Option<SystemTime>) {
        let end = end.unwrap_or_else(clock::now);
        let stack = if record.is_slow(end) { self.stack_of(&record) } else { None };
        let Some(own) = Arc::get_mut(&mut record) else {
            if let Some(weight) = record.end(end, stack) {
                self.take_in(weight, |place| place.share(record));
            }
            return;
        };
        if let Some(weight) = own.end_own(end, stack)
            && self.take_in(weight, |place| own.move_to(place))
        {
            record.spare();
        }
    }

    /// Takes in a span that has ended. Too many are a loss, those that come too late are not expected any more.
    #[inline]
    fn take_in(self: &Arc<Self>, weight: Weight, put: impl FnOnce(&mut Kept)) -> bool {
        if self.streams {
            let mut kept = Kept::default();
            put(&mut kept);
            self.stream_span(kept);
            return true;
        }
        let mut state = lock(&self.state);
        if state.finished {
            return false;
        }
        if state.spans.len() < MAX_SPANS {
            state.spans.push(put);
            state.weight.add(weight);
            return true;
        }
        drop(state);
        if !self.only_shown {
            self.lose(Reason::BufferOverflow, Category::Span);
        }
        false
    }

    /// Sends the transaction, or counts that it was sampled out. Only the first call does anything.
    pub(super) fn finish(self: &Arc<Self>, end: Option<SystemTime>) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.finished, true) {
            return;
        }
        if !self.verdict.recorded {
            drop(state);
            self.count_unsampled();
            return;
        }
        let end = end.unwrap_or_else(clock::now).max(self.start);
        if let Some(reason) = self.unwanted(&state) {
            let spans = 1 + state.spans.len() as u64;
            drop(state);
            self.tell_end();
            return self.discard(reason, spans);
        }
        // Name, operation and status stay: events captured later may still refer to this transaction.
        let recorded = Recorded {
            ids: self.ids,
            label: state.label.clone(),
            source: state.source,
            status: state.status,
            origin: state.origin.clone(),
            data: std::mem::take(&mut state.data),
            constants: state.constants,
            more: state.more.take(),
            start: self.start,
            end,
            spans: std::mem::take(&mut state.spans),
            weight: state.weight,
        };
        let at_start = std::mem::take(&mut state.scope);
        drop(state);
        self.tell_end();
        self.count_unsampled();
        if self.streams {
            return self.stream(segment(recorded));
        }
        let scope = self.hub.upgrade().map_or(at_start, |hub| hub.snapshot());
        // The envelope tells the sampling context of this transaction, whatever span is active now.
        let scope = scope.with_span(Transaction::of(Arc::clone(self)).into());
        let recorded = RecordedTransaction::new(recorded);
        if self.only_shown {
            self.client.show_transaction(recorded, scope);
        } else {
            self.client.send_transaction(recorded, scope);
        }
    }

    /// Whether a span that begins with `data` is left out, which is counted.
    #[inline]
    pub(super) fn ignores(&self, op: &str, description: &str, data: Option<&Map<String, Value>>) -> bool {
        let may_be = self.verdict.is_ignored() || !self.client.options().ignore_spans.is_empty();
        may_be && self.ignores_some(op, description, data)
    }

    #[inline(never)]
    fn ignores_some(&self, op: &str, description: &str, data: Option<&Map<String, Value>>) -> bool {
        let name = if description.is_empty() { op } else { description };
        let is_ignored = self.verdict.is_ignored()
            || Beginning { name, op, data }.is_ignored(&self.client.options().ignore_spans);
        if is_ignored && !self.only_shown {
            self.lose(Reason::Ignored, Category::Span);
        }
        is_ignored
    }

    /// The ids of what a new span with `ids` would be below.
    pub(super) fn above(&self, ids: &Ids) -> Ids {
        Ids::new(ids.trace_id(), ids.parent_span_id().unwrap_or_else(|| self.ids.span_id()), None)
    }

    /// Why the transaction shall not be sent after all.
    fn unwanted(&self, state: &State) -> Option<Reason> {
        let options = self.client.options();
        if options::is_ignored(&options.ignore_transactions, state.label.first()) {
            return Some(Reason::Ignored);
        }
        if options.trace_ignore_status_codes.is_empty() {
            return None;
        }
        let code = state.data.get("http.response.status_code")?;
        let code = code
            .as_u64()
            .or_else(|| code.as_str()?.parse().ok())
            .and_then(|code| u16::try_from(code).ok())?;
        options
            .trace_ignore_status_codes
            .iter()
            .any(|codes| codes.contains(&code))
            .then_some(Reason::EventProcessor)
    }

    fn discard(&self, reason: Reason, spans: u64) {
        if self.only_shown {
            return;
        }
        let recorder = &self.client.options().client_report_recorder;
        if !self.streams {
            recorder.record(reason, Category::Transaction, 1);
        }
        recorder.record(reason, Category::Span, spans);
    }

    /// Where the code is, if `record` is something that is wanted of.
    #[cold]
    fn stack_of(&self, record: &Record) -> Option<RawStack> {
        let options = self.client.options();
        if record.has_op(|op| code_location::is_wanted(op, options)) {
            code_location::capture(options)
        } else {
            None
        }
    }

    /// Sends a span below the transaction.
    fn stream_span(self: &Arc<Self>, ended: Kept) {
        let (mut span, stack) = ended.into_span();
        if let Some(stack) = stack {
            // Nobody waits for symbols here: names that are known already are enough.
            code_location::add_to(&mut span, &stack, self.client.options(), clock::instant());
        }
        self.stream(span);
    }

    /// Sends a span by itself.
    fn stream(self: &Arc<Self>, span: protocol::Span) {
        let scope = self.hub.upgrade().map(|hub| hub.snapshot()).unwrap_or_default();
        let (name, source) = {
            let state = lock(&self.state);
            (state.label.first().to_owned(), state.source)
        };
        let segment = Segment { name: &name, source, id: self.ids.span_id(), context: self.dsc() };
        stream::send(&self.client, span, &segment, &scope);
    }

    fn count_unsampled(&self) {
        if self.verdict.reported && self.streams {
            self.lose(self.verdict.reason, Category::Span);
        } else if self.verdict.reported {
            self.lose(self.verdict.reason, Category::Transaction);
            self.lose(self.verdict.reason, Category::Span);
        }
    }

    /// May call the application: no lock of ours is held.
    fn lose(&self, reason: Reason, category: Category) {
        self.client.options().client_report_recorder.record(reason, category, 1);
    }
}

/// The transaction as a span.
fn segment(recorded: Recorded) -> protocol::Span {
    let More { tags, measurements, links, .. } = recorded.more.map(|more| *more).unwrap_or_default();
    protocol::Span {
        span_id: recorded.ids.span_id(),
        trace_id: recorded.ids.trace_id(),
        parent_span_id: recorded.ids.parent_span_id(),
        op: recorded.label.into_parts().1,
        start_timestamp: recorded.start,
        timestamp: Some(recorded.end),
        status: recorded.status,
        tags,
        data: Constants::added(recorded.constants, recorded.data),
        origin: recorded.origin,
        measurements,
        links,
        ..protocol::Span::default()
    }
}

fn trace_context(ids: &Ids, data: Map<String, Value>, state: &State) -> TraceContext {
    TraceContext {
        trace_id: ids.trace_id(),
        span_id: ids.span_id(),
        parent_span_id: ids.parent_span_id(),
        op: Some(state.label.second()).filter(|op| !op.is_empty()).map(str::to_owned),
        status: state.status,
        origin: state.origin.clone(),
        data,
        ..TraceContext::default()
    }
}

impl HoldsData for State {
    fn data(&mut self) -> &mut Map<String, Value> {
        &mut self.data
    }

    fn tags(&mut self) -> &mut Map<String, String> {
        &mut self.more().tags
    }
}
