//! From a metric to a record for a batch.

use std::collections::btree_map::Entry;

use super::IntoProtocolMetric;
use super::builder::sealed::{Given, Place};
use crate::attributes::{self, Defaults, FromScope};
use crate::client::Client;
use crate::client_report::protocol::{Category, Reason};
use crate::hub::Hub;
use crate::protocol::{LogAttribute, Metric, MetricType, Unit};
use crate::scope::{Scope, ScopeSnapshot};
use crate::suppress::{guarded, is_suppressed};
use crate::telemetry::Telemetry;
use crate::{clock, diagnostics, json, nesting};

impl Hub {
    /// Captures a metric with the scope of this hub: its trace, its user, its attributes.
    pub fn capture_metric<M: IntoProtocolMetric>(&self, metric: M) {
        if let Some((client, scope)) = self.for_telemetry(Category::TraceMetric) {
            client.write_metric(metric, &scope);
        }
    }
}

impl Client {
    /// Captures a metric with the given scope.
    pub fn capture_metric<M: IntoProtocolMetric>(&self, metric: M, scope: &Scope) {
        if self.is_enabled() && !is_suppressed() {
            self.write_metric(metric, &scope.snapshot());
        }
    }

    fn write_metric<M: IntoProtocolMetric>(&self, metric: M, scope: &ScopeSnapshot) {
        if !self.options().enable_metrics {
            return;
        }
        let place = Place {
            timestamp: clock::now(),
            trace_id: scope.trace_id().unwrap_or_default(),
            span_id: scope.span_id(),
        };
        let from_scope = FromScope::new(scope);
        let metric = match (metric.given(), &self.options().before_send_metric) {
            (Given::Measured(mut metric), None) => {
                metric.attributes.iter_mut().for_each(|(_, value)| nesting::limit(&mut value.0));
                let own = metric.attributes.iter().map(|(key, value)| (&**key, value));
                let head = Head {
                    place,
                    name: &metric.name,
                    value: metric.value,
                    unit: metric.unit.as_ref(),
                    kind: metric.kind,
                };
                return self.send_metric(&head, own, &from_scope, self.metric_defaults());
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
            return self.send_metric(&Head::of(&metric), own, from_scope, self.metric_defaults());
        };
        for (key, value) in from_scope.entries().chain(self.metric_defaults().entries()) {
            if let Entry::Vacant(entry) = metric.attributes.entry(key.to_owned().into()) {
                entry.insert(value.clone());
            }
        }
        let bytes = metric.name.len() as u64;
        match guarded("before_send_metric", || before_send(metric)) {
            Ok(Some(mut metric)) => {
                metric.attributes.values_mut().for_each(|value| nesting::limit(&mut value.0));
                let own = metric.attributes.iter().map(|(key, value)| (&**key, value));
                self.send_metric(&Head::of(&metric), own, &FromScope::default(), &Defaults::default());
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
        let json = encode(head, own, scope, defaults);
        self.send_telemetry_at(Telemetry::metric(json), head.place.timestamp);
    }

    fn lose_metric(&self, reason: Reason, bytes: u64) {
        self.lose(reason, &[(Category::TraceMetric, 1), (Category::TraceMetricByte, bytes)]);
    }
}

/// All of a metric but its attributes.
struct Head<'a> {
    place: Place,
    name: &'a str,
    value: f64,
    unit: Option<&'a Unit>,
    kind: MetricType,
}

impl<'a> Head<'a> {
    fn of(metric: &'a Metric) -> Self {
        let Metric { timestamp, trace_id, span_id, .. } = *metric;
        Self {
            place: Place { timestamp, trace_id, span_id },
            name: &metric.name,
            value: metric.value,
            unit: metric.unit.as_ref(),
            kind: metric.r#type,
        }
    }
}

/// Room for what is in every metric, and for a few attributes: one allocation is to be enough.
const ROOM: usize = 320;

fn encode<'a>(
    head: &Head<'_>,
    own: impl Iterator<Item = (&'a str, &'a LogAttribute)> + Clone,
    scope: &FromScope<'_>,
    defaults: &Defaults,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(ROOM + head.name.len() + defaults.size());
    out.extend_from_slice(b"{\"timestamp\":");
    json::time(&mut out, head.place.timestamp);
    out.extend_from_slice(b",\"trace_id\":");
    json::hex(&mut out, &head.place.trace_id.to_bytes());
    if let Some(span_id) = head.place.span_id {
        out.extend_from_slice(b",\"span_id\":");
        json::hex(&mut out, &span_id.to_bytes());
    }
    out.extend_from_slice(b",\"name\":");
    json::text(&mut out, head.name);
    out.extend_from_slice(b",\"value\":");
    json::float(&mut out, head.value);
    if let Some(unit) = head.unit {
        out.extend_from_slice(b",\"unit\":");
        // Written into memory, and a name does not fail.
        let _ = serde_json::to_writer(&mut out, unit);
    }
    let kind = match head.kind {
        MetricType::Counter => "counter",
        MetricType::Gauge => "gauge",
        MetricType::Distribution => "distribution",
    };
    out.extend_from_slice(b",\"type\":");
    json::text(&mut out, kind);
    out.extend_from_slice(b",\"attributes\":");
    attributes::write(&mut out, own, scope, defaults);
    out.push(b'}');
    out
}
