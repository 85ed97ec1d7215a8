use crate::types::wire_enum;

wire_enum! {
    /// Why something was lost. The server drops reasons it does not know, so there is no other, but for [`NoConsent`], which
    /// no server is told of.
    ///
    /// [`NoConsent`]: Self::NoConsent
    pub enum Reason {
        /// Sampled out because the SDK had too much to do.
        Backpressure = "backpressure",
        /// A `before_send` callback of the user returned nothing.
        BeforeSend = "before_send",
        /// The buffer for logs, metrics or spans was full.
        BufferOverflow = "buffer_overflow",
        /// The store on disk was full.
        CacheOverflow = "cache_overflow",
        /// A callback of the user panicked.
        CallbackError = "callback_error",
        /// An event processor dropped it, or it is of a kind to ignore.
        EventProcessor = "event_processor",
        /// It is on a deny list.
        Ignored = "ignored",
        /// It holds too little, for instance a profile with too few samples.
        InsufficientData = "insufficient_data",
        /// The SDK failed.
        InternalSdkError = "internal_sdk_error",
        /// It failed validation.
        Invalid = "invalid",
        /// The network failed, and there was no further try.
        NetworkError = "network_error",
        /// The user has not consented. Counted on this side only.
        NoConsent = "no_consent",
        /// A span that needs a parent had none.
        NoParentSpan = "no_parent_span",
        /// The transport's queue was full.
        QueueOverflow = "queue_overflow",
        /// The server had asked to wait.
        RatelimitBackoff = "ratelimit_backoff",
        /// Sampled out.
        SampleRate = "sample_rate",
        /// The server refused it.
        SendError = "send_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::IndexedEnum;

    #[test]
    fn every_variant_has_its_own_index_and_name() {
        for (index, reason) in Reason::VARIANTS.iter().enumerate() {
            assert_eq!(reason.as_index(), index);
            let json = serde_json::to_string(reason).unwrap();
            assert_eq!(json, format!("\"{reason}\""));
            assert_eq!(serde_json::from_str::<Reason>(&json).unwrap(), *reason);
        }
    }
}
