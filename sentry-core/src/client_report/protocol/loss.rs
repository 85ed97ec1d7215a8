use std::array;
use std::iter::Flatten;
use std::slice;

use super::{Category, Reason, Report, size};
use crate::envelope::{Envelope, EnvelopeItem, ItemContainer, UnknownItem};
use crate::protocol::{
    Attachment, Event, FileAttachment, Log, Metric, MonitorCheckIn, SessionAggregates, SessionUpdate, Span,
    StoredAttachment, Transaction,
};
use crate::types::private::Sealed;

/// So much of one category, lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ItemLoss {
    /// What.
    pub category: Category,
    /// How much.
    pub quantity: u64,
    /// Why, when that is known better than by whoever counts it.
    pub reason: Option<Reason>,
    /// Comes out of a report: counted when it happened, only to be reported again.
    is_recorded: bool,
}

impl ItemLoss {
    /// A loss whose reason is up to whoever counts it.
    #[must_use]
    pub fn new(category: Category, quantity: u64) -> Self {
        Self { category, quantity, reason: None, is_recorded: false }
    }

    /// With a reason of its own.
    #[must_use]
    pub fn with_reason(self, reason: Reason) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// Whether it is part of a lost report, and so was counted before.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.is_recorded
    }
}

/// What knows as what it counts when it is lost.
///
/// ```
/// use sentry_core::protocol::client_report::{Category, ItemLoss, LossSource};
/// use sentry_core::protocol::{Span, Transaction};
///
/// let transaction = Transaction { spans: vec![Span::new(), Span::new()], ..Transaction::new() };
/// let losses: Vec<_> = transaction.losses().collect();
/// // The transaction is a span of its own.
/// assert_eq!(losses, [ItemLoss::new(Category::Transaction, 1), ItemLoss::new(Category::Span, 3)]);
/// ```
pub trait LossSource: Sealed {
    /// Its parts, by category.
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_;
}

/// Most things count as one of their category.
macro_rules! counts_as_one {
    ($($source:ty => $category:ident,)+) => {$(
        impl Sealed for $source {}

        impl LossSource for $source {
            fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
                one(Category::$category)
            }
        }
    )+};
}

counts_as_one! {
    Event<'_> => Error,
    MonitorCheckIn => Monitor,
    SessionAggregates<'_> => Session,
    SessionUpdate<'_> => Session,
    Span => Span,
}

impl Sealed for [ItemLoss] {}

impl LossSource for [ItemLoss] {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        self.iter().copied()
    }
}

impl Sealed for Transaction<'_> {}

impl LossSource for Transaction<'_> {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        transaction(self.spans.len())
    }
}

impl Sealed for Attachment {}

impl LossSource for Attachment {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        attachment(self.buffer.len())
    }
}

impl Sealed for FileAttachment {}

impl LossSource for FileAttachment {
    /// Its size is not asked for: whoever loses it may not touch the disk.
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        attachment(0)
    }
}

impl Sealed for StoredAttachment {}

impl LossSource for StoredAttachment {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        attachment(usize::try_from(self.bytes().length()).unwrap_or(usize::MAX))
    }
}

impl Sealed for Log {}

impl LossSource for Log {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        logs(slice::from_ref(self))
    }
}

impl Sealed for Metric {}

impl LossSource for Metric {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        metrics(slice::from_ref(self))
    }
}

impl Sealed for Vec<Log> {}

impl LossSource for Vec<Log> {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        logs(self)
    }
}

impl Sealed for Vec<Metric> {}

impl LossSource for Vec<Metric> {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        metrics(self)
    }
}

impl Sealed for Report {}

impl LossSource for Report {
    /// What it reports: nobody else will, once it is lost.
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        self.items().iter().map(|item| ItemLoss { is_recorded: true, ..ItemLoss::from(*item) })
    }
}

impl Sealed for ItemContainer {}

impl LossSource for ItemContainer {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        match self {
            Self::Logs(items) => logs(items),
            Self::Metrics(items) => metrics(items),
            Self::Spans(items) => single(Category::Span, items.len()),
        }
    }
}

impl Sealed for UnknownItem {}

impl LossSource for UnknownItem {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        encoded(self.ty(), self.item_count(), self.payload()).into_iter()
    }
}

impl Sealed for EnvelopeItem {}

impl LossSource for EnvelopeItem {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        collect(self).into_iter()
    }
}

impl Sealed for Envelope {}

impl LossSource for Envelope {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        let items = self.items().flat_map(collect);
        items.chain(self.raw_items().flat_map(|item| encoded(item.ty(), item.item_count(), item.payload())))
    }
}

fn collect(item: &EnvelopeItem) -> Vec<ItemLoss> {
    match item {
        EnvelopeItem::Event(event) => event.losses().collect(),
        EnvelopeItem::Feedback(_) => one(Category::Feedback).collect(),
        EnvelopeItem::Transaction(transaction) => transaction.losses().collect(),
        EnvelopeItem::SessionUpdate(session) | EnvelopeItem::UnhandledSession(session) => {
            session.losses().collect()
        }
        EnvelopeItem::SessionAggregates(sessions) => sessions.losses().collect(),
        EnvelopeItem::Attachment(attachment) => attachment.losses().collect(),
        EnvelopeItem::FileAttachment(file) => file.losses().collect(),
        EnvelopeItem::StoredAttachment(stored) => stored.losses().collect(),
        EnvelopeItem::MonitorCheckIn(check_in) => check_in.losses().collect(),
        EnvelopeItem::ItemContainer(container) => container.losses().collect(),
        EnvelopeItem::ClientReport(report) => report.losses().collect(),
        EnvelopeItem::Unknown(item) => item.losses().collect(),
        // A stand-in for bytes that only the envelope has.
        EnvelopeItem::Raw => Vec::new(),
    }
}

/// The same for an item on the wire.
fn encoded(ty: &str, count: usize, payload: &[u8]) -> Vec<ItemLoss> {
    let losses = match ty {
        "event" => one(Category::Error),
        "transaction" => transaction(spans_in(payload)),
        "attachment" => attachment(payload.len()),
        "feedback" => one(Category::Feedback),
        "session" | "sessions" => one(Category::Session),
        "check_in" => one(Category::Monitor),
        "profile" => one(Category::Profile),
        "profile_chunk" => one(Category::ProfileChunk),
        "replay_event" | "replay_recording" => one(Category::Replay),
        "log" => pair((Category::LogItem, count), (Category::LogByte, payload.len())),
        "trace_metric" => pair((Category::TraceMetric, count), (Category::TraceMetricByte, payload.len())),
        "span" => single(Category::Span, count),
        "client_report" => match serde_json::from_slice::<Report>(payload) {
            Ok(report) => return report.losses().collect(),
            Err(_) => one(Category::Internal),
        },
        _ => one(Category::Default),
    };
    losses.collect()
}

/// One or two losses, without an allocation.
type Losses = Flatten<array::IntoIter<Option<ItemLoss>, 2>>;

fn single(category: Category, quantity: usize) -> Losses {
    [Some(ItemLoss::new(category, quantity as u64)), None].into_iter().flatten()
}

fn pair(first: (Category, usize), second: (Category, usize)) -> Losses {
    [first, second]
        .map(|(category, quantity)| Some(ItemLoss::new(category, quantity as u64)))
        .into_iter()
        .flatten()
}

fn one(category: Category) -> Losses {
    single(category, 1)
}

fn transaction(spans: usize) -> Losses {
    pair((Category::Transaction, 1), (Category::Span, spans + 1))
}

/// Attachments count by their bytes. An empty or unread one counts as a byte, or its loss would not show.
fn attachment(bytes: usize) -> Losses {
    single(Category::Attachment, bytes.max(1))
}

fn logs(logs: &[Log]) -> Losses {
    pair((Category::LogItem, logs.len()), (Category::LogByte, logs.iter().map(size::log).sum()))
}

fn metrics(metrics: &[Metric]) -> Losses {
    pair(
        (Category::TraceMetric, metrics.len()),
        (Category::TraceMetricByte, metrics.iter().map(size::metric).sum()),
    )
}

/// How many spans the JSON of a transaction lists.
fn spans_in(payload: &[u8]) -> usize {
    #[derive(serde::Deserialize)]
    struct Spans {
        #[serde(default)]
        spans: Vec<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Spans>(payload).map_or(0, |transaction| transaction.spans.len())
}
