//! The place in a trace.

use serde::{Deserialize, Serialize};

use crate::protocol::{Map, SpanId, SpanLink, SpanStatus, TraceId, Value, lenient, number};

/// The place in a trace; in a transaction, the span of the transaction itself.
///
/// `TraceContext::default()` has random ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceContext {
    /// The span.
    pub span_id: SpanId,
    /// The trace.
    pub trace_id: TraceId,
    /// The span that started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<SpanId>,
    /// What kind of work it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// What the work is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<SpanStatus>,
    /// What created it: `manual` or `auto.<category>.<integration>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// More about it.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub data: Map<String, Value>,
    /// Whether it is sampled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampled: Option<bool>,
    /// The rate it was sampled with.
    #[serde(skip_serializing_if = "number::is_unwritable")]
    pub client_sample_rate: Option<f64>,
    /// Other spans it refers to.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::or_default")]
    pub links: Vec<SpanLink>,
}

impl TraceContext {
    /// Nothing but a place: `TraceContext::default()` draws random ids.
    pub(crate) fn of_ids(trace_id: TraceId, span_id: SpanId) -> Self {
        Self {
            span_id,
            trace_id,
            parent_span_id: None,
            op: None,
            description: None,
            status: None,
            origin: None,
            data: Map::new(),
            sampled: None,
            client_sample_rate: None,
            links: Vec::new(),
        }
    }
}
