use crate::types::wire_enum;

wire_enum! {
    /// The kind of data a quota, a rate limit or a loss is about.
    pub enum Category {
        /// Bytes of attachments.
        Attachment = "attachment",
        /// Number of attachments.
        AttachmentItem = "attachment_item",
        /// Events of no other kind.
        Default = "default",
        /// Errors and messages.
        Error = "error",
        /// User feedback.
        Feedback = "feedback",
        /// What SDK and server tell each other, such as client reports.
        Internal = "internal",
        /// Bytes of structured logs.
        LogByte = "log_byte",
        /// Number of structured logs.
        LogItem = "log_item",
        /// Check-ins.
        Monitor = "monitor",
        /// Profiles of transactions.
        Profile = "profile",
        /// Chunks of continuous profiles.
        ProfileChunk = "profile_chunk",
        /// Chunks of continuous profiles of user interfaces.
        ProfileChunkUi = "profile_chunk_ui",
        /// Replays.
        Replay = "replay",
        /// Security reports of browsers.
        Security = "security",
        /// Sessions, one by one or aggregated.
        Session = "session",
        /// Spans.
        Span = "span",
        /// Number of metrics.
        TraceMetric = "trace_metric",
        /// Bytes of metrics.
        TraceMetricByte = "trace_metric_byte",
        /// Transactions.
        Transaction = "transaction",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::IndexedEnum;

    #[test]
    fn every_variant_has_its_own_index_and_name() {
        for (index, category) in Category::VARIANTS.iter().enumerate() {
            assert_eq!(category.as_index(), index);
            let json = serde_json::to_string(category).unwrap();
            assert_eq!(json, format!("\"{category}\""));
            assert_eq!(serde_json::from_str::<Category>(&json).unwrap(), *category);
        }
    }
}
