//! The headers that continue a trace elsewhere.

use std::iter::FusedIterator;

use crate::protocol::DynamicSamplingContext;
use crate::trace::dsc;
use crate::trace::propagation::SentryTrace;

/// The name and the value of a header.
pub type TraceHeader = (&'static str, String);

/// The headers that continue a trace in another service: `sentry-trace`, then `baggage` if there is anything to say.
#[derive(Clone, Debug)]
pub struct TraceHeadersIter {
    sentry_trace: Option<String>,
    baggage: Option<String>,
}

impl TraceHeadersIter {
    pub(in crate::trace) fn new(trace: SentryTrace, dsc: Option<&DynamicSamplingContext>) -> Self {
        Self { sentry_trace: Some(trace.to_string()), baggage: dsc.and_then(dsc::header) }
    }
}

/// A `sentry-trace` header in the form of W3C. What is not decided yet is not sampled there.
pub(crate) fn traceparent(sentry_trace: &str) -> Option<String> {
    let (trace_id, rest) = sentry_trace.split_once('-')?;
    let (span_id, flag) = rest.split_once('-').unwrap_or((rest, "0"));
    Some(format!("00-{trace_id}-{span_id}-{}", if flag == "1" { "01" } else { "00" }))
}

impl Iterator for TraceHeadersIter {
    type Item = TraceHeader;

    fn next(&mut self) -> Option<TraceHeader> {
        let trace = self.sentry_trace.take().map(|value| ("sentry-trace", value));
        trace.or_else(|| self.baggage.take().map(|value| ("baggage", value)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::from(self.sentry_trace.is_some()) + usize::from(self.baggage.is_some());
        (left, Some(left))
    }
}

impl ExactSizeIterator for TraceHeadersIter {}
impl FusedIterator for TraceHeadersIter {}
