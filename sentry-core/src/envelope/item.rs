use uuid::Uuid;

use super::{ItemContainer, UnknownItem};
use crate::protocol::{
    Attachment, ClientReport, Event, FileAttachment, Log, Metric, MonitorCheckIn, SessionAggregates,
    SessionUpdate, StoredAttachment, Transaction,
};

/// One thing in an envelope.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EnvelopeItem {
    /// An error or a message.
    Event(Box<Event<'static>>),
    /// The state of a session.
    SessionUpdate(SessionUpdate<'static>),
    /// The end of a session that ended well but for an error that nobody handled. Its `status`, which has no name for that,
    /// does not count.
    UnhandledSession(SessionUpdate<'static>),
    /// Many sessions, counted.
    SessionAggregates(SessionAggregates<'static>),
    /// A transaction with its spans.
    Transaction(Box<Transaction<'static>>),
    /// A file in memory.
    Attachment(Attachment),
    /// A file on disk, read when the envelope is written.
    FileAttachment(FileAttachment),
    /// A file whose bytes a transport has put away while it waits, read when the envelope is written.
    StoredAttachment(StoredAttachment),
    /// A check-in of a job.
    MonitorCheckIn(MonitorCheckIn),
    /// Logs, metrics or spans.
    ItemContainer(ItemContainer),
    /// What was lost.
    ClientReport(ClientReport),
    /// What a user had to say, as an event with a feedback context.
    Feedback(Box<Event<'static>>),
    /// An item as it is on the wire: of a type without a variant here, or encoded before.
    Unknown(UnknownItem),
    /// Stands for all of an envelope whose bytes were not looked at, where a filter is asked about it.
    Raw,
}

impl EnvelopeItem {
    /// The state of a session, if this is one.
    #[must_use]
    pub fn session_update(&self) -> Option<&SessionUpdate<'static>> {
        match self {
            Self::SessionUpdate(session) | Self::UnhandledSession(session) => Some(session),
            _ => None,
        }
    }

    /// The same, to be changed in place.
    pub fn session_update_mut(&mut self) -> Option<&mut SessionUpdate<'static>> {
        match self {
            Self::SessionUpdate(session) | Self::UnhandledSession(session) => Some(session),
            _ => None,
        }
    }

    /// What nothing with the same key may overtake: updates of one session, check-ins of one run of a job.
    #[must_use]
    pub fn order_key(&self) -> Option<Uuid> {
        match self {
            Self::MonitorCheckIn(check_in) => Some(check_in.check_in_id).filter(|id| !id.is_nil()),
            Self::Unknown(item) if item.ty() == "check_in" => check_in_id(item.payload()),
            item => Some(item.session_update()?.session_id),
        }
    }

    /// The id that the envelope has to carry for this item.
    pub(super) fn event_id(&self) -> Option<Uuid> {
        match self {
            Self::Event(event) | Self::Feedback(event) => Some(event.event_id),
            Self::Transaction(transaction) => Some(transaction.event_id),
            _ => None,
        }
    }

    /// Whether attachments in the envelope belong to it.
    #[must_use]
    pub fn owns_attachments(&self) -> bool {
        match self {
            Self::Unknown(item) => matches!(item.ty(), "event" | "transaction" | "feedback"),
            item => item.event_id().is_some(),
        }
    }

    /// Whether it is a file, wherever its bytes are.
    #[must_use]
    pub fn is_attachment(&self) -> bool {
        match self {
            Self::Attachment(_) | Self::FileAttachment(_) | Self::StoredAttachment(_) => true,
            Self::Unknown(item) => item.ty() == "attachment",
            _ => false,
        }
    }
}

impl From<Event<'static>> for EnvelopeItem {
    fn from(event: Event<'static>) -> Self {
        Self::Event(Box::new(event))
    }
}

impl From<Transaction<'static>> for EnvelopeItem {
    fn from(transaction: Transaction<'static>) -> Self {
        Self::Transaction(Box::new(transaction))
    }
}

impl From<SessionUpdate<'static>> for EnvelopeItem {
    fn from(session: SessionUpdate<'static>) -> Self {
        Self::SessionUpdate(session)
    }
}

impl From<SessionAggregates<'static>> for EnvelopeItem {
    fn from(sessions: SessionAggregates<'static>) -> Self {
        Self::SessionAggregates(sessions)
    }
}

impl From<Attachment> for EnvelopeItem {
    fn from(attachment: Attachment) -> Self {
        Self::Attachment(attachment)
    }
}

impl From<FileAttachment> for EnvelopeItem {
    fn from(file: FileAttachment) -> Self {
        Self::FileAttachment(file)
    }
}

impl From<StoredAttachment> for EnvelopeItem {
    fn from(stored: StoredAttachment) -> Self {
        Self::StoredAttachment(stored)
    }
}

impl From<MonitorCheckIn> for EnvelopeItem {
    fn from(check_in: MonitorCheckIn) -> Self {
        Self::MonitorCheckIn(check_in)
    }
}

impl From<ItemContainer> for EnvelopeItem {
    fn from(container: ItemContainer) -> Self {
        Self::ItemContainer(container)
    }
}

impl From<Vec<Log>> for EnvelopeItem {
    fn from(logs: Vec<Log>) -> Self {
        Self::ItemContainer(logs.into())
    }
}

impl From<Vec<Metric>> for EnvelopeItem {
    fn from(metrics: Vec<Metric>) -> Self {
        Self::ItemContainer(metrics.into())
    }
}

impl From<ClientReport> for EnvelopeItem {
    fn from(report: ClientReport) -> Self {
        Self::ClientReport(report)
    }
}

impl From<UnknownItem> for EnvelopeItem {
    fn from(item: UnknownItem) -> Self {
        Self::Unknown(item)
    }
}

/// Of a check-in that is encoded already.
fn check_in_id(payload: &[u8]) -> Option<Uuid> {
    let check_in: serde_json::Value = serde_json::from_slice(payload).ok()?;
    Uuid::parse_str(check_in.get("check_in_id")?.as_str()?).ok().filter(|id| !id.is_nil())
}
