//! Putting a metric together.

use std::borrow::Cow;

use crate::client;
use crate::hub::Hub;
use crate::protocol::{LogAttribute, Map, Metric, MetricType, Unit};

use self::sealed::{IntoProtocolMetricImpl, Place};

/// Counts how often something happens: `value` more times.
pub fn counter<N, V>(name: N, value: V) -> CounterMetric
where
    N: Into<Cow<'static, str>>,
    V: Into<f64>,
{
    CounterMetric(Parts::new(name.into(), value.into()))
}

/// Tells the value of something that goes up and down.
pub fn gauge<N, V>(name: N, value: V) -> GaugeMetric
where
    N: Into<Cow<'static, str>>,
    V: Into<f64>,
{
    GaugeMetric(Parts::new(name.into(), value.into()))
}

/// Tells one of many values whose spread matters.
pub fn distribution<N, V>(name: N, value: V) -> DistributionMetric
where
    N: Into<Cow<'static, str>>,
    V: Into<f64>,
{
    DistributionMetric(Parts::new(name.into(), value.into()))
}

/// What all metrics have.
#[derive(Debug)]
struct Parts {
    name: Cow<'static, str>,
    value: f64,
    unit: Option<Unit>,
    attributes: Map<Cow<'static, str>, LogAttribute>,
}

impl Parts {
    fn new(name: Cow<'static, str>, value: f64) -> Self {
        Self { name, value, unit: None, attributes: Map::new() }
    }

    fn at(self, kind: MetricType, place: Place) -> Metric {
        Metric {
            r#type: kind,
            name: self.name,
            value: self.value,
            timestamp: place.timestamp,
            trace_id: place.trace_id,
            span_id: place.span_id,
            unit: self.unit,
            attributes: self.attributes,
        }
    }
}

macro_rules! metric {
    ($name:ident, $kind:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug)]
        #[must_use = "a metric is sent by `capture`"]
        pub struct $name(Parts);

        impl $name {
            /// Adds an attribute.
            pub fn attribute<K, V>(mut self, key: K, value: V) -> Self
            where
                K: Into<Cow<'static, str>>,
                V: Into<LogAttribute>,
            {
                self.0.attributes.insert(key.into(), value.into());
                self
            }

            /// Captures it on the current hub.
            #[inline]
            pub fn capture(self) {
                if client::any_live() {
                    Hub::with_active(|hub| hub.capture_metric(self));
                }
            }
        }

        impl IntoProtocolMetric for $name {}

        impl IntoProtocolMetricImpl for $name {
            fn into_protocol_metric(self, place: Place) -> Metric {
                self.0.at(MetricType::$kind, place)
            }
        }
    };
}

metric!(CounterMetric, Counter, "A count, made by [`counter`].");
metric!(GaugeMetric, Gauge, "A value that goes up and down, made by [`gauge`].");
metric!(DistributionMetric, Distribution, "One of many values, made by [`distribution`].");

impl GaugeMetric {
    /// Sets the unit.
    pub fn unit<U: Into<Unit>>(mut self, unit: U) -> Self {
        self.0.unit = Some(unit.into());
        self
    }
}

impl DistributionMetric {
    /// Sets the unit.
    pub fn unit<U: Into<Unit>>(mut self, unit: U) -> Self {
        self.0.unit = Some(unit.into());
        self
    }
}

/// What can be captured as a metric: what [`counter`], [`gauge`] and [`distribution`] make, and a ready [`Metric`].
pub trait IntoProtocolMetric: IntoProtocolMetricImpl {}

impl IntoProtocolMetric for Metric {}

impl IntoProtocolMetricImpl for Metric {
    fn into_protocol_metric(self, _: Place) -> Metric {
        self
    }
}

pub(super) mod sealed {
    use std::time::SystemTime;

    use crate::protocol::{Metric, SpanId, TraceId};

    /// Where and when a metric is captured.
    #[derive(Clone, Copy, Debug)]
    #[expect(unnameable_types, reason = "the trait is sealed by it")]
    pub struct Place {
        pub(crate) timestamp: SystemTime,
        pub(crate) trace_id: TraceId,
        pub(crate) span_id: Option<SpanId>,
    }

    #[expect(unnameable_types, reason = "nobody else shall implement it")]
    pub trait IntoProtocolMetricImpl {
        fn into_protocol_metric(self, place: Place) -> Metric;
    }
}
