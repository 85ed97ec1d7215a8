//! What is told of answers that are failures.

use std::ops::RangeInclusive;

use http::StatusCode;
use sentry_core::options::PropagationTarget;
use sentry_core::{ClientOptions, Integration, suppress};

/// Says which answers of other services become events. Without it, or as it is made, none does.
///
/// ```
/// use sentry_core::ClientOptions;
/// use sentry_integrations::http_client::HttpClientIntegration;
///
/// let failures = HttpClientIntegration::new()
///     .capture_failed_requests(true)
///     .failed_request_status_codes([429..=429, 500..=599])
///     .failed_request_targets(["stock.example"]);
/// let options = ClientOptions::new().add_integration(failures);
/// ```
#[derive(Clone, Debug)]
pub struct HttpClientIntegration {
    captures: bool,
    codes: Vec<RangeInclusive<u16>>,
    /// `None`: all.
    targets: Option<Vec<PropagationTarget>>,
}

impl HttpClientIntegration {
    /// One that captures nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { captures: false, codes: vec![500..=599], targets: None }
    }

    /// Sets whether answers that are failures become events.
    #[must_use]
    pub fn capture_failed_requests(self, capture_failed_requests: bool) -> Self {
        Self { captures: capture_failed_requests, ..self }
    }

    /// Sets which statuses are failures. Without it: 500 to 599.
    #[must_use]
    pub fn failed_request_status_codes(self, codes: impl IntoIterator<Item = RangeInclusive<u16>>) -> Self {
        Self { codes: codes.into_iter().collect(), ..self }
    }

    /// Sets by their URL of which requests this is true. Without it: of all.
    #[must_use]
    pub fn failed_request_targets<T: Into<PropagationTarget>>(
        self,
        targets: impl IntoIterator<Item = T>,
    ) -> Self {
        Self { targets: Some(targets.into_iter().map(Into::into).collect()), ..self }
    }

    /// Whether an answer to a request to `url` may become an event.
    pub(super) fn watches(&self, url: &str) -> bool {
        // A target may be a function of the user's.
        let is_target = |targets: &Vec<PropagationTarget>| {
            let matches = || suppress(|| targets.iter().any(|target| target.matches(url)));
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(matches)).unwrap_or(false)
        };
        self.captures && self.targets.as_ref().is_none_or(is_target)
    }

    /// Whether such an answer is a failure.
    pub(super) fn is_failure(&self, status: StatusCode) -> bool {
        self.codes.iter().any(|codes| codes.contains(&status.as_u16()))
    }
}

impl Default for HttpClientIntegration {
    fn default() -> Self {
        Self::new()
    }
}

impl Integration for HttpClientIntegration {
    fn name(&self) -> &'static str {
        "http-client"
    }

    fn setup(&self, _: &mut ClientOptions) {}

    /// It does nothing to events.
    fn processes_events(&self) -> bool {
        false
    }
}
