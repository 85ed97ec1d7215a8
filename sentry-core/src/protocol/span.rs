//! Spans of transactions.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::clock;

use super::{Map, Measurement, SpanId, SpanLink, SpanStatus, TraceId, Value, lenient, timestamp};

/// A piece of work within a transaction.
///
/// `Span::default()` has random ids and starts at this moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Span {
    /// Its id.
    pub span_id: SpanId,
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// The span that started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<SpanId>,
    /// Whether the parent ran in the same process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_process_as_parent: Option<bool>,
    /// What kind of work it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// What the work is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it ended.
    #[serde(with = "timestamp::seconds::option", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<SystemTime>,
    /// When it started.
    #[serde(with = "timestamp::seconds")]
    pub start_timestamp: SystemTime,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<SpanStatus>,
    /// Searchable labels.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::string_map")]
    pub tags: Map<String, String>,
    /// More about it.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub data: Map<String, Value>,
    /// What created it: `manual` or `auto.<category>.<integration>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Numbers measured during it.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub measurements: Map<String, Measurement>,
    /// Other spans it refers to.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::or_default")]
    pub links: Vec<SpanLink>,
}

impl Default for Span {
    fn default() -> Self {
        Self {
            span_id: SpanId::default(),
            trace_id: TraceId::default(),
            parent_span_id: None,
            same_process_as_parent: None,
            op: None,
            description: None,
            timestamp: None,
            start_timestamp: clock::now(),
            status: None,
            tags: Map::new(),
            data: Map::new(),
            origin: None,
            measurements: Map::new(),
            links: Vec::new(),
        }
    }
}

impl Span {
    /// A span with random ids that starts at this moment.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends it at this moment.
    pub fn finish(&mut self) {
        self.finish_with_timestamp(clock::now());
    }

    /// Ends it at `timestamp`.
    pub fn finish_with_timestamp(&mut self, timestamp: SystemTime) {
        self.timestamp = Some(timestamp);
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Span(id: {}, ts: {})", self.span_id, timestamp::to_rfc3339(self.start_timestamp))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_full_span_survives_the_round_trip() {
        let json = json!({
            "span_id": "b0e6f15b45c36b12", "trace_id": "5b8efff798038103d269b633813fc60c",
            "parent_span_id": "fa90fdead5f74052", "same_process_as_parent": true, "op": "http.client",
            "description": "GET https://example.com", "start_timestamp": 1.25, "timestamp": 2.5, "status": "ok",
            "tags": {"a": "b"}, "data": {"http.response.status_code": 200}, "origin": "auto.http.tower",
            "measurements": {"size": {"value": 1.5, "unit": "kilobyte"}},
            "links": [{"trace_id": "5b8efff798038103d269b633813fc60d", "span_id": "b0e6f15b45c36b13", "sampled": true,
                       "attributes": {"sentry.link.type": "previous_trace"}}]
        });
        let span: Span = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&span).unwrap(), json);
    }

    #[test]
    fn both_ends_of_a_span_are_numbers() {
        let mut span = Span::new();
        assert!(serde_json::to_value(&span).unwrap().get("timestamp").is_none());
        span.finish();
        let json = serde_json::to_value(&span).unwrap();
        assert!(json["start_timestamp"].is_number() && json["timestamp"].is_number());
    }

    #[test]
    fn spans_have_random_ids() {
        assert_ne!(Span::new().span_id, Span::new().span_id);
        assert!(Span::new().to_string().starts_with("Span(id: "));
    }
}
