//! Sessions, logs and metrics: their functions, macros and methods.

use std::borrow::Cow;

use sentry::metrics::{
    CounterMetric, DistributionMetric, GaugeMetric, IntoProtocolMetric, counter, distribution, gauge,
};
use sentry::protocol::{EnvelopeItem, ItemContainer, Log, LogAttribute, SessionStatus, Unit};
use sentry::{Client, Hub, Scope};

const _: fn() = sentry::start_session;
const _: fn() = sentry::end_session;
const _: fn(SessionStatus) = sentry::end_session_with_status;
const _: fn(&Hub) = Hub::start_session;
const _: fn(&Hub) = Hub::end_session;
const _: fn(&Hub, SessionStatus) = Hub::end_session_with_status;

const _: fn(&Hub, Log) = Hub::capture_log;
const _: fn(&Client, Log, &Scope) = Client::capture_log;
const _: fn(&Hub, CounterMetric) = Hub::capture_metric;
const _: fn(&Client, GaugeMetric, &Scope) = Client::capture_metric;

const _: fn(&'static str, u32) -> CounterMetric = counter;
const _: fn(String, f64) -> DistributionMetric = distribution;
const _: fn(Cow<'static, str>, i32) -> GaugeMetric = gauge;
const _: fn(CounterMetric, &'static str, &'static str) -> CounterMetric = CounterMetric::attribute;
const _: fn(CounterMetric) = CounterMetric::capture;
const _: fn(DistributionMetric, String, LogAttribute) -> DistributionMetric = DistributionMetric::attribute;
const _: fn(DistributionMetric, Unit) -> DistributionMetric = DistributionMetric::unit;
const _: fn(DistributionMetric) = DistributionMetric::capture;
const _: fn(GaugeMetric, &'static str, bool) -> GaugeMetric = GaugeMetric::attribute;
const _: fn(GaugeMetric, &'static str) -> GaugeMetric = GaugeMetric::unit;
const _: fn(GaugeMetric) = GaugeMetric::capture;

implements!(CounterMetric: IntoProtocolMetric);
implements!(DistributionMetric: IntoProtocolMetric);
implements!(GaugeMetric: IntoProtocolMetric);

#[test]
fn the_macros_take_the_published_forms() {
    let world = "world";
    let envelopes = sentry::test::with_captured_envelopes(|| {
        sentry::logger_trace!("Hello, world!");
        sentry::logger_debug!("Value is {}", 42);
        sentry::logger_info!(hello = "test", answer.of.all = 40u64, "Hello {}", world);
        sentry::logger_warn!(a = 1, "plain");
        sentry::logger_error!("{} and {}", 1, true);
        sentry::logger_fatal!("{world}");
    });
    let Some(EnvelopeItem::ItemContainer(ItemContainer::Logs(logs))) = envelopes[0].items().next() else {
        panic!("no logs: {envelopes:?}")
    };
    assert_eq!(logs.len(), 6);
    assert_eq!(logs[2].attributes["answer.of.all"], LogAttribute::from(40));
}
