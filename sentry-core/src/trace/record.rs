//! A span while it is being recorded: compact, and turned into its wire form when the transaction is sent.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::protocol::{self, Map, Measurement, SpanLink, SpanStatus, TraceContext, Value};
use crate::size::chunk;
use crate::stacktrace::RawStack;
use crate::sync::lock;
use crate::trace::data::HoldsData;
use crate::trace::ids::Ids;
use crate::trace::label::Label;

pub(super) struct Record {
    ids: Ids,
    start: SystemTime,
    state: Mutex<RecordState>,
}

/// What can change until the span ends.
#[derive(Clone, Default)]
pub(super) struct RecordState {
    /// Operation and description.
    pub(super) label: Label,
    pub(super) status: Option<SpanStatus>,
    pub(super) origin: Option<Cow<'static, str>>,
    pub(super) data: Map<String, Value>,
    pub(super) tags: Map<String, String>,
    /// What few spans have.
    more: Option<Box<More>>,
    end: Option<SystemTime>,
}

/// What few spans have.
#[derive(Clone, Default)]
pub(super) struct More {
    pub(super) measurements: Map<String, Measurement>,
    pub(super) links: Vec<SpanLink>,
    /// Where the code was when it ended.
    stack: Option<RawStack>,
}

/// What something takes in memory, and whether it may wait for the worker as it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    pub(super) bytes: usize,
    /// It has few and flat values, short texts: nothing that a server would not take.
    pub(super) is_plain: bool,
}

impl RecordState {
    pub(super) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    fn weight(&self) -> Weight {
        let mut weight = Weight::of(&self.label, &self.data, &self.tags);
        if let Some(more) = &self.more {
            weight.add_more(&more.measurements, &more.links);
            weight.bytes += more.stack.as_ref().map_or(0, |stack| 8 * stack.addresses.len());
        }
        weight
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self { bytes: 0, is_plain: true }
    }
}

impl Weight {
    pub(super) fn of(label: &Label, data: &Map<String, Value>, tags: &Map<String, String>) -> Self {
        let mut weight = Self { bytes: label.heap(), is_plain: label.len() <= TEXT };
        if !data.is_empty() {
            weight.add_values(data);
        }
        if !tags.is_empty() {
            weight.add_texts(tags);
        }
        weight
    }

    pub(super) fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.is_plain &= other.is_plain;
    }

    pub(super) fn add_values(&mut self, values: &Map<String, Value>) {
        self.add_entries(values.len());
        for (key, value) in values.iter().take(ENTRIES) {
            self.add_text(key);
            match value {
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
                Value::String(text) => self.add_text(text),
                Value::Array(_) | Value::Object(_) => self.is_plain = false,
            }
        }
    }

    pub(super) fn add_more(&mut self, measurements: &Map<String, Measurement>, links: &[SpanLink]) {
        self.add_entries(measurements.len());
        measurements.keys().take(ENTRIES).for_each(|name| self.add_text(name));
        self.add_entries(links.len());
        links.iter().take(ENTRIES).for_each(|link| self.add_values(&link.attributes));
    }

    fn add_texts(&mut self, texts: &Map<String, String>) {
        self.add_entries(texts.len());
        for (key, text) in texts.iter().take(ENTRIES) {
            self.add_text(key);
            self.add_text(text);
        }
    }

    fn add_entries(&mut self, entries: usize) {
        /// What an entry of a map takes, the free ones beside it included.
        const ENTRY: usize = 96;
        self.bytes += ENTRY * entries;
        self.is_plain &= entries <= ENTRIES;
    }

    fn add_text(&mut self, text: &str) {
        self.bytes += chunk(text.len());
        self.is_plain &= text.len() <= TEXT;
    }
}

/// So many entries of one map are looked at.
const ENTRIES: usize = 64;

/// The longest text of something plain.
const TEXT: usize = 4_096;

impl Record {
    pub(super) fn new(ids: Ids, label: Label, start: SystemTime) -> Self {
        Self { ids, start, state: Mutex::new(RecordState { label, ..RecordState::default() }) }
    }

    pub(super) fn state(&self) -> &Mutex<RecordState> {
        &self.state
    }

    /// Changes it, unless it has ended.
    pub(super) fn update(&self, change: impl FnOnce(&mut RecordState)) {
        let mut state = lock(&self.state);
        if state.end.is_none() {
            change(&mut state);
        }
    }

    pub(super) fn status(&self) -> Option<SpanStatus> {
        lock(&self.state).status
    }

    /// How long it has taken, if it ends now.
    #[inline]
    pub(super) fn duration(&self, end: SystemTime) -> Duration {
        end.duration_since(self.start).unwrap_or_default()
    }

    pub(super) fn has_op(&self, is_wanted: impl FnOnce(&str) -> bool) -> bool {
        is_wanted(lock(&self.state).label.first())
    }

    /// Ends it, not before its start. `None` if it had ended already.
    pub(super) fn end(&self, end: SystemTime, stack: Option<RawStack>) -> Option<Weight> {
        let mut state = lock(&self.state);
        if state.end.is_some() {
            return None;
        }
        state.end = Some(end.max(self.start));
        if stack.is_some() {
            state.more().stack = stack;
        }
        Some(state.weight())
    }

    pub(super) fn trace_context(&self) -> TraceContext {
        let state = lock(&self.state);
        let (op, description) = state.label.clone().into_parts();
        TraceContext {
            trace_id: self.ids.trace_id(),
            span_id: self.ids.span_id(),
            parent_span_id: self.ids.parent_span_id(),
            op,
            description,
            status: state.status,
            data: state.data.clone(),
            ..TraceContext::default()
        }
    }

    /// The wire form of a span that has ended, for one that is sent at once.
    pub(super) fn to_span(&self) -> (protocol::Span, Option<RawStack>) {
        let mut state = lock(&self.state);
        let ended = RecordState {
            label: state.label.clone(),
            status: state.status,
            origin: state.origin.take(),
            data: std::mem::take(&mut state.data),
            tags: std::mem::take(&mut state.tags),
            more: state.more.take(),
            end: state.end,
        };
        drop(state);
        wire_form(&self.ids, self.start, ended)
    }

    /// The wire form of a span that has ended, and where the code was then if that is wanted.
    pub(super) fn into_span(self: Arc<Self>) -> (protocol::Span, Option<RawStack>) {
        match Arc::try_unwrap(self) {
            Ok(Self { ids, start, state }) => {
                wire_form(&ids, start, state.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
            Err(shared) => {
                let state = lock(&shared.state).clone();
                wire_form(&shared.ids, shared.start, state)
            }
        }
    }
}

fn wire_form(ids: &Ids, start: SystemTime, state: RecordState) -> (protocol::Span, Option<RawStack>) {
    let (op, description) = state.label.into_parts();
    let More { measurements, links, stack } = state.more.map(|more| *more).unwrap_or_default();
    let span = protocol::Span {
        span_id: ids.span_id(),
        trace_id: ids.trace_id(),
        parent_span_id: ids.parent_span_id(),
        same_process_as_parent: None,
        op,
        description,
        timestamp: state.end,
        start_timestamp: start,
        status: state.status,
        tags: state.tags,
        data: state.data,
        origin: state.origin.map(Cow::into_owned),
        measurements,
        links,
    };
    (span, stack)
}

impl HoldsData for RecordState {
    fn data(&mut self) -> &mut Map<String, Value> {
        &mut self.data
    }

    fn tags(&mut self) -> &mut Map<String, String> {
        &mut self.tags
    }
}
