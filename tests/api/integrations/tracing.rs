//! `sentry::integrations::tracing`: the layers.

use std::fmt::{Binary, Debug, LowerHex, Octal, UpperHex};
use std::ops::{BitAnd, BitOr, BitXor, Not, Sub};

use sentry::integrations::tracing::{
    BreadcrumbLayer, CombinedEventMapping, ErrorLayer, EventFilter, EventMapping, LogLayer, SentryLayer,
    SpanLayer, breadcrumb_from_event, default_event_filter, default_span_filter, event_from_event, layer,
    log_from_event,
};
use sentry::protocol;
use tracing_core::{Event, Metadata};
use tracing_subscriber::layer::Context;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, Registry};

const _: fn(&Metadata<'_>) -> EventFilter = default_event_filter;
const _: fn(&Metadata<'_>) -> bool = default_span_filter;
const _: fn() -> SentryLayer<Registry> = layer;
const _: fn(&Event<'_>, &Context<'_, Registry>) -> protocol::Breadcrumb =
    |event, context| breadcrumb_from_event(event, context);
const _: fn(&Event<'_>) -> protocol::Event<'static> = |event| event_from_event::<Registry>(event, None);
const _: fn(&Event<'_>, Option<&Context<'_, Registry>>) -> protocol::Log =
    |event, context| log_from_event(event, context);

const _: fn() -> BreadcrumbLayer = BreadcrumbLayer::new;
const _: fn(BreadcrumbLayer) -> BreadcrumbLayer = BreadcrumbLayer::enable_span_attributes;
const _: fn() -> ErrorLayer = ErrorLayer::new;
const _: fn(ErrorLayer) -> ErrorLayer = ErrorLayer::enable_span_attributes;
const _: fn() -> LogLayer = LogLayer::new;
const _: fn(LogLayer) -> LogLayer = LogLayer::enable_span_attributes;
const _: fn() -> SpanLayer = SpanLayer::new;
implements!(BreadcrumbLayer: Default + Layer<Registry>);
implements!(ErrorLayer: Default + Layer<Registry>);
implements!(LogLayer: Default + Layer<Registry>);
implements!(SpanLayer: Default + Layer<Registry>);

const _: fn(SentryLayer<Registry>) -> SentryLayer<Registry> = SentryLayer::enable_span_attributes;
const _: fn(SentryLayer<Registry>, fn(&Metadata<'_>) -> EventFilter) -> SentryLayer<Registry> =
    SentryLayer::event_filter;
const _: fn(
    SentryLayer<Registry>,
    fn(&Event<'_>, Context<'_, Registry>) -> EventMapping,
) -> SentryLayer<Registry> = SentryLayer::event_mapper;
const _: fn(SentryLayer<Registry>, fn(&Metadata<'_>) -> bool) -> SentryLayer<Registry> =
    SentryLayer::span_filter;
implements!(SentryLayer<Registry>: Default + Layer<Registry>);

const _: [EventFilter; 4] =
    [EventFilter::Ignore, EventFilter::Breadcrumb, EventFilter::Event, EventFilter::Log];
const _: fn(EventFilter) -> u32 = |filter| filter.bits();
implements!(EventFilter: Binary + BitAnd + BitOr + BitXor + Clone + Copy + Debug + Extend<EventFilter>
    + FromIterator<EventFilter> + IntoIterator + LowerHex + Not + Octal + Sub + UpperHex);

const _: fn(EventMapping) -> CombinedEventMapping = CombinedEventMapping::from;
const _: fn(Vec<EventMapping>) -> CombinedEventMapping = CombinedEventMapping::from;
const _: [fn(protocol::Breadcrumb) -> EventMapping; 1] = [EventMapping::Breadcrumb];
const _: [fn(Box<protocol::Event<'static>>) -> EventMapping; 1] = [EventMapping::Event];
const _: [fn(protocol::Log) -> EventMapping; 1] = [EventMapping::Log];
const _: [fn(CombinedEventMapping) -> EventMapping; 1] = [EventMapping::Combined];
const _: EventMapping = EventMapping::Ignore;
implements!(EventMapping: Debug);
implements!(CombinedEventMapping: Debug);

/// As the documentation of the published crate has it.
#[test]
fn the_layer_goes_into_a_registry() {
    let subscriber = tracing_subscriber::registry().with(
        layer()
            .event_filter(|metadata| match *metadata.level() {
                tracing_core::Level::ERROR => EventFilter::Event | EventFilter::Log,
                tracing_core::Level::TRACE => EventFilter::Ignore,
                _ => EventFilter::Log,
            })
            .span_filter(|metadata| *metadata.level() <= tracing_core::Level::INFO),
    );
    let events = sentry::test::with_captured_events(|| {
        tracing::subscriber::with_default(subscriber, || tracing::error!("it broke"));
    });
    assert_eq!(events[0].message.as_deref(), Some("it broke"));
}
