//! The kinds of data a server limits.

/// A kind of data that a server can limit on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RateLimitingCategory {
    /// Everything, client reports included.
    Any,
    /// Attachments.
    Attachment,
    /// Events of no other kind.
    Default,
    /// Errors and messages.
    Error,
    /// User feedback.
    Feedback,
    /// Client reports; stopped by [`Any`](Self::Any) only.
    Internal,
    /// Logs, by bytes.
    LogByte,
    /// Logs, by number.
    LogItem,
    /// Check-ins.
    Monitor,
    /// Profiles of transactions.
    Profile,
    /// Pieces of continuous profiles of a backend.
    ProfileChunk,
    /// Pieces of continuous profiles of a user interface.
    ProfileChunkUi,
    /// Session updates and aggregates.
    Session,
    /// Spans.
    Span,
    /// Metrics, by number.
    TraceMetric,
    /// Metrics, by bytes.
    TraceMetricByte,
    /// Transactions.
    Transaction,
}

impl RateLimitingCategory {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::Transaction as usize + 1;

    /// The category with this name on the wire; `None` if it is not one of ours.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "attachment" => Self::Attachment,
            "default" => Self::Default,
            "error" => Self::Error,
            "feedback" => Self::Feedback,
            "internal" => Self::Internal,
            "log_byte" => Self::LogByte,
            "log_item" => Self::LogItem,
            "monitor" => Self::Monitor,
            "profile" => Self::Profile,
            "profile_chunk" => Self::ProfileChunk,
            "profile_chunk_ui" => Self::ProfileChunkUi,
            "session" => Self::Session,
            "span" => Self::Span,
            "trace_metric" => Self::TraceMetric,
            "trace_metric_byte" => Self::TraceMetricByte,
            "transaction" => Self::Transaction,
            _ => return None,
        })
    }

    /// Its place in a table.
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}
