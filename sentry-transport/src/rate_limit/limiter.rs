//! The rate limits as custom transports use them.

use std::time::Duration;

use sentry_core::clock;
use sentry_core::envelope::EnvelopeItem;
use sentry_core::protocol::Envelope;

use super::category::RateLimitingCategory;
use super::limits::Limits;

/// Keeps what a server has asked not to be sent, for transports that do their own sending.
///
/// ```
/// use sentry_transport::transports::{RateLimiter, RateLimitingCategory};
///
/// let mut limiter = RateLimiter::new();
/// limiter.update_from_sentry_header("60:error;session:key, 2700:transaction:organization");
/// assert!(!limiter.is_enabled(RateLimitingCategory::Error));
/// assert!(limiter.is_enabled(RateLimitingCategory::Attachment));
/// ```
#[derive(Debug, Default)]
pub struct RateLimiter {
    limits: Limits,
}

impl RateLimiter {
    /// Nothing is limited.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies the value of a `Retry-After` header to everything.
    pub fn update_from_retry_after(&mut self, header: &str) {
        self.limits.apply_retry_after(header, clock::instant(), clock::now());
    }

    /// Applies the value of an `X-Sentry-Rate-Limits` header.
    pub fn update_from_sentry_header(&mut self, header: &str) {
        self.limits.apply_header(header, clock::instant());
    }

    /// Applies a status 429 without either header.
    pub fn update_from_429(&mut self) {
        self.limits.apply_429(clock::instant());
    }

    /// How much longer `category` must not be sent; `None` if it may be.
    #[must_use]
    pub fn is_disabled(&self, category: RateLimitingCategory) -> Option<Duration> {
        self.limits.remaining(category, clock::instant())
    }

    /// Whether `category` may be sent.
    #[must_use]
    pub fn is_enabled(&self, category: RateLimitingCategory) -> bool {
        self.is_disabled(category).is_none()
    }

    /// What of `envelope` may be sent, headers included; `None` when nothing may.
    #[must_use]
    pub fn filter_envelope(&self, envelope: Envelope) -> Option<Envelope> {
        self.split(envelope).0
    }

    /// What may be sent, and what may not.
    pub(crate) fn split(&self, envelope: Envelope) -> (Option<Envelope>, Vec<EnvelopeItem>) {
        let filtered = self.limits.filter(envelope, clock::instant());
        (filtered.kept, filtered.dropped)
    }
}

#[cfg(test)]
mod tests {
    use sentry_core::protocol::Event;

    use super::*;

    #[test]
    fn every_source_of_limits_is_obeyed() {
        let mut header = RateLimiter::new();
        header.update_from_sentry_header("60:error:key");
        assert!(header.is_disabled(RateLimitingCategory::Error).is_some_and(|left| left.as_secs() >= 58));
        assert!(header.is_enabled(RateLimitingCategory::Any));
        assert!(header.filter_envelope(Event::new().into()).is_none());

        let mut retry_after = RateLimiter::new();
        retry_after.update_from_retry_after("60");
        assert!(!retry_after.is_enabled(RateLimitingCategory::Session));

        let mut bare = RateLimiter::new();
        bare.update_from_429();
        assert!(!bare.is_enabled(RateLimitingCategory::Transaction));
    }
}
