//! A span while it is being recorded: compact, and turned into its wire form when the transaction is sent.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::protocol::{self, Map, Measurement, Request, SpanLink, SpanStatus, TraceContext, Value};
use crate::size::chunk;
use crate::stacktrace::RawStack;
use crate::sync::lock;
use crate::trace::called::Called;
use crate::trace::code_location::SLOW;
use crate::trace::constants::Constants;
use crate::trace::data::HoldsData;
use crate::trace::ids::Ids;
use crate::trace::label::Label;
use crate::trace::notes::Notes;

/// What the handles of one span share.
pub(super) struct Record {
    ids: Ids,
    start: SystemTime,
    state: Mutex<RecordState>,
}

thread_local! {
    /// Records that have nothing in them any more. The next span of the thread is written into one, which is still at hand.
    static SPARE: RefCell<Vec<Arc<Record>>> = const { RefCell::new(Vec::new()) };
}

/// So many are kept for a thread.
const SPARE_AT_MOST: usize = 4;

/// What can change until the span ends.
#[derive(Clone, Default)]
pub(super) struct RecordState {
    pub(super) called: Called,
    pub(super) status: Option<SpanStatus>,
    pub(super) origin: Option<Cow<'static, str>>,
    data: Map<String, Value>,
    /// What becomes data with the wire form.
    constants: Option<Constants>,
    /// What becomes data as soon as somebody asks for that.
    notes: Notes,
    more: Option<Box<More>>,
    end: Option<SystemTime>,
}

/// A span that has ended, until its transaction is sent.
#[derive(Clone)]
pub(super) struct Kept {
    ids: Ids,
    start: SystemTime,
    state: RecordState,
    /// It has all that, where somebody has a handle of it: a scope, the application.
    shared: Option<Arc<Record>>,
}

/// What few spans and few transactions have.
#[derive(Clone, Default)]
pub(super) struct More {
    pub(super) tags: Map<String, String>,
    /// Of transactions only.
    pub(super) extra: Map<String, Value>,
    /// Of transactions only.
    pub(super) request: Option<Box<Request>>,
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

/// Notes take so many bytes. Beyond that a field that is recorded again and again takes the place of the one before, as data do.
const NOTES: usize = 512;

impl RecordState {
    /// Says all that an integration knows of a new span, whose fields are noted by `note`.
    #[inline]
    pub(super) fn introduce(&mut self, constants: Constants, note: impl FnOnce(&mut Notes)) {
        self.origin = Some(Cow::Borrowed(constants.origin()));
        self.constants = Some(constants);
        note(&mut self.notes);
    }

    /// Adds fields, which have the numbers that its constants know.
    pub(super) fn add_notes(&mut self, constants: Constants, add: &Notes) {
        let has_room = self.notes.len() + add.len() <= NOTES;
        if has_room && self.data.is_empty() && self.constants.is_some() {
            self.notes.append(add);
        } else {
            constants.read(add, self.data());
        }
    }

    /// Its data so far.
    pub(super) fn data(&mut self) -> &mut Map<String, Value> {
        if !self.notes.is_empty() {
            let notes = std::mem::take(&mut self.notes);
            if let Some(constants) = self.constants {
                constants.read(&notes, &mut self.data);
            }
        }
        &mut self.data
    }

    /// What it has itself, and its constants.
    fn into_data(mut self) -> Map<String, Value> {
        let data = std::mem::take(self.data());
        Constants::added(self.constants, data)
    }

    pub(super) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// `None` if it had ended already.
    #[inline]
    fn end(&mut self, end: SystemTime, stack: Option<RawStack>) -> Option<Weight> {
        if self.end.is_some() {
            return None;
        }
        self.end = Some(end);
        if stack.is_some() {
            self.more().stack = stack;
        }
        Some(self.weight())
    }

    #[inline]
    fn weight(&self) -> Weight {
        let called = Weight { bytes: self.called.heap(), is_plain: self.called.len() <= TEXT };
        let noted = Weight { bytes: self.notes.heap(), is_plain: self.notes.len() <= TEXT };
        called.and(noted).and_all(&self.data, self.more.as_deref())
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self { bytes: 0, is_plain: true }
    }
}

impl Weight {
    pub(super) fn of(label: &Label, data: &Map<String, Value>, more: Option<&More>) -> Self {
        let label = Self { bytes: label.heap(), is_plain: label.len() <= TEXT };
        label.and_all(data, more)
    }

    #[inline]
    fn and_all(mut self, data: &Map<String, Value>, more: Option<&More>) -> Self {
        if !data.is_empty() {
            self.add_values(data);
        }
        if let Some(more) = more {
            self.add_more(more);
        }
        self
    }

    #[inline]
    fn and(mut self, other: Self) -> Self {
        self.add(other);
        self
    }

    pub(super) fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.is_plain &= other.is_plain;
    }

    fn add_values(&mut self, values: &Map<String, Value>) {
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

    fn add_more(&mut self, more: &More) {
        let More { tags, extra, request, measurements, links, stack } = more;
        self.bytes += chunk(size_of::<More>()) + stack.as_ref().map_or(0, |it| 8 * it.addresses.len());
        self.is_plain &= request.is_none();
        self.add_texts(tags);
        self.add_values(extra);
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
    /// The record of a span that begins when `begin` says, which writes it where it stays: to make it and move it there costs
    /// more than the rest.
    #[inline]
    pub(super) fn begin(ids: Ids, begin: impl FnOnce(&mut RecordState) -> SystemTime) -> Arc<Self> {
        let spare = SPARE.try_with(|spare| spare.try_borrow_mut().ok()?.pop());
        let mut record = spare.ok().flatten().unwrap_or_else(Self::blank);
        // Always: whatever is spare or new belongs to nobody else.
        if let Some(record) = Arc::get_mut(&mut record) {
            record.ids = ids;
            record.start = begin(record.state.get_mut().unwrap_or_else(PoisonError::into_inner));
        }
        record
    }

    #[cold]
    fn blank() -> Arc<Self> {
        Arc::new(Self { ids: Ids::default(), start: SystemTime::UNIX_EPOCH, state: Mutex::default() })
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

    /// Whether it has taken long, if it ends now.
    #[inline]
    pub(super) fn is_slow(&self, end: SystemTime) -> bool {
        is_slow(self.start, end)
    }

    pub(super) fn has_op(&self, is_wanted: impl FnOnce(&str) -> bool) -> bool {
        lock(&self.state).called.has_op(is_wanted)
    }

    /// Ends it, not before its start. `None` if it had ended already.
    pub(super) fn end(&self, end: SystemTime, stack: Option<RawStack>) -> Option<Weight> {
        lock(&self.state).end(end.max(self.start), stack)
    }

    /// The same where nobody else has a handle of it, and so nothing is locked.
    #[inline]
    pub(super) fn end_own(&mut self, end: SystemTime, stack: Option<RawStack>) -> Option<Weight> {
        let end = end.max(self.start);
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).end(end, stack)
    }

    /// All of it, which is blank then.
    #[inline]
    pub(super) fn take(&mut self) -> Kept {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        Kept { ids: self.ids, start: self.start, state: std::mem::take(state), shared: None }
    }

    /// Keeps a blank one for the next span. Nobody else has a handle of it.
    #[inline]
    pub(super) fn spare(self: Arc<Self>) {
        let _ = SPARE.try_with(|spare| {
            // An allocator that starts spans may come back here.
            if let Ok(mut spare) = spare.try_borrow_mut()
                && spare.len() < SPARE_AT_MOST
            {
                spare.push(self);
            }
        });
    }

    pub(super) fn trace_context(&self) -> TraceContext {
        let state = lock(&self.state).clone();
        let (op, description) = state.called.clone().into_parts();
        TraceContext {
            trace_id: self.ids.trace_id(),
            span_id: self.ids.span_id(),
            parent_span_id: self.ids.parent_span_id(),
            op,
            description,
            status: state.status,
            data: state.into_data(),
            ..TraceContext::default()
        }
    }
}

impl Kept {
    /// Writes what is known of a span that begins.
    #[inline]
    pub(super) fn begin(
        &mut self,
        ids: Ids,
        start: SystemTime,
        called: Called,
        constants: Constants,
        notes: Notes,
    ) {
        (self.ids, self.start) = (ids, start);
        self.state.called = called;
        self.state.introduce(constants, |place| *place = notes);
    }

    pub(super) fn ids(&self) -> &Ids {
        &self.ids
    }

    pub(super) fn state(&mut self) -> &mut RecordState {
        &mut self.state
    }

    /// Whether it has taken long, if it ends now.
    #[inline]
    pub(super) fn is_slow(&self, end: SystemTime) -> bool {
        is_slow(self.start, end)
    }

    /// Ends it, not before its start.
    #[inline]
    pub(super) fn end(&mut self, end: SystemTime) -> Option<Weight> {
        self.state.end(end.max(self.start), None)
    }

    /// Moves all of it to a record that handles can share, and is blank then.
    pub(super) fn take_record(&mut self) -> Arc<Record> {
        Record::begin(self.ids, |state| {
            std::mem::swap(state, &mut self.state);
            self.start
        })
    }

    pub(super) fn shared(record: Arc<Record>) -> Self {
        Self { shared: Some(record), ..Self::default() }
    }

    /// The wire form, and where the code was at the end if that is wanted.
    pub(super) fn into_span(self) -> (protocol::Span, Option<RawStack>) {
        let Self { ids, start, state, shared } = self;
        match shared.map(Arc::try_unwrap) {
            None => wire_form(&ids, start, state),
            Some(Ok(Record { ids, start, state })) => {
                wire_form(&ids, start, state.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
            Some(Err(shared)) => {
                let state = lock(&shared.state).clone();
                wire_form(&shared.ids, shared.start, state)
            }
        }
    }
}

impl Default for Kept {
    #[inline]
    fn default() -> Self {
        Self {
            ids: Ids::default(),
            start: SystemTime::UNIX_EPOCH,
            state: RecordState::default(),
            shared: None,
        }
    }
}

#[inline]
fn is_slow(start: SystemTime, end: SystemTime) -> bool {
    start.checked_add(SLOW).is_some_and(|slow| end >= slow)
}

fn wire_form(ids: &Ids, start: SystemTime, mut state: RecordState) -> (protocol::Span, Option<RawStack>) {
    let (op, description) = std::mem::take(&mut state.called).into_parts();
    let more = state.more.take().map(|more| *more).unwrap_or_default();
    let More { tags, measurements, links, stack, .. } = more;
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
        tags,
        origin: state.origin.take().map(Cow::into_owned),
        measurements,
        links,
        data: state.into_data(),
    };
    (span, stack)
}

impl HoldsData for RecordState {
    fn data(&mut self) -> &mut Map<String, Value> {
        self.data()
    }

    fn tags(&mut self) -> &mut Map<String, String> {
        &mut self.more().tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::constants::Asks;

    #[test]
    fn a_field_that_is_noted_again_and_again_takes_no_more_room() {
        static ASKS: Asks =
            Asks { tell: |_, _| {}, field: |_, number| (number == 0).then_some("done"), origin: "manual" };
        let constants = Constants::new(&(), &ASKS);
        let mut state = RecordState::default();
        state.introduce(constants, |_| {});
        for done in 0..10_000 {
            let mut add = Notes::default();
            add.integer(0, done);
            state.add_notes(constants, &add);
            assert!(state.notes.len() <= NOTES);
        }
        assert_eq!(state.data()["done"], 9_999);
    }
}
