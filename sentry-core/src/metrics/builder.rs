//! Putting a metric together.

use std::borrow::Cow;
use std::mem::ManuallyDrop;

use super::attributes::Attributes;
use super::capture;
use crate::client;
use crate::protocol::{LogAttribute, Metric, MetricType, Unit};
use crate::telemetry::Place;

use self::sealed::{Given, IntoProtocolMetricImpl};

/// Counts how often something happens: `value` more times.
#[inline]
pub fn counter<N, V>(name: N, value: V) -> CounterMetric
where
    N: Into<Cow<'static, str>>,
    V: Into<f64>,
{
    CounterMetric(Parts::new(name.into(), value.into()))
}

/// Tells the value of something that goes up and down.
#[inline]
pub fn gauge<N, V>(name: N, value: V) -> GaugeMetric
where
    N: Into<Cow<'static, str>>,
    V: Into<f64>,
{
    GaugeMetric(Parts::new(name.into(), value.into()))
}

/// Tells one of many values whose spread matters.
#[inline]
pub fn distribution<N, V>(name: N, value: V) -> DistributionMetric
where
    N: Into<Cow<'static, str>>,
    V: Into<f64>,
{
    DistributionMetric(Parts::new(name.into(), value.into()))
}

/// What all metrics have.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) name: Cow<'static, str>,
    pub(super) value: f64,
    pub(super) unit: Option<Unit>,
    pub(super) attributes: Attributes,
}

impl Parts {
    #[inline]
    fn new(name: Cow<'static, str>, value: f64) -> Self {
        Self { name, value, unit: None, attributes: Attributes::NONE }
    }

    /// Whether there is anything to drop.
    #[inline]
    pub(super) fn owns(&self) -> bool {
        matches!(self.name, Cow::Owned(_)) || self.unit.is_some() || self.attributes.is_some()
    }
}

/// A metric as it was given, without a place.
#[derive(Debug)]
#[expect(unnameable_types, reason = "the trait is sealed by it")]
pub struct Measured {
    pub(super) kind: MetricType,
    pub(super) parts: Parts,
}

impl Measured {
    /// What `before_send_metric` sees.
    pub(super) fn at(mut self, place: Place) -> Metric {
        let attributes = self.parts.attributes.drain().collect();
        Metric {
            r#type: self.kind,
            name: self.parts.name,
            value: self.parts.value,
            timestamp: place.stamp.time(),
            trace_id: place.trace_id,
            span_id: place.span_id,
            unit: self.parts.unit,
            attributes,
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
            #[inline]
            pub fn attribute<K, V>(self, key: K, value: V) -> Self
            where
                K: Into<Cow<'static, str>>,
                V: Into<LogAttribute>,
            {
                // Part by part: nothing of a metric has to be in memory then while no client is active.
                let Parts { name, value: number, unit, attributes } = self.0;
                let attributes = if client::any_live() { attributes.with(key, value) } else { attributes };
                Self(Parts { name, value: number, unit, attributes })
            }

            /// Captures it on the current hub.
            #[inline]
            pub fn capture(self) {
                // While no client is active, a metric that owns nothing is not even put together to be dropped.
                let parts = ManuallyDrop::new(self.0);
                if client::any_live() || parts.owns() {
                    capture::capture(parts, MetricType::$kind);
                }
            }
        }

        impl IntoProtocolMetric for $name {}

        impl IntoProtocolMetricImpl for $name {
            fn given(self) -> Given {
                Given::Measured(Measured { kind: MetricType::$kind, parts: self.0 })
            }
        }
    };
}

metric!(CounterMetric, Counter, "A count, made by [`counter`].");
metric!(GaugeMetric, Gauge, "A value that goes up and down, made by [`gauge`].");
metric!(DistributionMetric, Distribution, "One of many values, made by [`distribution`].");

impl GaugeMetric {
    /// Sets the unit.
    #[inline]
    pub fn unit<U: Into<Unit>>(mut self, unit: U) -> Self {
        if client::any_live() {
            self.0.unit = Some(unit.into());
        }
        self
    }
}

impl DistributionMetric {
    /// Sets the unit.
    #[inline]
    pub fn unit<U: Into<Unit>>(mut self, unit: U) -> Self {
        if client::any_live() {
            self.0.unit = Some(unit.into());
        }
        self
    }
}

/// What can be captured as a metric: what [`counter`], [`gauge`] and [`distribution`] make, and a ready [`Metric`].
pub trait IntoProtocolMetric: IntoProtocolMetricImpl {}

impl IntoProtocolMetric for Metric {}

impl IntoProtocolMetricImpl for Metric {
    fn given(self) -> Given {
        Given::Whole(self)
    }
}

pub(super) mod sealed {
    use crate::protocol::Metric;

    /// In which form it is captured.
    #[derive(Debug)]
    #[expect(unnameable_types, reason = "the trait is sealed by it")]
    pub enum Given {
        /// With a place of its own.
        Whole(Metric),
        /// Without one.
        Measured(super::Measured),
    }

    #[expect(unnameable_types, reason = "nobody else shall implement it")]
    pub trait IntoProtocolMetricImpl {
        fn given(self) -> Given;
    }
}
