//! The trace that code belongs to when no span is active.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::options::ClientOptions;
use crate::protocol::{DynamicSamplingContext, SpanId, TraceContext, TraceId};
use crate::trace::dsc::{self, Head};
use crate::trace::propagation::sentry_trace::is_sentry_trace;
use crate::trace::propagation::{SentryTrace, TraceHeadersIter, continues};
use crate::trace::sampling::Decision;
use crate::trace::{current_client, ids};

/// A place in a trace: what events, logs and outgoing requests refer to when no span is active.
///
/// The default is a new trace.
///
/// ```
/// use sentry_core::TracePropagationContext;
///
/// let trace = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1";
/// let context = TracePropagationContext::try_from_headers([("sentry-trace", trace)])?;
/// assert_eq!(context.sentry_trace_header(), trace);
/// # Ok::<(), sentry_core::HeaderParseError>(())
/// ```
#[derive(Clone)]
pub struct TracePropagationContext {
    trace: SentryTrace,
    /// What came with a trace from outside; empty if nothing came. `None` for a trace that began here.
    incoming: Option<Arc<DynamicSamplingContext>>,
    whose: Whose,
}

/// What a trace was begun, or continued, for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// Nothing in particular: a thread, or the process, has it until it has a better one.
    Anybody,
    /// The process, by the one that started it.
    Process,
    /// One piece of work.
    Work,
}

impl TracePropagationContext {
    /// A place in a trace that is known by its ids. The decision on the trace is left open.
    #[must_use]
    pub fn new(trace_id: TraceId, span_id: SpanId) -> Self {
        Self { trace: SentryTrace::new(trace_id, span_id, None), incoming: None, whose: Whose::Anybody }
    }

    /// The id of a new trace.
    pub(crate) fn new_trace_id() -> TraceId {
        ids::trace_id()
    }

    /// A place in a trace that began here.
    pub(crate) fn of_trace(trace_id: TraceId) -> Self {
        Self::new(trace_id, ids::span_id())
    }

    /// Reads the headers `sentry-trace` and `baggage`, whatever the case of their names. The last valid
    /// `sentry-trace` counts.
    ///
    /// # Errors
    /// When there is no `sentry-trace` header, or none that is valid.
    pub fn try_from_headers<'a, I>(headers: I) -> Result<Self, HeaderParseError>
    where
        I: IntoIterator<Item = (&'a str, &'a str)>,
    {
        let mut trace = Err(HeaderParseError::Missing);
        let mut baggage = Vec::new();
        for (name, value) in headers {
            if is_sentry_trace(name) {
                trace = SentryTrace::parse(value).or_else(|| trace.ok()).ok_or(HeaderParseError::Invalid);
            } else if name.eq_ignore_ascii_case("baggage") {
                baggage.push(value);
            }
        }
        let incoming = Some(Arc::new(dsc::from_baggage(baggage)));
        Ok(Self { trace: trace?, incoming, whose: Whose::Work })
    }

    /// The trace in the headers `sentry-trace` and `baggage`, if there is one that a client with these options may
    /// continue (protocol.md 9.3).
    pub fn continued<'a, I>(headers: I, options: &ClientOptions) -> Option<Self>
    where
        I: IntoIterator<Item = (&'a str, &'a str)>,
    {
        let trace = Self::try_from_headers(headers).ok()?;
        let theirs = trace.incoming.as_ref().and_then(|incoming| incoming.get("org_id"));
        let is_ours = continues(theirs, dsc::org_id(options), options.strict_trace_continuation);
        is_ours.then_some(trace)
    }

    /// The same place with the decision on the trace.
    #[must_use]
    pub fn with_sampled(mut self, sampled: bool) -> Self {
        self.trace.sampled = Some(sampled);
        self
    }

    /// The same trace in the place of another span. For integrations.
    #[doc(hidden)]
    #[must_use]
    pub fn at_span(&self, span_id: SpanId) -> Self {
        let mut there = self.clone();
        there.trace.span_id = span_id;
        there
    }

    /// The value of the `sentry-trace` header that continues the trace elsewhere.
    #[must_use]
    pub fn sentry_trace_header(&self) -> String {
        self.trace.to_string()
    }

    /// The headers that continue the trace elsewhere, for the client of the current hub.
    #[must_use]
    pub fn iter_headers(&self) -> TraceHeadersIter {
        match (&self.incoming, current_client()) {
            (None, Some(client)) => TraceHeadersIter::new(self.trace, Some(&self.dsc(client.options()))),
            (incoming, _) => TraceHeadersIter::new(self.trace, incoming.as_deref()),
        }
    }

    /// The same for the client with these options.
    pub(crate) fn headers_for(&self, options: &ClientOptions) -> TraceHeadersIter {
        TraceHeadersIter::new(self.trace, Some(&self.dsc(options)))
    }

    /// The trace.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.trace.trace_id
    }

    /// The span in whose place the code runs.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.trace.span_id
    }

    /// The decision on the trace, if there is one yet.
    #[must_use]
    pub fn sampled(&self) -> Option<bool> {
        self.trace.sampled
    }

    /// The context of this place for events.
    #[must_use]
    pub fn trace_context(&self) -> TraceContext {
        TraceContext::of_ids(self.trace_id(), self.span_id())
    }

    /// The same trace, for one piece of work. That of the process stays one.
    pub(crate) fn for_work(self) -> Self {
        let whose = if self.whose == Whose::Process { Whose::Process } else { Whose::Work };
        Self { whose, ..self }
    }

    /// The same trace, for all that this process does.
    pub(crate) fn for_process(self) -> Self {
        Self { whose: Whose::Process, ..self }
    }

    /// Whether it was begun, or continued, for something: what comes of that belongs to it.
    pub(crate) fn is_for_work(&self) -> bool {
        self.whose != Whose::Anybody
    }

    /// Whether what a request to this process sets off belongs to it.
    pub(crate) fn is_for_requests(&self) -> bool {
        self.whose == Whose::Work
    }

    pub(in crate::trace) fn incoming(&self) -> Option<&Arc<DynamicSamplingContext>> {
        self.incoming.as_ref()
    }

    /// The sampling context: the one that came, or that of a trace which began here and is not decided on.
    pub(in crate::trace) fn dsc(&self, options: &ClientOptions) -> DynamicSamplingContext {
        match &self.incoming {
            Some(incoming) => DynamicSamplingContext::clone(incoming),
            None => {
                let decision = Decision { sampled: self.sampled(), rate: None };
                dsc::of_head(
                    &Head { trace_id: self.trace_id(), decision, transaction: None, replay: None },
                    options,
                )
            }
        }
    }
}

impl Default for TracePropagationContext {
    fn default() -> Self {
        Self::new(ids::trace_id(), ids::span_id())
    }
}

impl From<SentryTrace> for TracePropagationContext {
    fn from(trace: SentryTrace) -> Self {
        Self { trace, incoming: Some(Arc::default()), whose: Whose::Work }
    }
}

impl PartialEq for TracePropagationContext {
    fn eq(&self, other: &Self) -> bool {
        let nothing = DynamicSamplingContext::default();
        let [ours, theirs] = [self, other].map(|context| context.incoming.as_deref().unwrap_or(&nothing));
        self.trace == other.trace && ours == theirs
    }
}

// What came in holds the public key of its sender.
impl fmt::Debug for TracePropagationContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracePropagationContext")
            .field("trace", &self.trace)
            .field("continued", &self.incoming.is_some())
            .finish_non_exhaustive()
    }
}

/// Why headers name no trace.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum HeaderParseError {
    /// There is a `sentry-trace` header, and it is not valid.
    Invalid,
    /// There is no `sentry-trace` header.
    Missing,
}

impl fmt::Display for HeaderParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "the sentry-trace header is invalid",
            Self::Missing => "there is no sentry-trace header",
        })
    }
}

impl Error for HeaderParseError {}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1";

    fn parse(headers: &[(&str, &str)]) -> Result<TracePropagationContext, HeaderParseError> {
        TracePropagationContext::try_from_headers(headers.iter().copied())
    }

    #[test]
    fn errors_tell_missing_from_invalid() {
        assert!(matches!(parse(&[]), Err(HeaderParseError::Missing)));
        assert!(matches!(parse(&[("baggage", "sentry-a=b")]), Err(HeaderParseError::Missing)));
        assert!(matches!(parse(&[("sentry-trace", "x")]), Err(HeaderParseError::Invalid)));
        assert!(matches!(parse(&[("sentry-trace", "")]), Err(HeaderParseError::Invalid)));
        assert!(parse(&[("sentry-trace", TRACE), ("sentry-trace", "x")]).is_ok());
        assert!(parse(&[("sentry-trace", "x"), ("SENTRY-TRACE", TRACE)]).is_ok());
    }

    #[test]
    fn baggage_is_passed_on_as_it_came() {
        let context = parse(&[
            ("sentry-trace", TRACE),
            ("Baggage", "vendor=1,sentry-release=theirs%401"),
            ("baggage", "sentry-unknown=x,sentry-release=later"),
        ])
        .unwrap();
        let headers: Vec<_> = context.iter_headers().collect();
        assert_eq!(headers[0], ("sentry-trace", TRACE.to_owned()));
        assert_eq!(headers[1], ("baggage", "sentry-release=later,sentry-unknown=x".to_owned()));
        assert_eq!(context.dsc(&ClientOptions::default()).get("unknown"), Some("x"));
    }

    #[test]
    fn nothing_is_invented_for_a_trace_that_came_without_baggage() {
        let context = parse(&[("sentry-trace", TRACE)]).unwrap();
        let options = ClientOptions::new().release("ours@1");
        assert_eq!(context.dsc(&options), DynamicSamplingContext::default());
        assert_eq!(context.iter_headers().len(), 1);
    }

    #[test]
    fn a_trace_of_strangers_is_not_continued() {
        let options = ClientOptions::new().org_id(1.into());
        let continued = |baggage, strict| {
            let headers = [("sentry-trace", TRACE), ("baggage", baggage)];
            let options = options.clone().strict_trace_continuation(strict);
            TracePropagationContext::continued(headers, &options).is_some()
        };
        assert!(continued("sentry-org_id=1", true) && continued("", false));
        assert!(!continued("sentry-org_id=2", false) && !continued("", true));
        assert!(TracePropagationContext::continued([("baggage", "sentry-org_id=1")], &options).is_none());
    }

    #[test]
    fn a_trace_of_our_own_is_undecided() {
        let options = ClientOptions::new()
            .dsn("https://public@o7.host.example/1")
            .release("ours@1")
            .environment("test");
        let context = TracePropagationContext::default();
        let dsc = context.dsc(&options);
        let expected = [
            ("trace_id", Some(&*context.trace_id().to_string())),
            ("public_key", Some("public")),
            ("release", Some("ours@1")),
            ("environment", Some("test")),
            ("org_id", Some("7")),
            ("sampled", None),
            ("sample_rate", None),
            ("transaction", None),
        ]
        .map(|(key, value)| (key, value.map(str::to_owned)));
        for (key, value) in expected {
            assert_eq!(dsc.get(key), value.as_deref(), "{key}");
        }
        assert!(dsc.get("sample_rand").is_some());
        assert_eq!(context.sentry_trace_header().matches('-').count(), 1, "no flag");
    }

    #[test]
    fn contexts_are_equal_by_what_they_say() {
        let context = parse(&[("sentry-trace", TRACE)]).unwrap();
        let built = TracePropagationContext::new(context.trace_id(), context.span_id()).with_sampled(true);
        assert_eq!(context, built);
        assert_ne!(context, parse(&[("sentry-trace", TRACE), ("baggage", "sentry-a=b")]).unwrap());
        assert_ne!(context, TracePropagationContext::default());
    }
}
