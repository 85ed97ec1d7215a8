//! What an envelope carries.

use std::fmt::Debug;

use sentry::protocol::client_report::{Item, LossSource};
use sentry::protocol::{
    Attachment, ClientReport, EnvelopeItem, EnvelopeItemIter, Event, ItemContainer, Log, Metric,
    MonitorCheckIn, SessionAggregates, SessionUpdate, Transaction,
};

const _: fn(EnvelopeItem) = |value| match value {
    EnvelopeItem::Raw
    | EnvelopeItem::Attachment(_)
    | EnvelopeItem::ClientReport(_)
    | EnvelopeItem::Event(_)
    | EnvelopeItem::ItemContainer(_)
    | EnvelopeItem::MonitorCheckIn(_)
    | EnvelopeItem::SessionAggregates(_)
    | EnvelopeItem::SessionUpdate(_)
    | EnvelopeItem::Transaction(_) => {}
    _ => {}
};
const _: fn(Attachment) -> EnvelopeItem = EnvelopeItem::Attachment;
const _: fn(ClientReport) -> EnvelopeItem = EnvelopeItem::ClientReport;
const _: fn(Box<Event<'static>>) -> EnvelopeItem = EnvelopeItem::Event;
const _: fn(ItemContainer) -> EnvelopeItem = EnvelopeItem::ItemContainer;
const _: fn(MonitorCheckIn) -> EnvelopeItem = EnvelopeItem::MonitorCheckIn;
const _: fn(SessionAggregates<'static>) -> EnvelopeItem = EnvelopeItem::SessionAggregates;
const _: fn(SessionUpdate<'static>) -> EnvelopeItem = EnvelopeItem::SessionUpdate;
const _: fn(Box<Transaction<'static>>) -> EnvelopeItem = EnvelopeItem::Transaction;
implements!(EnvelopeItem: Clone + Debug + From<Attachment> + From<ClientReport> + From<Event<'static>> +
    From<ItemContainer> + From<MonitorCheckIn> + From<SessionAggregates<'static>> +
    From<SessionUpdate<'static>> + From<Transaction<'static>> + From<Vec<Log>> + From<Vec<Metric>> +
    LossSource + PartialEq);

implements!(EnvelopeItemIter<'static>: Clone + Iterator<Item = &'static EnvelopeItem>);

const _: fn(ItemContainer) = |value| match value {
    ItemContainer::Logs(_) | ItemContainer::Metrics(_) => {}
    _ => {}
};
const _: fn(Vec<Log>) -> ItemContainer = ItemContainer::Logs;
const _: fn(Vec<Metric>) -> ItemContainer = ItemContainer::Metrics;
const _: fn(&ItemContainer) -> &'static str = ItemContainer::content_type;
const _: fn(&ItemContainer) -> bool = ItemContainer::is_empty;
const _: fn(&ItemContainer) -> usize = ItemContainer::len;
const _: fn(&ItemContainer) -> &'static str = ItemContainer::ty;
implements!(ItemContainer: Clone + Debug + From<Vec<Log>> + From<Vec<Metric>> + LossSource + PartialEq);

const _: fn([Item; 1]) -> ClientReport = ClientReport::new;
const _: fn(Vec<Item>) -> ClientReport = ClientReport::new;
implements!(ClientReport: Clone + Debug + LossSource + PartialEq);
wire!(ClientReport);
