//! Which requests to other services carry the trace, and which of those that come in are traced.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::options::ClientOptions;

/// Requests that the trace is passed on with, by their URL.
///
/// ```
/// use sentry_core::options::PropagationTarget;
///
/// assert!(PropagationTarget::from("api.example.com").matches("https://api.example.com/users"));
/// assert!(PropagationTarget::matching(|url| url.starts_with("https://10.")).matches("https://10.0.0.7/"));
/// ```
#[derive(Clone)]
pub struct PropagationTarget(Kind);

#[derive(Clone)]
enum Kind {
    Matching(Arc<dyn Fn(&str) -> bool + Send + Sync>),
    Part(Cow<'static, str>),
}

impl PropagationTarget {
    /// Those whose URL a function accepts, such as `is_match` of a regular expression.
    pub fn matching<F>(accepts: F) -> Self
    where
        F: Fn(&str) -> bool + Send + Sync + 'static,
    {
        Self(Kind::Matching(Arc::new(accepts)))
    }

    /// Whether a request to `url` is one of them.
    #[must_use]
    pub fn matches(&self, url: &str) -> bool {
        match &self.0 {
            Kind::Matching(accepts) => accepts(url),
            Kind::Part(part) => url.contains(&**part),
        }
    }
}

impl From<&'static str> for PropagationTarget {
    /// Those whose URL contains a text.
    fn from(part: &'static str) -> Self {
        Self(Kind::Part(part.into()))
    }
}

impl From<String> for PropagationTarget {
    /// Those whose URL contains a text.
    fn from(part: String) -> Self {
        Self(Kind::Part(part.into()))
    }
}

impl fmt::Debug for PropagationTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Matching(_) => f.write_str("Matching"),
            Kind::Part(part) => part.fmt(f),
        }
    }
}

impl ClientOptions {
    /// Sets which requests to other services carry the trace. Unset: all; none given: none, and traces that come in are
    /// continued all the same.
    pub fn trace_propagation_targets<T: Into<PropagationTarget>>(
        self,
        targets: impl IntoIterator<Item = T>,
    ) -> Self {
        let targets = targets.into_iter().map(Into::into).collect();
        Self { trace_propagation_targets: Some(targets), ..self }
    }

    /// Lets such requests carry the W3C header `traceparent` as well.
    pub fn propagate_traceparent(self, propagate_traceparent: bool) -> Self {
        Self { propagate_traceparent, ..self }
    }

    /// Lets integrations make transactions of requests with the method OPTIONS, too.
    pub fn trace_options_requests(self, trace_options_requests: bool) -> Self {
        Self { trace_options_requests, ..self }
    }

    /// Whether a request to `url` carries the trace.
    #[must_use]
    pub fn propagates_to(&self, url: &str) -> bool {
        let targets = self.trace_propagation_targets.as_ref();
        targets.is_none_or(|targets| targets.iter().any(|target| target.matches(url)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_texts_or_functions() {
        let url = "https://api.example.com/a";
        assert!(ClientOptions::new().propagates_to(url));
        assert!(!ClientOptions::new().trace_propagation_targets::<String>([]).propagates_to(url));
        assert!(ClientOptions::new().trace_propagation_targets(["other", "example.com"]).propagates_to(url));
        assert!(!ClientOptions::new().trace_propagation_targets(["other"]).propagates_to(url));
        let targets = [PropagationTarget::matching(|url| url.ends_with("/a")), "other".into()];
        let options = ClientOptions::new().trace_propagation_targets(targets);
        assert!(options.propagates_to(url) && !options.propagates_to("https://api.example.com/b"));
        assert_eq!(format!("{:?}", options.trace_propagation_targets), r#"Some([Matching, "other"])"#);
    }
}
