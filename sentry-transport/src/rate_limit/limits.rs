//! The deadlines in force.

use std::time::{Duration, Instant, SystemTime};

use super::category::RateLimitingCategory;
use super::{header, retry_after};
use crate::sender::Response;

/// Until when which category must not be sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    until: [Option<Instant>; RateLimitingCategory::COUNT],
}

impl Limits {
    /// Learns from an answer, whatever its status (protocol section 3). Tells whether a limit was set.
    pub(crate) fn learn(&mut self, response: &Response, now: Instant, wall: SystemTime) -> bool {
        if response.header("x-sentry-rate-limits").is_some() {
            let mut set = false;
            for line in response.headers("x-sentry-rate-limits") {
                set |= self.apply_header(line, now);
            }
            return set;
        }
        if response.status() != 429 {
            return false;
        }
        let duration = response
            .header("retry-after")
            .and_then(|value| retry_after::parse(value, wall))
            .unwrap_or(retry_after::DEFAULT);
        self.extend(RateLimitingCategory::Any, duration, now)
    }

    /// Applies one line of `X-Sentry-Rate-Limits`.
    pub(super) fn apply_header(&mut self, line: &str, now: Instant) -> bool {
        let mut set = false;
        for limit in header::parse(line) {
            for category in limit.categories {
                set |= self.extend(category, limit.duration, now);
            }
        }
        set
    }

    /// Applies a value of `Retry-After` to everything.
    pub(super) fn apply_retry_after(&mut self, value: &str, now: Instant, wall: SystemTime) {
        let duration = retry_after::parse(value, wall).unwrap_or(retry_after::DEFAULT);
        self.extend(RateLimitingCategory::Any, duration, now);
    }

    /// Applies a bare 429.
    pub(super) fn apply_429(&mut self, now: Instant) {
        self.extend(RateLimitingCategory::Any, retry_after::DEFAULT, now);
    }

    /// How much longer `category` is limited, by itself or with everything else.
    pub(crate) fn remaining(&self, category: RateLimitingCategory, now: Instant) -> Option<Duration> {
        let own = match category {
            // Client reports describe losses: only a limit on everything stops them.
            RateLimitingCategory::Internal => None,
            other => self.until[other.index()],
        };
        let until = own.max(self.until[RateLimitingCategory::Any.index()])?;
        Some(until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// Whether `category` must not be sent now.
    pub(crate) fn is_limited(&self, category: RateLimitingCategory, now: Instant) -> bool {
        self.remaining(category, now).is_some()
    }

    /// Whether no limit is in force.
    pub(crate) fn is_empty(&self, now: Instant) -> bool {
        self.until.iter().flatten().all(|until| *until <= now)
    }

    /// Longest wins: a shorter limit never replaces a longer one.
    fn extend(&mut self, category: RateLimitingCategory, duration: Duration, now: Instant) -> bool {
        let slot = &mut self.until[category.index()];
        if duration.is_zero() {
            return false;
        }
        *slot = (*slot).max(now.checked_add(duration));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::RateLimitingCategory::{Any, Error, Internal, Session, Transaction};
    use super::*;

    const WALL: SystemTime = SystemTime::UNIX_EPOCH;

    fn learned(response: Response) -> (Limits, Instant) {
        let now = sentry_core::clock::instant();
        let mut limits = Limits::default();
        limits.learn(&response, now, WALL);
        (limits, now)
    }

    fn seconds(limits: &Limits, category: RateLimitingCategory, now: Instant) -> Option<u64> {
        limits.remaining(category, now).map(|left| left.as_secs())
    }

    #[test]
    fn the_header_counts_on_every_status_and_hides_retry_after() {
        for status in [200, 429, 500] {
            let response = Response::new(status)
                .with_header("Retry-After", "999")
                .with_header("X-Sentry-Rate-Limits", "60:error:key, 10:transaction:key");
            let (limits, now) = learned(response);
            assert_eq!(seconds(&limits, Error, now), Some(60));
            assert_eq!(seconds(&limits, Transaction, now), Some(10));
            assert_eq!(seconds(&limits, Session, now), None);
        }
    }

    #[test]
    fn several_header_lines_are_joined() {
        let response = Response::new(200)
            .with_header("X-Sentry-Rate-Limits", "60:error:key")
            .with_header("X-Sentry-Rate-Limits", "10:session:key");
        let (limits, now) = learned(response);
        assert!(limits.is_limited(Error, now) && limits.is_limited(Session, now));
    }

    #[test]
    fn retry_after_counts_with_429_only() {
        let (limits, now) = learned(Response::new(429).with_header("retry-after", "7"));
        assert_eq!(seconds(&limits, Error, now), Some(7));
        assert_eq!(seconds(&limits, Internal, now), Some(7));
        let (limits, now) = learned(Response::new(503).with_header("retry-after", "7"));
        assert!(limits.is_empty(now));
    }

    #[test]
    fn a_bare_429_stops_everything_for_a_minute() {
        let (limits, now) = learned(Response::new(429));
        assert_eq!(seconds(&limits, Any, now), Some(60));
        assert_eq!(seconds(&limits, Transaction, now), Some(60));
    }

    #[test]
    fn a_shorter_limit_never_replaces_a_longer_one() {
        let (mut limits, now) =
            learned(Response::new(200).with_header("X-Sentry-Rate-Limits", "60:error:key"));
        limits.apply_header("10:error:key", now);
        limits.apply_header("0:error:key", now);
        limits.apply_header("-1:error:key", now);
        assert_eq!(seconds(&limits, Error, now), Some(60));
    }

    #[test]
    fn limits_end() {
        let (limits, now) = learned(Response::new(200).with_header("X-Sentry-Rate-Limits", "60:error:key"));
        let later = now + Duration::from_secs(60);
        assert!(!limits.is_limited(Error, later));
        assert!(limits.is_empty(later));
    }

    #[test]
    fn client_reports_are_stopped_by_a_limit_on_everything_only() {
        let (limits, now) =
            learned(Response::new(200).with_header("X-Sentry-Rate-Limits", "60:internal:key"));
        assert!(!limits.is_limited(Internal, now));
    }
}
