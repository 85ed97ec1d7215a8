//! Putting a metric together.

use std::borrow::Cow;

use super::capture;
use crate::client;
use crate::protocol::{LogAttribute, Metric, MetricType, Unit};

use self::sealed::{Given, IntoProtocolMetricImpl, Place};

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
    pub(super) attributes: Vec<(Cow<'static, str>, LogAttribute)>,
}

impl Parts {
    #[inline]
    fn new(name: Cow<'static, str>, value: f64) -> Self {
        Self { name, value, unit: None, attributes: Vec::new() }
    }

    /// What is said twice counts as said last.
    fn set(&mut self, key: Cow<'static, str>, value: LogAttribute) {
        match self.attributes.iter_mut().find(|(known, _)| *known == key) {
            Some((_, slot)) => *slot = value,
            None => self.attributes.push((key, value)),
        }
    }
}

/// A metric as it was given, without a place.
#[derive(Debug)]
#[expect(unnameable_types, reason = "the trait is sealed by it")]
pub struct Measured {
    pub(super) kind: MetricType,
    pub(super) name: Cow<'static, str>,
    pub(super) value: f64,
    pub(super) unit: Option<Unit>,
    pub(super) attributes: Vec<(Cow<'static, str>, LogAttribute)>,
}

impl Measured {
    pub(super) fn new(parts: Parts, kind: MetricType) -> Self {
        let Parts { name, value, unit, attributes } = parts;
        Self { kind, name, value, unit, attributes }
    }

    /// What `before_send_metric` sees.
    pub(super) fn at(self, place: Place) -> Metric {
        Metric {
            r#type: self.kind,
            name: self.name,
            value: self.value,
            timestamp: place.timestamp,
            trace_id: place.trace_id,
            span_id: place.span_id,
            unit: self.unit,
            attributes: self.attributes.into_iter().collect(),
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
            pub fn attribute<K, V>(mut self, key: K, value: V) -> Self
            where
                K: Into<Cow<'static, str>>,
                V: Into<LogAttribute>,
            {
                if client::any_live() {
                    self.0.set(key.into(), value.into());
                }
                self
            }

            /// Captures it on the current hub.
            #[inline]
            pub fn capture(self) {
                if client::any_live() {
                    self.capture_live();
                }
            }

            /// Apart, so that nothing is even put together while no client is active.
            #[inline(never)]
            fn capture_live(self) {
                capture::capture(self.0, MetricType::$kind);
            }
        }

        impl IntoProtocolMetric for $name {}

        impl IntoProtocolMetricImpl for $name {
            fn given(self) -> Given {
                Given::Measured(Measured::new(self.0, MetricType::$kind))
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
    fn given(self) -> Given {
        Given::Whole(self)
    }
}

pub(super) mod sealed {
    use std::time::SystemTime;

    use crate::protocol::{Metric, SpanId, TraceId};

    /// Where and when a metric is captured.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Place {
        pub(crate) timestamp: SystemTime,
        pub(crate) trace_id: TraceId,
        pub(crate) span_id: Option<SpanId>,
    }

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
