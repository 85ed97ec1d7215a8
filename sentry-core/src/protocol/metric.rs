//! Application metrics.

use std::borrow::Cow;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{LogAttribute, Map, SpanId, TraceId, Unit, attribute, lenient, number, timestamp};

/// What a metric measures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricType {
    /// How often something happened.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// Values whose spread matters.
    Distribution,
}

/// One measurement of the application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// What it measures.
    pub r#type: MetricType,
    /// Its dotted name.
    pub name: Cow<'static, str>,
    /// Its value; `null` on the wire when it is not finite.
    #[serde(with = "number::or_null")]
    pub value: f64,
    /// When it was measured.
    #[serde(with = "timestamp::seconds")]
    pub timestamp: SystemTime,
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// The span it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_id: Option<SpanId>,
    /// The unit of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// What else is known.
    #[serde(
        default,
        skip_serializing_if = "attribute::are_absent",
        serialize_with = "attribute::serialize_present",
        deserialize_with = "lenient::or_default"
    )]
    pub attributes: Map<Cow<'static, str>, LogAttribute>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_metric_survives_the_round_trip() {
        let json = json!({
            "timestamp": 1_544_719_860.5, "trace_id": "5b8efff798038103d269b633813fc60c",
            "span_id": "b0e6f15b45c36b12", "name": "api.response_time", "value": 125.5, "unit": "millisecond",
            "type": "distribution", "attributes": {"endpoint": {"value": "/users", "type": "string"}}
        });
        let metric: Metric = serde_json::from_value(json.clone()).unwrap();
        assert_eq!((metric.r#type, &metric.unit), (MetricType::Distribution, &Some(Unit::Millisecond)));
        assert_eq!(serde_json::to_value(&metric).unwrap(), json);
    }

    #[test]
    fn a_value_that_is_not_finite_is_null() {
        let json = json!({
            "timestamp": 0, "trace_id": "5b8efff798038103d269b633813fc60c", "name": "n", "value": null, "type": "gauge"
        });
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut metric: Metric = serde_json::from_value(json.clone()).unwrap();
            metric.value = value;
            assert_eq!(serde_json::to_string(&metric).unwrap().matches("\"value\":null").count(), 1);
            assert_eq!(serde_json::to_value(&metric).unwrap(), json);
        }
    }
}
