//! What travels from a capture to a transport: the item with everything needed to finish it later.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::client::Completion;
use crate::client::callbacks::Unseen;
use crate::client_report::protocol::{Category, ItemLoss, LossSource};
use crate::envelope::{Envelope, EnvelopeHeaders, EnvelopeItem};
use crate::error::ErrorLink;
use crate::lean::LeanEvent;
use crate::nesting::Rest;
use crate::options::ClientOptions;
use crate::protocol::{Attachment, Event, FileAttachment, Level, PutAway, Thread, Transaction};
use crate::revival;
use crate::scope::ScopeSnapshot;
use crate::session::Ticket;
use crate::size;
use crate::stacktrace::RawStack;
use crate::telemetry::{Telemetry, TelemetryKind};
use crate::trace::RecordedTransaction;
use crate::types::Uuid;

/// The last stage of finishing: scrubs an envelope and trims it to the size limits. Implemented by `sentry-transport`.
///
/// It sees everything that leaves: events, transactions, batches of logs, metrics and spans, sessions, check-ins, and what
/// the application hands over as an envelope of its own. What is stored is finished before it is written.
pub trait Finish: Send + Sync {
    /// Changes `envelope` in place.
    fn finish(&self, envelope: &mut Envelope);

    /// The same for a copy that is written to disk by a thread that panics: without waiting for a lock, and without running
    /// code of the application. What is read back is [finished](Self::finish) before it is sent. The default leaves all to
    /// that.
    fn finish_raw(&self, envelope: &mut Envelope) {
        let _ = envelope;
    }

    /// What takes its place in a client with these options. Asked once, when integrations have changed them for the last
    /// time. The default stays what it is.
    fn for_options(&self, options: &ClientOptions) -> Option<Arc<dyn Finish>> {
        let _ = options;
        None
    }
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
    /// An event that was built by the caller.
    Event(Box<Event<'static>>),
    /// The same while it waits.
    Lean(Box<LeanEvent>),
    /// An event that has passed every stage but scrubbing already, because a callback had to see it.
    Completed(Box<LeanEvent>),
    /// A transaction that has ended, as it was recorded.
    Recorded(RecordedTransaction),
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
    /// Callbacks have yet to look at it.
    pub(crate) unseen: Option<Unseen>,
    /// Only what is at hand and cannot fail goes into it: this is the copy of something unfinished.
    pub(crate) is_raw: bool,
    /// How many of its kind were held back before it.
    pub(crate) suppressed: u64,
    /// What it has done to its session.
    pub(crate) session: Option<Arc<Ticket>>,
    /// What was far too much of it.
    pub(crate) rest: Option<Arc<Rest>>,
}

/// How long loading symbols for one event may take on a worker.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

impl Outbound {
    /// A ready envelope as an outbound item: nothing is left to finish. Clients send theirs with the last stage to come.
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
            unseen: None,
            is_raw: false,
            suppressed: 0,
            session: None,
            rest: None,
        }
    }

    /// A record for a batch. Nothing is left to finish. Clients send theirs with the last stage to come.
    #[must_use]
    pub fn from_telemetry(record: Telemetry) -> Self {
        Self::from_telemetry_at(record, crate::clock::now())
    }

    /// The same for a record that says when it was captured.
    pub(crate) fn from_telemetry_at(record: Telemetry, time: SystemTime) -> Self {
        Self {
            id: Uuid::nil(),
            time,
            item: OutboundItem::Telemetry(record),
            scope: ScopeSnapshot::default(),
            stack: None,
            thread: None,
            class: Class::Normal,
            durability: Durability::Memory,
            completion: None,
            unseen: None,
            is_raw: false,
            suppressed: 0,
            session: None,
            rest: None,
        }
    }

    /// Leaves the last stage of this client to be done.
    pub(crate) fn of_client(self, completion: &Arc<Completion>) -> Self {
        Self { completion: Some(Arc::clone(completion)), ..self }
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

    /// How many captured items it stands for: logs and metrics may come many at a time.
    #[must_use]
    pub fn items(&self) -> usize {
        match &self.item {
            OutboundItem::Telemetry(record) => record.records(),
            _ => 1,
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
            | OutboundItem::Event(_)
            | OutboundItem::Lean(_)
            | OutboundItem::Completed(_) => Lane::Error,
            OutboundItem::Recorded(_) | OutboundItem::Transaction(_) => Lane::Trace,
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
        /// The item itself, and what its place in a queue takes.
        const FIXED: usize = size_of::<Outbound>() + 32;
        let item = match &self.item {
            OutboundItem::Message { text, .. } => text.len(),
            OutboundItem::Error { chain, .. } => chain.iter().map(|link| 96 + link.value.len()).sum(),
            OutboundItem::Event(event) => size::of_event(event),
            OutboundItem::Lean(event) | OutboundItem::Completed(event) => event.size(),
            OutboundItem::Recorded(recorded) => recorded.size(),
            OutboundItem::Transaction(transaction) => size::of_transaction(transaction),
            OutboundItem::Telemetry(record) => record.json().len(),
            // The hint is for the wire; in memory an event takes more than that.
            OutboundItem::Envelope(envelope) => {
                const EVENT: usize = size_of::<Event<'_>>() + 400;
                envelope.size_hint() + envelope.event().map_or(0, |_| EVENT)
            }
        };
        FIXED + item + self.stack.as_ref().map_or(0, |stack| stack.addresses.len() * size_of::<usize>())
    }

    /// Whether it holds bytes of attachments in memory.
    #[must_use]
    pub fn holds_attachments(&self) -> bool {
        match &self.item {
            OutboundItem::Telemetry(_) => false,
            OutboundItem::Envelope(envelope) => {
                envelope.items().any(|item| matches!(item, EnvelopeItem::Attachment(_)))
            }
            _ => self.scope.has_attachments(),
        }
    }

    /// Asks for each attachment in memory whether its bytes are to be put away while the item waits. Those of scopes are
    /// shared with other items.
    pub fn put_away(&mut self, mut put: impl FnMut(&Attachment, Option<&Arc<Attachment>>) -> PutAway) {
        match &mut self.item {
            OutboundItem::Telemetry(_) => {}
            OutboundItem::Envelope(envelope) => envelope.put_away(|attachment| put(attachment, None)),
            OutboundItem::Recorded(_) | OutboundItem::Transaction(_) => {
                self.scope.put_away(true, |attachment| put(attachment, Some(attachment)));
            }
            _ => self.scope.put_away(false, |attachment| put(attachment, Some(attachment))),
        }
    }

    /// What is lost when this item is dropped.
    #[must_use]
    pub fn losses(&self) -> Vec<ItemLoss> {
        match &self.item {
            OutboundItem::Message { .. }
            | OutboundItem::Error { .. }
            | OutboundItem::Event(_)
            | OutboundItem::Lean(_)
            | OutboundItem::Completed(_) => {
                let mut losses = vec![ItemLoss::new(Category::Error, 1)];
                let attachments = self.scope.shared_attachments();
                attachments.for_each(|attachment| losses.extend(attachment.losses()));
                self.scope.stored().iter().for_each(|stored| losses.extend(stored.losses()));
                self.scope.files().for_each(|file| losses.extend(file.losses()));
                losses
            }
            OutboundItem::Recorded(recorded) => self.with_attachments(recorded.losses().to_vec()),
            OutboundItem::Transaction(transaction) => self.with_attachments(transaction.losses().collect()),
            OutboundItem::Telemetry(record) => record.losses(),
            OutboundItem::Envelope(envelope) => envelope.losses().collect(),
        }
    }

    /// Completes the item: scopes, symbols, integrations, constants; then scrubs and trims it. Empty, and counted, if a
    /// callback has dropped it.
    #[must_use]
    pub fn finish(self) -> Envelope {
        let deadline = crate::clock::instant() + RESOLVE_TIMEOUT;
        self.finish_by(deadline)
    }

    /// As [`finish`](Self::finish), with the symbols that are known or can be loaded before `deadline`. The rest stays
    /// addresses.
    #[must_use]
    pub fn finish_by(mut self, deadline: Instant) -> Envelope {
        if let Some(unseen) = self.unseen.take()
            && !self.show_to(&unseen, deadline)
        {
            // What it has done to its session is told nevertheless.
            return self.session.map(|ticket| Envelope::from(ticket.redeem())).unwrap_or_default();
        }
        let suppressed = self.suppressed;
        let rest = self.rest.take();
        let mut envelope = match self.item {
            OutboundItem::Envelope(envelope) => *envelope,
            OutboundItem::Telemetry(record) => {
                let mut envelope = Telemetry::envelope(&[record]);
                let sdk = self.completion.as_ref().map(|completion| completion.sdk());
                envelope.headers_mut().set_sdk(sdk);
                envelope
            }
            OutboundItem::Recorded(_) | OutboundItem::Transaction(_) => {
                self.complete_transaction(deadline);
                self.transaction_envelope()
            }
            OutboundItem::Completed(_) => {
                let event = self.seed();
                self.event_envelope(Box::new(event))
            }
            OutboundItem::Message { .. }
            | OutboundItem::Error { .. }
            | OutboundItem::Event(_)
            | OutboundItem::Lean(_) => {
                let event = self.build_event(Some(deadline));
                self.event_envelope(Box::new(event))
            }
        };
        if let Some(rest) = rest.filter(|rest| rest.has_remarks()) {
            for item in envelope.items_mut() {
                match item {
                    EnvelopeItem::Event(event) => rest.remark(event.meta.get_or_insert_default()),
                    EnvelopeItem::Transaction(transaction) => {
                        rest.remark(transaction.meta.get_or_insert_default());
                    }
                    _ => {}
                }
            }
        }
        if suppressed > 0 {
            for item in envelope.items_mut() {
                if let EnvelopeItem::Event(event) = item {
                    event.extra.insert("suppressed_events".to_owned(), suppressed.into());
                }
            }
        }
        if let Some(finish) =
            self.completion.as_ref().and_then(|completion| completion.options().finish.as_ref())
        {
            if self.is_raw {
                finish.finish_raw(&mut envelope);
            } else {
                finish.finish(&mut envelope);
            }
        }
        envelope
    }

    /// A copy to be stored until this item is finished, for a thread that panics: no symbols are loaded, no lock is waited
    /// for and no code of the user's runs. [`Revival`](crate::Revival) finishes what is read back.
    ///
    /// `None` while event processors of its scopes have not seen it: they end with the process, and what they would have
    /// taken out must not be stored.
    #[must_use]
    pub fn unfinished(&self) -> Option<Envelope> {
        if self.unseen.is_some() && self.scope.has_processors() {
            return None;
        }
        let is_unseen = self.unseen.is_some();
        let copy = Self { unseen: None, is_raw: true, ..self.clone() };
        let mut envelope = copy.finish_by(crate::clock::instant());
        revival::mark(&mut envelope, is_unseen);
        Some(envelope)
    }

    /// Gives up room that is not needed while it waits.
    pub(crate) fn slim(&mut self) {
        let (OutboundItem::Event(_), Some(completion)) = (&self.item, &self.completion) else { return };
        let nothing = OutboundItem::Message { level: Level::Error, text: String::new() };
        self.item = match std::mem::replace(&mut self.item, nothing) {
            OutboundItem::Event(event) => {
                OutboundItem::Lean(Box::new(LeanEvent::new(*event, completion.known())))
            }
            item => item,
        };
    }

    fn event_envelope(&self, event: Box<Event<'static>>) -> Envelope {
        let mut envelope = Envelope::new();
        envelope.add_item(EnvelopeItem::Event(event));
        if let Some(ticket) = &self.session {
            envelope.add_item(ticket.redeem());
        }
        for attachment in self.scope.attachments() {
            envelope.add_item(attachment);
        }
        for stored in self.scope.stored() {
            envelope.add_item(stored.clone());
        }
        for file in self.scope.files() {
            envelope.add_item(FileAttachment::clone(file));
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
        self.attach_to_transaction(&mut envelope);
        self.item = OutboundItem::Envelope(Box::new(self.with_trace(envelope)));
    }

    fn transaction_envelope(&mut self) -> Envelope {
        let mut envelope = Envelope::new();
        if let Some(transaction) = self.take_transaction() {
            envelope.add_item(EnvelopeItem::Transaction(transaction));
            self.attach_to_transaction(&mut envelope);
        }
        self.with_trace(envelope)
    }

    fn attach_to_transaction(&self, envelope: &mut Envelope) {
        for attachment in self.scope.traced_attachments() {
            envelope.add_item(Attachment::clone(attachment));
        }
        for stored in self.scope.stored() {
            envelope.add_item(stored.clone());
        }
        for file in self.files_of_transactions() {
            envelope.add_item(FileAttachment::clone(file));
        }
    }

    /// The files that go with transactions too.
    fn files_of_transactions(&self) -> impl Iterator<Item = &Arc<FileAttachment>> {
        self.scope.files().filter(|file| file.add_to_transactions)
    }

    fn with_attachments(&self, mut losses: Vec<ItemLoss>) -> Vec<ItemLoss> {
        self.scope.traced_attachments().for_each(|attachment| losses.extend(attachment.losses()));
        self.scope.stored().iter().for_each(|stored| losses.extend(stored.losses()));
        self.files_of_transactions().for_each(|file| losses.extend(file.losses()));
        losses
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
        | EnvelopeItem::FileAttachment(_)
        | EnvelopeItem::StoredAttachment(_) => Lane::Error,
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
}
