//! Application metrics (protocol.md 8).
//!
//! Each call is one measurement of its own; nothing is added up here.
//!
//! ```
//! use sentry_core::metrics;
//! use sentry_core::protocol::{EnvelopeItem, ItemContainer, Unit};
//!
//! let envelopes = sentry_core::test::with_captured_envelopes(|| {
//!     metrics::counter("orders", 1).attribute("kind", "new").capture();
//!     metrics::distribution("response_time", 12.5).unit(Unit::Millisecond).capture();
//! });
//! let Some(EnvelopeItem::ItemContainer(ItemContainer::Metrics(metrics))) = envelopes[0].items().next() else { panic!() };
//! assert_eq!((metrics[0].name.as_ref(), metrics[0].value), ("orders", 1.0));
//! ```

mod attributes;
mod builder;
mod capture;

pub use self::builder::{
    CounterMetric, DistributionMetric, GaugeMetric, IntoProtocolMetric, counter, distribution, gauge,
};

#[cfg(all(test, feature = "test"))]
mod tests;
