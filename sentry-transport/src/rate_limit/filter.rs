//! Which items of an envelope may go.

use std::time::Instant;

use sentry_core::envelope::{EnvelopeFilterCallbacks, EnvelopeItem};
use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::{Category, ItemLoss, LossSource};

use super::category::RateLimitingCategory;
use super::limits::Limits;

/// An envelope after the limits have been applied.
#[derive(Debug)]
pub(crate) struct Filtered {
    /// What may be sent, headers included; `None` when nothing may.
    pub(crate) kept: Option<Envelope>,
    /// What may not. Attachments go with the event they belong to.
    pub(crate) dropped: Vec<EnvelopeItem>,
}

impl Limits {
    /// Takes out of `envelope` what is limited.
    pub(crate) fn filter(&self, envelope: Envelope, now: Instant) -> Filtered {
        let mut dropped = Vec::new();
        let keep = |item: &EnvelopeItem| !self.stops(item, now);
        let kept = envelope.filter(EnvelopeFilterCallbacks::new(keep, |item| dropped.push(item)));
        Filtered { kept, dropped }
    }

    /// Whether nothing of what `losses` describe may be sent.
    pub(crate) fn stop_all(&self, losses: &[ItemLoss], now: Instant) -> bool {
        !losses.is_empty() && losses.iter().all(|loss| self.is_limited(category(loss.category), now))
    }

    /// Whether one of what `losses` describe may not be sent.
    pub(crate) fn stop_any(&self, losses: &[ItemLoss], now: Instant) -> bool {
        losses.iter().any(|loss| self.is_limited(category(loss.category), now))
    }

    fn stops(&self, item: &EnvelopeItem, now: Instant) -> bool {
        let limited = |category| self.is_limited(category, now);
        match item {
            EnvelopeItem::ClientReport(_) => limited(RateLimitingCategory::Internal),
            EnvelopeItem::Raw => limited(RateLimitingCategory::Any),
            // A transaction counts its spans as well, but a limit on spans does not concern it.
            item => item.losses().enumerate().any(|(index, loss)| {
                (index == 0 || loss.category != Category::Span) && limited(category(loss.category))
            }),
        }
    }
}

fn category(category: Category) -> RateLimitingCategory {
    match category {
        Category::Attachment | Category::AttachmentItem => RateLimitingCategory::Attachment,
        Category::Error => RateLimitingCategory::Error,
        Category::Feedback => RateLimitingCategory::Feedback,
        Category::Internal => RateLimitingCategory::Internal,
        Category::LogByte => RateLimitingCategory::LogByte,
        Category::LogItem => RateLimitingCategory::LogItem,
        Category::Monitor => RateLimitingCategory::Monitor,
        Category::Profile => RateLimitingCategory::Profile,
        Category::ProfileChunk => RateLimitingCategory::ProfileChunk,
        Category::ProfileChunkUi => RateLimitingCategory::ProfileChunkUi,
        Category::Session => RateLimitingCategory::Session,
        Category::Span => RateLimitingCategory::Span,
        Category::TraceMetric => RateLimitingCategory::TraceMetric,
        Category::TraceMetricByte => RateLimitingCategory::TraceMetricByte,
        Category::Transaction => RateLimitingCategory::Transaction,
        _ => RateLimitingCategory::Default,
    }
}

#[cfg(test)]
mod tests {
    use sentry_core::protocol::{Attachment, Event, Transaction};

    use super::*;

    fn limits(header: &str) -> (Limits, Instant) {
        let now = sentry_core::clock::instant();
        let mut limits = Limits::default();
        limits.apply_header(header, now);
        (limits, now)
    }

    fn event_with_attachment() -> Envelope {
        let mut envelope = Envelope::from(Event::new());
        envelope.add_item(Attachment {
            buffer: b"abc".to_vec(),
            filename: "a".into(),
            ..Attachment::default()
        });
        envelope
    }

    #[test]
    fn an_attachment_falls_with_its_event() {
        let (limits, now) = limits("60:error:key");
        let filtered = limits.filter(event_with_attachment(), now);
        assert!(filtered.kept.is_none());
        assert_eq!(filtered.dropped.len(), 2);
    }

    #[test]
    fn a_limit_on_attachments_leaves_the_event_and_the_headers() {
        let (limits, now) = limits("60:attachment:key");
        let envelope = event_with_attachment();
        let headers = envelope.headers().clone();
        let filtered = limits.filter(envelope, now);
        let kept = filtered.kept.unwrap();
        assert!(kept.event().is_some());
        assert_eq!(kept.items().count(), 1);
        assert_eq!(*kept.headers(), headers);
        assert_eq!(filtered.dropped.len(), 1);
    }

    #[test]
    fn a_limit_on_spans_does_not_stop_transactions() {
        let (spans, now) = limits("60:span:key");
        assert!(spans.filter(Transaction::new().into(), now).kept.is_some());
        let (transactions, now) = limits("60:transaction:key");
        assert!(transactions.filter(Transaction::new().into(), now).kept.is_none());
    }
}
