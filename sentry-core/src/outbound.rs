//! What travels from a capture to a transport: the item with everything needed to finish it later.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::client::Completion;
use crate::client_report::protocol::{Category, ItemLoss, LossSource};
use crate::envelope::{Envelope, EnvelopeHeaders, EnvelopeItem};
use crate::error::ErrorLink;
use crate::protocol::{Context, Event, Level, Map, Request, Span, Thread, Transaction, Value};
use crate::scope::ScopeSnapshot;
use crate::simple::SimpleEvent;
use crate::stacktrace::RawStack;
use crate::telemetry::{Telemetry, TelemetryKind};
use crate::types::Uuid;

/// The last stage of finishing: scrubs an envelope and trims it to the size limits. Implemented by `sentry-transport`.
pub trait Finish: Send + Sync {
    /// Changes `envelope` in place.
    fn finish(&self, envelope: &mut Envelope);
}

/// The queue an item waits in; lower lanes are shed first under overload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Logs and metrics.
    Log,
    /// Transactions and spans.
    Trace,
    /// Sessions, check-ins and client reports.
    Session,
    /// Errors, messages, feedback and crashes.
    Error,
}

/// Whether the process may end right after the capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// It goes on.
    #[default]
    Normal,
    /// It is about to end: `Transport::send` returns only after the item is as safe as it can be made.
    Fatal,
}

/// What an item must survive once `Transport::send` has returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Nothing: memory is enough.
    #[default]
    Memory,
    /// The end of the process.
    Process,
    /// The loss of power.
    Power,
}

/// What was captured, as far as it is known at the capture.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OutboundItem {
    /// A message.
    Message {
        /// Its level.
        level: Level,
        /// Its text.
        text: String,
    },
    /// An error and its sources.
    Error {
        /// The level of the event.
        level: Level,
        /// The outermost first.
        chain: Vec<ErrorLink>,
    },
    /// An event that was built by the caller: a message with tags and extras.
    Simple(Box<SimpleEvent>),
    /// An event that was built by the caller, with more in it.
    Event(Box<Event<'static>>),
    /// An event that has passed every stage but scrubbing already, because a callback had to see it.
    Completed(Box<Event<'static>>),
    /// A transaction.
    Transaction(Box<Transaction<'static>>),
    /// A log, a metric or a span, encoded.
    Telemetry(Telemetry),
    /// A ready envelope.
    Envelope(Box<Envelope>),
}

/// An item on its way out, with the scopes it was captured in. Finishing it is left to whoever sends it.
///
/// A clone is for one more destination. It shares the scopes and copies only what the capture itself brought.
#[derive(Clone)]
pub struct Outbound {
    pub(crate) id: Uuid,
    pub(crate) time: SystemTime,
    pub(crate) item: OutboundItem,
    pub(crate) scope: ScopeSnapshot,
    pub(crate) stack: Option<RawStack>,
    pub(crate) thread: Option<Arc<Thread>>,
    pub(crate) class: Class,
    pub(crate) durability: Durability,
    pub(crate) completion: Option<Arc<Completion>>,
    /// How many of its kind were held back before it.
    pub(crate) suppressed: u64,
}

/// How long loading symbols for one event may take on a worker.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

impl Outbound {
    /// A ready envelope as an outbound item: nothing is left to finish.
    #[must_use]
    pub fn from_envelope(envelope: Envelope) -> Self {
        Self {
            id: envelope.uuid().copied().unwrap_or_default(),
            time: crate::clock::now(),
            item: OutboundItem::Envelope(Box::new(envelope)),
            scope: ScopeSnapshot::default(),
            stack: None,
            thread: None,
            class: Class::Normal,
            durability: Durability::Memory,
            completion: None,
            suppressed: 0,
        }
    }

    /// A record for a batch. Nothing is left to finish.
    #[must_use]
    pub fn from_telemetry(record: Telemetry) -> Self {
        Self {
            id: Uuid::nil(),
            time: crate::clock::now(),
            item: OutboundItem::Telemetry(record),
            scope: ScopeSnapshot::default(),
            stack: None,
            thread: None,
            class: Class::Normal,
            durability: Durability::Memory,
            completion: None,
            suppressed: 0,
        }
    }

    /// Whether it is a record for a batch.
    #[must_use]
    pub fn is_telemetry(&self) -> bool {
        matches!(self.item, OutboundItem::Telemetry(_))
    }

    /// The record for a batch.
    ///
    /// # Errors
    /// The item itself, if it is something else.
    pub fn into_telemetry(self) -> Result<Telemetry, Box<Self>> {
        match self.item {
            OutboundItem::Telemetry(record) => Ok(record),
            _ => Err(Box::new(self)),
        }
    }

    /// The event id; nil for an envelope without one.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// When it was captured.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        self.time
    }

    /// What was captured.
    #[must_use]
    pub fn item(&self) -> &OutboundItem {
        &self.item
    }

    /// The stack it was captured with, if one was asked for.
    #[must_use]
    pub fn stack(&self) -> Option<&RawStack> {
        self.stack.as_ref()
    }

    /// Lets the event say how many of its kind were held back before it, as the extra `suppressed_events`.
    pub fn set_suppressed(&mut self, events: u64) {
        self.suppressed = events;
    }

    /// Whether the process may end right after the capture.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// What it must survive once it is accepted.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// The queue it belongs in.
    #[must_use]
    pub fn lane(&self) -> Lane {
        match &self.item {
            OutboundItem::Message { .. }
            | OutboundItem::Error { .. }
            | OutboundItem::Simple(_)
            | OutboundItem::Event(_)
            | OutboundItem::Completed(_) => Lane::Error,
            OutboundItem::Transaction(_) => Lane::Trace,
            OutboundItem::Telemetry(record) => match record.kind() {
                TelemetryKind::Span => Lane::Trace,
                TelemetryKind::Log | TelemetryKind::Metric => Lane::Log,
            },
            OutboundItem::Envelope(envelope) => envelope.items().map(lane_of).max().unwrap_or(Lane::Session),
        }
    }

    /// Roughly how many bytes of memory it holds by itself. Costs no more than a few additions.
    #[must_use]
    pub fn size_hint(&self) -> usize {
        const FIXED: usize = 256;
        let item = match &self.item {
            OutboundItem::Message { text, .. } => text.len(),
            OutboundItem::Error { chain, .. } => chain.iter().map(|link| 96 + link.value.len()).sum(),
            OutboundItem::Simple(event) => simple_size(event),
            OutboundItem::Event(event) => event_size(event),
            OutboundItem::Completed(event) => COMPLETION + event_size(event),
            OutboundItem::Transaction(transaction) => transaction_size(transaction),
            OutboundItem::Telemetry(record) => record.json().len(),
            // The hint is for the wire; in memory an event takes more than that.
            OutboundItem::Envelope(envelope) => envelope.size_hint() + envelope.event().map_or(0, |_| EVENT),
        };
        FIXED + item + self.stack.as_ref().map_or(0, |stack| stack.addresses.len() * size_of::<usize>())
    }

    /// What is lost when this item is dropped.
    #[must_use]
    pub fn losses(&self) -> Vec<ItemLoss> {
        match &self.item {
            OutboundItem::Message { .. }
            | OutboundItem::Error { .. }
            | OutboundItem::Simple(_)
            | OutboundItem::Event(_)
            | OutboundItem::Completed(_) => {
                let mut losses = vec![ItemLoss::new(Category::Error, 1)];
                let attachments = self.scope.shared_attachments();
                attachments.for_each(|attachment| losses.extend(attachment.losses()));
                losses
            }
            OutboundItem::Transaction(transaction) => transaction.losses().collect(),
            OutboundItem::Telemetry(record) => record.losses(),
            OutboundItem::Envelope(envelope) => envelope.losses().collect(),
        }
    }

    /// Completes the item: scopes, symbols, integrations, constants; then scrubs and trims it.
    #[must_use]
    pub fn finish(mut self) -> Envelope {
        let deadline = crate::clock::instant() + RESOLVE_TIMEOUT;
        let suppressed = self.suppressed;
        let mut envelope = match self.item {
            OutboundItem::Envelope(envelope) => *envelope,
            OutboundItem::Telemetry(record) => Telemetry::envelope(&[record]),
            OutboundItem::Transaction(_) => {
                self.complete_transaction();
                self.transaction_envelope()
            }
            OutboundItem::Completed(event) => {
                self.item = OutboundItem::Completed(Box::default());
                self.event_envelope(event)
            }
            OutboundItem::Message { .. }
            | OutboundItem::Error { .. }
            | OutboundItem::Simple(_)
            | OutboundItem::Event(_) => {
                let event = self.build_event(Some(deadline));
                self.event_envelope(event)
            }
        };
        if suppressed > 0 {
            for item in envelope.items_mut() {
                if let EnvelopeItem::Event(event) = item {
                    event.extra.insert("suppressed_events".to_owned(), suppressed.into());
                }
            }
        }
        if let Some(finish) =
            self.completion.as_ref().and_then(|completion| completion.options().finish.clone())
        {
            finish.finish(&mut envelope);
        }
        envelope
    }

    /// Gives up room that is not needed while it waits.
    pub(crate) fn slim(&mut self) {
        let nothing = OutboundItem::Message { level: Level::Error, text: String::new() };
        self.item = match std::mem::replace(&mut self.item, nothing) {
            OutboundItem::Event(event) => match SimpleEvent::new(event) {
                Ok(simple) => OutboundItem::Simple(Box::new(simple)),
                Err(event) => OutboundItem::Event(event),
            },
            item => item,
        };
    }

    fn event_envelope(&self, event: Box<Event<'static>>) -> Envelope {
        let mut envelope = Envelope::new();
        envelope.add_item(EnvelopeItem::Event(event));
        for attachment in self.scope.attachments() {
            envelope.add_item(attachment);
        }
        self.with_trace(envelope)
    }

    /// Takes the transaction out; what is left of the item is an empty message.
    pub(crate) fn take_transaction(&mut self) -> Option<Box<Transaction<'static>>> {
        let nothing = OutboundItem::Message { level: Level::Error, text: String::new() };
        match std::mem::replace(&mut self.item, nothing) {
            OutboundItem::Transaction(transaction) => Some(transaction),
            _ => None,
        }
    }

    /// Makes `transaction` the item, and lets nothing but the last stage change it any more.
    pub(crate) fn close_transaction(&mut self, mut transaction: Box<Transaction<'static>>) {
        if transaction.event_id.is_nil() {
            transaction.event_id = self.id;
        }
        self.id = transaction.event_id;
        let mut envelope = Envelope::new();
        envelope.add_item(EnvelopeItem::Transaction(transaction));
        self.item = OutboundItem::Envelope(Box::new(self.with_trace(envelope)));
    }

    fn transaction_envelope(&mut self) -> Envelope {
        let mut envelope = Envelope::new();
        if let Some(transaction) = self.take_transaction() {
            envelope.add_item(EnvelopeItem::Transaction(transaction));
        }
        self.with_trace(envelope)
    }

    fn with_trace(&self, envelope: Envelope) -> Envelope {
        let mut headers: EnvelopeHeaders = envelope.headers().clone();
        if let Some(completion) = &self.completion {
            headers.set_sdk(Some(completion.sdk()));
        }
        if let Some(trace) = self.dynamic_sampling_context() {
            headers = headers.with_trace(trace);
        }
        envelope.with_headers(headers)
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("id", &self.id)
            .field("lane", &self.lane())
            .field("class", &self.class)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

fn lane_of(item: &EnvelopeItem) -> Lane {
    match item {
        EnvelopeItem::Event(_)
        | EnvelopeItem::Feedback(_)
        | EnvelopeItem::Attachment(_)
        | EnvelopeItem::FileAttachment(_) => Lane::Error,
        EnvelopeItem::Transaction(_) => Lane::Trace,
        EnvelopeItem::ItemContainer(container) => lane_of_type(container.ty()),
        EnvelopeItem::Unknown(item) => lane_of_type(item.ty()),
        _ => Lane::Session,
    }
}

/// The same for an item that is encoded already.
fn lane_of_type(ty: &str) -> Lane {
    match ty {
        "event" | "feedback" | "attachment" => Lane::Error,
        "transaction" | "span" => Lane::Trace,
        "log" | "trace_metric" | "profile" | "profile_chunk" => Lane::Log,
        _ => Lane::Session,
    }
}

/// An event in memory with nothing in it.
const EVENT: usize = size_of::<Event<'_>>() + 400;

/// Contexts, debug images and whatever else completing an event adds to it.
const COMPLETION: usize = 2_000;

fn simple_size(event: &SimpleEvent) -> usize {
    let tags: usize = event.tags().iter().map(|(key, value)| 64 + key.len() + value.len()).sum();
    let mut estimate = Estimate { looks: 1_000 };
    let extra: usize = event.extra().iter().map(|(key, value)| 32 + key.len() + estimate.of(value, 0)).sum();
    size_of::<SimpleEvent>() + event.text_len() + tags + extra
}

/// The parts of an event that users fill with a lot of data.
fn event_size(event: &Event<'_>) -> usize {
    const BREADCRUMB: usize = 320;
    const FRAME: usize = 600;
    const TAG: usize = 96;
    let text = event.message.as_ref().map_or(0, String::len)
        + event.logentry.as_ref().map_or(0, |entry| entry.message.len())
        + event
            .exception
            .iter()
            .filter_map(|exception| exception.value.as_ref())
            .map(String::len)
            .sum::<usize>();
    let frames: usize = event
        .exception
        .iter()
        .filter_map(|exception| exception.stacktrace.as_ref())
        .chain(event.threads.iter().filter_map(|thread| thread.stacktrace.as_ref()))
        .map(|stacktrace| stacktrace.frames.len())
        .sum();
    let request = event.request.as_ref().map_or(0, request_size);
    let mut estimate = Estimate { looks: 1_000 };
    let data = estimate.of_all(&event.extra) + estimate.of_contexts(&event.contexts);
    let parts = frames * FRAME + event.breadcrumbs.len() * BREADCRUMB + event.tags.len() * TAG;
    EVENT + text + request + data + parts
}

fn transaction_size(transaction: &Transaction<'_>) -> usize {
    const SPAN: usize = 512;
    let mut estimate = Estimate { looks: 1_000 };
    let span = |span: &Span| SPAN + span.description.as_ref().map_or(0, String::len);
    let spans: usize = transaction.spans.iter().map(span).sum();
    let request = transaction.request.as_ref().map_or(0, request_size);
    let data = estimate.of_all(&transaction.extra) + estimate.of_contexts(&transaction.contexts);
    1_024 + spans + request + data
}

/// A body is most of a request.
fn request_size(request: &Request) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    512 + text(&request.data)
        + text(&request.query_string)
        + text(&request.cookies)
        + request.headers.len() * 96
}

/// A value without much in it.
const SMALL: usize = 64;

/// Guesses the size of JSON without visiting all of it: a capture must stay cheap whatever it is given.
struct Estimate {
    /// Values still to be looked at; the rest is taken for small.
    looks: u32,
}

impl Estimate {
    fn of_all(&mut self, values: &Map<String, Value>) -> usize {
        let looked_at: usize = values.values().take(1_000).map(|value| self.of(value, 0)).sum();
        looked_at + SMALL * values.len().saturating_sub(1_000)
    }

    fn of_contexts(&mut self, contexts: &Map<String, Context>) -> usize {
        let fields = contexts.values().take(100).filter_map(|context| match context {
            Context::Other(fields) => Some(fields),
            _ => None,
        });
        fields.map(|fields| self.of_all(fields)).sum()
    }

    fn of(&mut self, value: &Value, depth: u32) -> usize {
        const DEEPEST: u32 = 32;
        let len = match value {
            Value::String(text) => return SMALL + text.len(),
            Value::Null | Value::Bool(_) | Value::Number(_) => return SMALL,
            Value::Array(values) => values.len(),
            Value::Object(map) => map.len(),
        };
        if depth >= DEEPEST || self.looks == 0 {
            return SMALL * (len + 1);
        }
        self.looks = self.looks.saturating_sub(u32::try_from(len).unwrap_or(u32::MAX));
        let parts: usize = match value {
            Value::Array(values) => values.iter().take(1_000).map(|value| self.of(value, depth + 1)).sum(),
            Value::Object(map) => {
                map.iter().take(1_000).map(|(key, value)| key.len() + self.of(value, depth + 1)).sum()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        };
        parts + SMALL * (len.saturating_sub(1_000) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{ItemContainer, UnknownItem};

    #[test]
    fn a_ready_envelope_waits_in_the_lane_of_what_matters_most_in_it() {
        let lane = |items: Vec<EnvelopeItem>| {
            let mut envelope = Envelope::new();
            items.into_iter().for_each(|item| envelope.add_item(item));
            Outbound::from_envelope(envelope).lane()
        };
        let encoded = |ty| EnvelopeItem::Unknown(UnknownItem::new(ty, [], b"{}".to_vec()));
        assert_eq!(lane(vec![EnvelopeItem::Feedback(Box::default())]), Lane::Error);
        assert_eq!(lane(vec![ItemContainer::Spans(Vec::new()).into()]), Lane::Trace);
        assert_eq!(lane(vec![ItemContainer::Logs(Vec::new()).into()]), Lane::Log);
        assert_eq!(lane(vec![encoded("profile"), encoded("transaction")]), Lane::Trace);
        assert_eq!(lane(vec![encoded("session"), encoded("event")]), Lane::Error);
        assert_eq!(lane(vec![encoded("client_report")]), Lane::Session);
    }

    #[test]
    fn the_size_of_a_deep_or_wide_value_is_guessed_without_visiting_it() {
        let mut deep = Value::Null;
        for _ in 0..5_000 {
            deep = Value::Array(vec![deep]);
        }
        assert!(Estimate { looks: 1_000 }.of(&deep, 0) < 10_000);
        let wide = Value::Array(vec![Value::from("x".repeat(100)); 100_000]);
        let size = Estimate { looks: 1_000 }.of(&wide, 0);
        assert!((6_000_000..20_000_000).contains(&size), "{size}");
        let long = Value::from("x".repeat(1_000_000));
        assert!(Estimate { looks: 1_000 }.of(&long, 0) >= 1_000_000);
    }
}
