//! Client reports.

use std::fmt::Debug;
use std::hash::Hash;

use sentry::protocol::client_report::{Category, Item, ItemLoss, LossSource, Reason, Report};
use sentry::protocol::{ClientReport, Event};
use sentry::types::IndexedEnum;

const _: fn(Category) = |value| match value {
    Category::Attachment
    | Category::Error
    | Category::LogByte
    | Category::LogItem
    | Category::Monitor
    | Category::Session
    | Category::Span
    | Category::TraceMetric
    | Category::TraceMetricByte
    | Category::Transaction => {}
    _ => {}
};
implements!(Category: Copy + Debug + Eq + Hash + IndexedEnum);
wire!(Category);

const _: fn(Category, Reason, u64) -> Item = Item::new;
implements!(Item: Copy + Debug);
wire!(Item);

fields!(ItemLoss {
    category: Category,
    quantity: u64,
    reason: Option<Reason>,
});
implements!(ItemLoss: Copy + Debug + From<Item>);

const _: fn(Reason) = |value| match value {
    Reason::BeforeSend
    | Reason::BufferOverflow
    | Reason::EventProcessor
    | Reason::InternalSdkError
    | Reason::NetworkError
    | Reason::QueueOverflow
    | Reason::RatelimitBackoff
    | Reason::SampleRate
    | Reason::SendError => {}
    _ => {}
};
implements!(Reason: Copy + Debug + Eq + Hash + IndexedEnum);
wire!(Reason);

const _: fn(ClientReport) -> Report = |same| same;
const _: &[Category] = <Category as IndexedEnum>::VARIANTS;
const _: fn(&Reason) -> usize = IndexedEnum::as_index;
const _: fn(&[ItemLoss]) -> Vec<ItemLoss> = |losses| LossSource::losses(losses).collect();
implements!([ItemLoss]: LossSource + ?Sized);

#[test]
fn what_an_item_loses_is_counted() {
    let losses: Vec<ItemLoss> = Event::default().losses().collect();
    let [ItemLoss { category: Category::Error, quantity: 1, .. }] = losses[..] else { panic!("{losses:?}") };
    let item = Item::new(Category::Span, Reason::SampleRate, 3);
    let ItemLoss { category, quantity, reason, .. } = ItemLoss::from(item);
    assert_eq!((category, quantity, reason), (Category::Span, 3, Some(Reason::SampleRate)));
    assert_eq!(
        Category::Span.as_index(),
        Category::VARIANTS.iter().position(|c| *c == Category::Span).unwrap()
    );
}
