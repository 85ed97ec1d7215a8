//! Traces across services.

use std::error::Error;
use std::fmt::{Debug, Display};

use sentry::protocol::{SpanId, TraceId};
use sentry::{HeaderParseError, SentryTrace, TraceHeadersIter, TracePropagationContext};

const _: fn(TraceId, SpanId, Option<bool>) -> SentryTrace = SentryTrace::new;
implements!(SentryTrace: Copy + Debug + Default + Display + PartialEq);

const _: fn(TraceId, SpanId) -> TracePropagationContext = TracePropagationContext::new;
const _: fn(&TracePropagationContext) -> String = TracePropagationContext::sentry_trace_header;
const _: fn(TracePropagationContext, bool) -> TracePropagationContext = TracePropagationContext::with_sampled;
const _: fn([(&'static str, &'static str); 1]) -> Result<TracePropagationContext, HeaderParseError> =
    TracePropagationContext::try_from_headers;
implements!(TracePropagationContext: Clone + Debug + Default + From<SentryTrace> + PartialEq);

implements!(TraceHeadersIter: Iterator);

const _: fn(HeaderParseError) = |value| match value {
    HeaderParseError::Invalid | HeaderParseError::Missing => {}
    _ => {}
};
implements!(HeaderParseError: Clone + Debug + Display + Error);
