//! How a trace gets from one service to the next.
//!
//! ```text
//! sentry-trace: <trace id>-<span id>[-<0|1>]      ─┐
//! baggage: sentry-release=…,sentry-org_id=…,…      ─┴─► TracePropagationContext ──► TransactionContext
//! ```

pub(super) mod baggage;
mod context;
mod continuation;
mod headers;
mod sentry_trace;

pub use self::baggage::merge as merge_baggage;
pub use self::context::{HeaderParseError, TracePropagationContext};
pub(super) use self::continuation::continues;
pub(crate) use self::headers::traceparent;
pub use self::headers::{TraceHeader, TraceHeadersIter};
pub use self::sentry_trace::{SentryTrace, parse_headers};
