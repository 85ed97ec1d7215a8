//! A span while it is being recorded: compact, and turned into its wire form when the transaction is sent.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::protocol::{self, Map, SpanStatus, TraceContext, Value};
use crate::sync::lock;
use crate::trace::data::HoldsData;
use crate::trace::ids::Ids;
use crate::trace::label::Label;

pub(super) struct Record {
    ids: Ids,
    start: SystemTime,
    state: Mutex<RecordState>,
}

/// What can still change.
#[derive(Default)]
pub(super) struct RecordState {
    /// Operation and description.
    pub(super) label: Label,
    pub(super) status: Option<SpanStatus>,
    pub(super) origin: Option<Cow<'static, str>>,
    pub(super) data: Map<String, Value>,
    pub(super) tags: Map<String, String>,
    end: Option<SystemTime>,
}

impl Record {
    pub(super) fn new(ids: Ids, label: Label, start: SystemTime) -> Self {
        Self { ids, start, state: Mutex::new(RecordState { label, ..RecordState::default() }) }
    }

    pub(super) fn state(&self) -> &Mutex<RecordState> {
        &self.state
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut RecordState)) {
        change(&mut lock(&self.state));
    }

    pub(super) fn status(&self) -> Option<SpanStatus> {
        lock(&self.state).status
    }

    /// Ends it, not before its start. `false` if it had ended already.
    pub(super) fn end(&self, end: SystemTime) -> bool {
        let mut state = lock(&self.state);
        let first = state.end.is_none();
        if first {
            state.end = Some(end.max(self.start));
        }
        first
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
    pub(super) fn to_span(&self) -> protocol::Span {
        let mut state = lock(&self.state);
        let ended = RecordState {
            label: state.label.clone(),
            status: state.status,
            origin: state.origin.take(),
            data: std::mem::take(&mut state.data),
            tags: std::mem::take(&mut state.tags),
            end: state.end,
        };
        drop(state);
        wire_form(&self.ids, self.start, ended)
    }

    /// The wire form. What other handles of the span write from now on is lost.
    pub(super) fn into_span(self: Arc<Self>) -> protocol::Span {
        match Arc::try_unwrap(self) {
            Ok(Self { ids, start, state }) => {
                wire_form(&ids, start, state.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
            Err(shared) => {
                let state = std::mem::take(&mut *lock(&shared.state));
                wire_form(&shared.ids, shared.start, state)
            }
        }
    }
}

fn wire_form(ids: &Ids, start: SystemTime, state: RecordState) -> protocol::Span {
    let (op, description) = state.label.into_parts();
    protocol::Span {
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
        measurements: Map::new(),
        links: Vec::new(),
    }
}

impl HoldsData for RecordState {
    fn data(&mut self) -> &mut Map<String, Value> {
        &mut self.data
    }

    fn tags(&mut self) -> &mut Map<String, String> {
        &mut self.tags
    }
}
