//! What the handles of one transaction and of its spans share.

mod streamed;

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crate::client::{Client, ClientEvent};
use crate::clock;
use crate::hub::{Hub, WeakHub};
use crate::options::{self, Beginning, ClientOptions, TraceLifecycle};
use crate::protocol::client_report::{Category, Reason};
use crate::protocol::{DynamicSamplingContext, Map, SpanStatus, TraceContext, Value};
use crate::scope::ScopeSnapshot;
use crate::stacktrace::RawStack;
use crate::sync::lock;
use crate::trace::code_location;
use crate::trace::constants::Constants;
use crate::trace::data::HoldsData;
use crate::trace::dsc::{self, Head};
use crate::trace::fate::Fate;
use crate::trace::frozen;
use crate::trace::ids::Ids;
use crate::trace::label::Label;
use crate::trace::record::{Kept, More, Record, Weight};
use crate::trace::recorded::{Recorded, RecordedTransaction};
use crate::trace::sampling::Verdict;
use crate::trace::span::Off;
use crate::trace::spans::Spans;
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
    pub(super) origin: Option<Cow<'static, str>>,
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
    /// Of a stream, where options may drop it at its end.
    fate: Fate,
    finished: bool,
}

impl State {
    pub(super) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// What nobody will see. It may hold the transaction before, and that the one before it: dropped when nothing is locked.
    fn take_content(&mut self) -> impl Sized + use<> {
        let (data, more) = (std::mem::take(&mut self.data), self.more.take());
        (data, more, std::mem::take(&mut self.spans), std::mem::take(&mut self.scope))
    }
}

/// Whether a span was taken in.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Room {
    Enough,
    /// It is one too many.
    Full,
    /// It comes too late.
    Closed,
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
            Some(hub) => (hub.downgrade(), start.unwrap_or_else(clock::now), at_start(hub)),
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

    /// Whether spans below it that end are sent.
    pub(super) fn takes_spans(&self) -> bool {
        self.streams || self.is_open()
    }

    /// The hub that started it, if somebody still uses it.
    pub(super) fn home(&self) -> Option<Hub> {
        self.hub.upgrade()
    }

    /// Nobody will finish it: it is lost with what it has taken in.
    pub(super) fn give_up(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.finished, true) {
            return;
        }
        let spans = 1 + state.spans.len() as u64;
        let before = state.fate.settle();
        let content = state.take_content();
        drop(state);
        drop(content);
        self.tell_end();
        drop(before.map(|waiting| self.no_longer_undecided(waiting)));
        self.discard(Reason::BufferOverflow, spans);
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
        self.set_name_from(name, TransactionSource::Custom);
    }

    pub(super) fn set_name_from(&self, name: &str, source: TransactionSource) {
        let mut state = lock(&self.state);
        if !state.finished {
            state.label.set_first(name);
            state.source = source;
        }
    }

    /// Sets the name to that of a route, unless somebody has named the work.
    pub(super) fn set_route(&self, name: &str) {
        let mut state = lock(&self.state);
        if !state.finished && matches!(state.source, TransactionSource::Route | TransactionSource::Url) {
            state.label.set_first(name);
            state.source = TransactionSource::Route;
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
        let ours = if self.verdict.decision.sampled == Some(false) {
            // What is below it does not know of it, and may have been asked before.
            frozen::of_trace(self.ids.trace_id(), self.client.options(), || self.fresh_dsc())
        } else {
            Arc::new(self.fresh_dsc())
        };
        Arc::clone(lock(&self.state).frozen.get_or_insert(ours))
    }

    /// Whether its client has these options.
    pub(super) fn is_of(&self, options: &ClientOptions) -> bool {
        std::ptr::eq(self.client.options(), options)
    }

    /// What there is to say about the trace now.
    pub(super) fn fresh_dsc(&self) -> DynamicSamplingContext {
        // Asked for without our lock: whoever holds that of the hub may want ours.
        let replay = self.hub.upgrade().and_then(|hub| hub.snapshot().replay_id().map(str::to_owned));
        let state = lock(&self.state);
        let (trace_id, decision) = (self.ids.trace_id(), self.verdict.decision);
        // A URL is no name that others could do anything with, and may hold what is nobody's business.
        let name = Some(state.label.first()).filter(|_| state.source != TransactionSource::Url);
        let head = Head { trace_id, decision, transaction: name, replay: replay.as_deref() };
        dsc::of_head(&head, self.client.options())
    }

    /// Ends a span, now if no time is given, and takes it in.
    // Never built into the code that ends a span, which would grow for spans that are not recorded too.
    #[inline(never)]
    pub(super) fn finish_span(self: Arc<Self>, mut record: Arc<Record>, end: Option<SystemTime>) {
        let end = end.unwrap_or_else(clock::now);
        let stack = if record.is_slow(end) { self.stack_of(&record) } else { None };
        let Some(own) = Arc::get_mut(&mut record) else {
            if let Some(weight) = record.end(end, stack) {
                self.take_in(weight, || Kept::shared(record));
            }
            return;
        };
        if let Some(weight) = own.end_own(end, stack)
            && self.take_in(weight, || own.take())
        {
            record.spare();
        }
    }

    /// Takes in a span that has ended. Too many are a loss, those that come too late are not expected any more.
    #[inline]
    fn take_in(self: &Arc<Self>, weight: Weight, take: impl FnOnce() -> Kept) -> bool {
        if self.streams {
            self.stream_span(take());
            return true;
        }
        match self.put_in(weight, take) {
            Room::Enough => true,
            Room::Full => {
                self.lose_one_too_many();
                false
            }
            Room::Closed => false,
        }
    }

    #[inline]
    fn put_in(&self, weight: Weight, take: impl FnOnce() -> Kept) -> Room {
        let mut state = lock(&self.state);
        if state.finished {
            return Room::Closed;
        }
        if state.spans.len() >= MAX_SPANS {
            return Room::Full;
        }
        state.spans.push(take());
        state.weight.add(weight);
        Room::Enough
    }

    /// Takes in a span that ends and that nobody has a handle of, and leaves a blank one behind. `None`: it takes a handle to
    /// end it, since somebody is to be called for it.
    #[inline]
    pub(super) fn take_noted(&self, span: &mut Kept, end: SystemTime) -> Option<Room> {
        if self.streams || span.is_slow(end) {
            return None;
        }
        let weight = span.end(end)?;
        let room = self.put_in(weight, || std::mem::take(span));
        if room != Room::Enough {
            *span = Kept::default();
        }
        Some(room)
    }

    /// There was no room for a span.
    #[cold]
    pub(super) fn lose_one_too_many(&self) {
        if !self.only_shown {
            self.lose(Reason::BufferOverflow, Category::Span);
        }
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
            let waiting = state.fate.drop_for(reason);
            let content = state.take_content();
            drop(state);
            drop(content);
            self.tell_end();
            let spans = spans + waiting.map_or(0, |waiting| self.no_longer_undecided(waiting).forget());
            return self.discard(reason, spans);
        }
        let before = state.fate.settle();
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
            return self.stream_segment(before, recorded);
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
        self.may_ignore() && self.ignores_some(op, description, data)
    }

    /// Whether spans are left out at all.
    #[inline]
    pub(super) fn may_ignore(&self) -> bool {
        self.verdict.is_ignored() || !self.client.options().ignore_spans.is_empty()
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
        if !state.fate.is_open() {
            // Spans below it have left already.
            return None;
        }
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

    fn count_unsampled(&self) {
        if self.verdict.reported && self.streams {
            self.lose(self.verdict.reason, Category::Span);
        } else if self.verdict.reported {
            self.lose(self.verdict.reason, Category::Transaction);
            self.lose(self.verdict.reason, Category::Span);
        }
    }

    /// May call the application: no lock of ours is held.
    pub(super) fn lose(&self, reason: Reason, category: Category) {
        self.client.options().client_report_recorder.record(reason, category, 1);
    }
}

/// The scopes that a transaction begins with.
fn at_start(hub: &Hub) -> ScopeSnapshot {
    let scope = hub.snapshot();
    // One that has ended keeps nothing any more.
    match scope.span() {
        Some(above) if above.is_open() => scope.without_span(),
        _ => scope,
    }
}

fn trace_context(ids: &Ids, data: Map<String, Value>, state: &State) -> TraceContext {
    TraceContext {
        trace_id: ids.trace_id(),
        span_id: ids.span_id(),
        parent_span_id: ids.parent_span_id(),
        op: Some(state.label.second()).filter(|op| !op.is_empty()).map(str::to_owned),
        status: state.status,
        origin: state.origin.as_deref().map(str::to_owned),
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
