//! From a metric to a record for a batch.

use std::collections::btree_map::Entry;
use std::time::SystemTime;

use serde::Serialize;

use super::IntoProtocolMetric;
use super::builder::sealed::Place;
use crate::attributes::{self, Defaults, FromScope};
use crate::client::Client;
use crate::client_report::protocol::{Category, Reason};
use crate::hub::Hub;
use crate::protocol::{Metric, MetricType, SpanId, TraceId, Unit, timestamp};
use crate::scope::{Scope, ScopeSnapshot};
use crate::suppress::{guarded, is_suppressed};
use crate::telemetry::Telemetry;
use crate::{clock, diagnostics, nesting};

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
        let mut metric = metric.into_protocol_metric(place);
        metric.attributes.values_mut().for_each(|value| nesting::limit(&mut value.0));
        let from_scope = FromScope::new(scope);
        let Some(before_send) = &self.options().before_send_metric else {
            return self.send_metric(&metric, &from_scope, self.metric_defaults());
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
                self.send_metric(&metric, &FromScope::default(), &Defaults::default());
            }
            dropped => {
                let reason = if dropped.is_ok() { Reason::BeforeSend } else { Reason::CallbackError };
                self.lose_metric(reason, bytes);
            }
        }
    }

    fn send_metric(&self, metric: &Metric, scope: &FromScope<'_>, defaults: &Defaults) {
        if !metric.value.is_finite() {
            diagnostics::warn_once("metric", || {
                format!("a metric must be a finite number: {:?} is {}", metric.name, metric.value)
            });
            return self.lose_metric(Reason::Invalid, metric.name.len() as u64);
        }
        self.send_telemetry(Telemetry::metric(encode(metric, scope, defaults)));
    }

    fn lose_metric(&self, reason: Reason, bytes: u64) {
        self.lose(reason, &[(Category::TraceMetric, 1), (Category::TraceMetricByte, bytes)]);
    }
}

/// All of a metric but its attributes.
#[derive(Serialize)]
struct Head<'a> {
    #[serde(with = "timestamp::seconds")]
    timestamp: SystemTime,
    trace_id: TraceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<SpanId>,
    name: &'a str,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a Unit>,
    r#type: MetricType,
}

fn encode(metric: &Metric, scope: &FromScope<'_>, defaults: &Defaults) -> Vec<u8> {
    let head = Head {
        timestamp: metric.timestamp,
        trace_id: metric.trace_id,
        span_id: metric.span_id,
        name: &metric.name,
        value: metric.value,
        unit: metric.unit.as_ref(),
        r#type: metric.r#type,
    };
    let mut out = Vec::with_capacity(512);
    // Written into memory, and none of its parts can fail.
    let _ = serde_json::to_writer(&mut out, &head);
    out.pop();
    out.extend_from_slice(b",\"attributes\":");
    let own = metric.attributes.iter().map(|(key, value)| (&**key, value));
    attributes::write(&mut out, own, scope, defaults);
    out.push(b'}');
    out
}
