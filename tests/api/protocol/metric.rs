//! Metrics.

use std::borrow::Cow;
use std::fmt::Debug;
use std::time::SystemTime;

use sentry::protocol::client_report::LossSource;
use sentry::protocol::{LogAttribute, Map, Metric, MetricType, SpanId, TraceId, Unit};

all_fields!(Metric {
    attributes: Map<Cow<'static, str>, LogAttribute>,
    name: Cow<'static, str>,
    span_id: Option<SpanId>,
    timestamp: SystemTime,
    trace_id: TraceId,
    r#type: MetricType,
    unit: Option<Unit>,
    value: f64,
});
implements!(Metric: Clone + Debug + LossSource + PartialEq);
wire!(Metric);

const _: fn(MetricType) = |value| match value {
    MetricType::Counter | MetricType::Distribution | MetricType::Gauge => {}
};
implements!(MetricType: Copy + Debug + PartialEq);
wire!(MetricType);

const _: fn(Unit) = |value| match value {
    Unit::Bit
    | Unit::Byte
    | Unit::Day
    | Unit::Exabyte
    | Unit::Exbibyte
    | Unit::Gibibyte
    | Unit::Gigabyte
    | Unit::Hour
    | Unit::Kibibyte
    | Unit::Kilobyte
    | Unit::Mebibyte
    | Unit::Megabyte
    | Unit::Microsecond
    | Unit::Millisecond
    | Unit::Minute
    | Unit::Nanosecond
    | Unit::Pebibyte
    | Unit::Percent
    | Unit::Petabyte
    | Unit::Ratio
    | Unit::Second
    | Unit::Tebibyte
    | Unit::Terabyte
    | Unit::Week
    | Unit::Other(_) => {}
    _ => {}
};
const _: fn(Cow<'static, str>) -> Unit = Unit::Other;
implements!(Unit: Clone + Debug + From<&'static str> + From<Cow<'static, str>> + From<String> + PartialEq);
wire!(Unit);

#[test]
fn a_metric_is_a_full_literal() {
    let metric = Metric {
        r#type: MetricType::Distribution,
        name: "checkout.time".into(),
        value: 12.5,
        timestamp: SystemTime::UNIX_EPOCH,
        trace_id: TraceId::default(),
        span_id: Some(SpanId::default()),
        unit: Some("millisecond".into()),
        attributes: Map::from([("plan".into(), LogAttribute::from("free"))]),
    };
    assert_eq!(metric.unit, Some(Unit::Millisecond));
}
