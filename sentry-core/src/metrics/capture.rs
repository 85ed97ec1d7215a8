//! From a metric to a record for a batch.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::mem::ManuallyDrop;

use super::IntoProtocolMetric;
use super::builder::sealed::Given;
use super::builder::{Measured, Parts};
use crate::attributes::{self, Defaults, FromScope};
use crate::client::{self, Client};
use crate::client_report::protocol::{Category, ItemLoss, Reason};
use crate::hub::{self, Hub};
use crate::protocol::{LogAttribute, Metric, MetricType, Unit};
use crate::scope::{Scope, ScopeSnapshot};
use crate::suppress::{guarded, is_suppressed};
use crate::telemetry::{Place, Scratch, Stamp, TelemetryKind};
use crate::{clock, diagnostics, json, nesting};

impl Hub {
    /// Captures a metric with the scope of this hub: its trace, its user, its attributes.
    pub fn capture_metric<M: IntoProtocolMetric>(&self, metric: M) {
        if let Some((client, scope)) = self.for_telemetry(Category::TraceMetric) {
            client.write_metric(metric.given(), &scope);
        }
    }
}

/// The same on the current hub. The parts stay where the caller has put them: moved, they would be waited for.
pub(super) fn capture(parts: ManuallyDrop<Parts>, kind: MetricType) {
    if !client::any_live() {
        return drop(ManuallyDrop::into_inner(parts));
    }
    let stamp = Stamp::from(clock::now());
    // At a glance, if nothing but encoding is to be done.
    let gathered = hub::glance(|client, scope| {
        let options = client.options();
        let is_odd = !parts.value.is_finite()
            || parts.attributes.entries().iter().any(|(_, value)| nesting::is_deep(&value.0));
        if is_odd || !options.enable_metrics || options.before_send_metric.is_some() || !client.gathers() {
            return None;
        }
        let defaults = client.known_metric_defaults()?;
        let from_scope = FromScope::of(scope);
        Some(client.gather(TelemetryKind::Metric, stamp.time(), |out, ending| {
            let head = Head::measured(kind, &parts);
            let own = parts.attributes.entries().iter().map(|(key, value)| (&**key, value));
            encode(out, &head, own, from_scope.as_ref().unwrap_or(FromScope::NOTHING), defaults);
            let (trace_id, span_id) = scope.place();
            let place = Place { stamp, trace_id: trace_id.unwrap_or_default(), span_id };
            ending.write(place, out);
        }))
    });
    if let Some(None) = gathered {
        return capture_slowly(ManuallyDrop::into_inner(parts), kind);
    }
    // Most own nothing, and then there is nothing to drop.
    if parts.owns() {
        drop(ManuallyDrop::into_inner(parts));
    }
    if let Some(Some(follow_up)) = gathered {
        follow_up.run();
    }
}

#[cold]
fn capture_slowly(parts: Parts, kind: MetricType) {
    if let Some((client, scope)) = Hub::current().for_telemetry(Category::TraceMetric) {
        client.write_metric(Given::Measured(Measured { kind, parts }), &scope);
    }
}

impl Client {
    /// Captures a metric with the given scope.
    pub fn capture_metric<M: IntoProtocolMetric>(&self, metric: M, scope: &Scope) {
        let lost = [ItemLoss::new(Category::TraceMetric, 1)];
        if self.is_enabled() && !is_suppressed() && !self.discards_all(&lost[..]) {
            self.write_metric(metric.given(), &scope.snapshot());
        }
    }

    fn write_metric(&self, given: Given, scope: &ScopeSnapshot) {
        if !self.options().enable_metrics {
            return;
        }
        let place = Place {
            stamp: clock::now().into(),
            trace_id: scope.trace_id().unwrap_or_default(),
            span_id: scope.span_id(),
        };
        let from_scope = FromScope::new(scope);
        let metric = match (given, &self.options().before_send_metric) {
            (Given::Measured(mut metric), None) => {
                let Measured { kind, parts } = &mut metric;
                parts.attributes.entries_mut().iter_mut().for_each(|(_, value)| nesting::limit(&mut value.0));
                let own = parts.attributes.entries().iter().map(|(key, value)| (&**key, value));
                let head = Head::measured(*kind, parts);
                return self.send_metric(&head, place, own, &from_scope, self.metric_defaults());
            }
            (Given::Measured(metric), Some(_)) => metric.at(place),
            (Given::Whole(metric), _) => metric,
        };
        self.write_whole_metric(metric, &from_scope);
    }

    fn write_whole_metric(&self, mut metric: Metric, from_scope: &FromScope<'_>) {
        metric.attributes.values_mut().for_each(|value| nesting::limit(&mut value.0));
        let Some(before_send) = &self.options().before_send_metric else {
            let own = metric.attributes.iter().map(|(key, value)| (&**key, value));
            return self.send_metric(
                &Head::of(&metric),
                place_of(&metric),
                own,
                from_scope,
                self.metric_defaults(),
            );
        };
        for (key, value) in from_scope.entries().chain(self.metric_defaults().entries()) {
            if let Entry::Vacant(entry) = metric.attributes.entry(key.to_owned().into()) {
                entry.insert(value.into_owned());
            }
        }
        let bytes = metric.name.len() as u64;
        match guarded("before_send_metric", || before_send(metric)) {
            Ok(Some(mut metric)) => {
                metric.attributes.values_mut().for_each(|value| nesting::limit(&mut value.0));
                let own = metric.attributes.iter().map(|(key, value)| (&**key, value));
                let (from_scope, defaults) = (FromScope::default(), Defaults::default());
                self.send_metric(&Head::of(&metric), place_of(&metric), own, &from_scope, &defaults);
            }
            dropped => {
                let reason = if dropped.is_ok() { Reason::BeforeSend } else { Reason::CallbackError };
                self.lose_metric(reason, bytes);
            }
        }
    }

    fn send_metric<'a>(
        &self,
        head: &Head<'_>,
        place: Place,
        own: impl Iterator<Item = (&'a str, &'a LogAttribute)> + Clone,
        scope: &FromScope<'_>,
        defaults: &Defaults,
    ) {
        if !head.value.is_finite() {
            diagnostics::warn_once("metric", || {
                format!("a metric must be a finite number: {:?} is {}", head.name, head.value)
            });
            return self.lose_metric(Reason::Invalid, head.name.len() as u64);
        }
        let mut json = Scratch::take();
        encode(&mut json, head, own, scope, defaults);
        place.write(&mut json);
        self.send_encoded(TelemetryKind::Metric, &json, place.stamp.time());
    }

    fn lose_metric(&self, reason: Reason, bytes: u64) {
        self.lose(reason, &[(Category::TraceMetric, 1), (Category::TraceMetricByte, bytes)]);
    }
}

fn place_of(metric: &Metric) -> Place {
    Place { stamp: metric.timestamp.into(), trace_id: metric.trace_id, span_id: metric.span_id }
}

/// All of a metric but its attributes and its place.
#[derive(Clone, Copy)]
struct Head<'a> {
    name: &'a Cow<'static, str>,
    value: f64,
    unit: Option<&'a Unit>,
    kind: MetricType,
}

impl<'a> Head<'a> {
    #[inline]
    fn measured(kind: MetricType, parts: &'a Parts) -> Self {
        Self { name: &parts.name, value: parts.value, unit: parts.unit.as_ref(), kind }
    }

    fn of(metric: &'a Metric) -> Self {
        Self { name: &metric.name, value: metric.value, unit: metric.unit.as_ref(), kind: metric.r#type }
    }
}

/// Writes all of a metric but its end.
fn encode<'a>(
    out: &mut Vec<u8>,
    head: &Head<'_>,
    own: impl Iterator<Item = (&'a str, &'a LogAttribute)> + Clone,
    scope: &FromScope<'_>,
    defaults: &Defaults,
) {
    out.extend_from_slice(match head.kind {
        MetricType::Counter => b"{\"type\":\"counter\",\"name\":\"",
        MetricType::Gauge => b"{\"type\":\"gauge\",\"name\":\"",
        MetricType::Distribution => b"{\"type\":\"distribution\",\"name\":\"",
    });
    json::part(out, head.name);
    out.extend_from_slice(b"\",\"value\":");
    json::float(out, head.value);
    if let Some(unit) = head.unit {
        out.extend_from_slice(b",\"unit\":");
        json::text(out, unit.as_str());
    }
    out.extend_from_slice(b",\"attributes\":");
    attributes::write(out, own, scope, defaults);
}
