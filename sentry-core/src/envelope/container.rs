use serde_json::Value;

use crate::protocol::{Log, Metric};

/// Many records in one item.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ItemContainer {
    /// Structured logs.
    Logs(Vec<Log>),
    /// Metrics.
    Metrics(Vec<Metric>),
    /// Streamed spans, as the JSON of the second version of the span protocol.
    Spans(Vec<Value>),
}

impl ItemContainer {
    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Logs(items) => items.len(),
            Self::Metrics(items) => items.len(),
            Self::Spans(items) => items.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the item.
    #[must_use]
    pub fn ty(&self) -> &'static str {
        match self {
            Self::Logs(_) => "log",
            Self::Metrics(_) => "trace_metric",
            Self::Spans(_) => "span",
        }
    }

    /// The content type of the item.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Logs(_) => "application/vnd.sentry.items.log+json",
            Self::Metrics(_) => "application/vnd.sentry.items.trace-metric+json",
            Self::Spans(_) => "application/vnd.sentry.items.span.v2+json",
        }
    }
}

impl From<Vec<Log>> for ItemContainer {
    fn from(logs: Vec<Log>) -> Self {
        Self::Logs(logs)
    }
}

impl From<Vec<Metric>> for ItemContainer {
    fn from(metrics: Vec<Metric>) -> Self {
        Self::Metrics(metrics)
    }
}
