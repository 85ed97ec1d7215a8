//! The core of the `sentry` SDK: hub, scopes, capture pipeline and wire types.
//!
//! It does no I/O and knows no runtime. It starts no thread either, but for one while somebody awaits
//! [`Client::flush_async`] or [`Client::close_async`] and something is pending. What it needs from the outside comes through four seams:
//! [`Transport`] (the way out), [`Integration`] (what completes events), [`StackSource`] (backtraces) and [`Finish`]
//! (scrubbing and size limits). Applications use the `sentry` crate; this crate is for authors of integrations and
//! transports.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

mod api;
mod attributes;
mod breadcrumbs;
mod check_in;
mod client;
pub mod client_report;
pub mod clock;
mod consent;
pub mod diagnostics;
pub mod envelope;
mod error;
mod feedback;
mod hint;
mod hub;
mod integration;
mod intodsn;
mod json;
mod last_run;
mod lean;
#[cfg(feature = "logs")]
mod logs;
mod macros;
#[cfg(feature = "metrics")]
pub mod metrics;
mod nesting;
pub mod options;
mod outbound;
pub mod process;
pub mod protocol;
mod result;
mod revival;
mod rng;
mod scope;
mod session;
mod size;
pub mod stacktrace;
mod suppress;
mod sync;
mod telemetry;
#[cfg(any(test, feature = "test"))]
pub mod test;
mod trace;
mod trace_attachment;
mod transport;
pub mod types;
pub mod utils;
pub mod watch;

/// What integrations follow spans with.
#[doc(hidden)]
pub mod __spans {
    pub use crate::hub::{Begins, Outlook, Outside};
    pub use crate::trace::{Above, Asks, Begun, Constants, Kind, Knows, Notes, Place, UnsampledRoot};
}

/// What integrations run code of the application in.
#[doc(hidden)]
pub mod __callbacks {
    pub use crate::client::any_live;
    pub use crate::suppress::{Panicked, caught, guarded};
}

/// What integrations make breadcrumbs with that make many of them.
#[doc(hidden)]
pub mod __breadcrumbs {
    pub use crate::breadcrumbs::{Brief, Scalar};
}

/// What the macros for logs expand to.
#[cfg(feature = "logs")]
#[doc(hidden)]
pub mod __logs {
    pub use crate::attributes::{KeySet, Keys};
    pub use crate::logs::{Any, Draft, Given, Plain, Text, encode, is_plain, is_wanted, name, wants_logs};

    /// For method lookup: one of them is used by each value.
    pub mod kinds {
        pub use crate::logs::{AnyKind, PlainKind, TextKind};
    }
}

pub use crate::api::*;
pub use crate::breadcrumbs::IntoBreadcrumbs;
pub use crate::check_in::{JobOutcome, Monitor, MonitorRun, Monitored, capture_check_in, with_monitor};
pub use crate::client::{Client, ClientEvent, Flush, HookGuard, WeakClient, bind_process_client};
pub use crate::client_report::{Dropped, Stats};
pub use crate::consent::{ConsentGate, ConsentListener, ConsentState};
pub use crate::error::{ErrorLink, event_from_error, parse_type_from_debug};
pub use crate::feedback::{Feedback, capture_feedback};
pub use crate::hint::{Hint, PanicInfo};
pub use crate::hub::{
    Hub, HubSwitchGuard, SentryFuture, SentryFutureExt, ServedRequest, with_isolation_scope,
};
#[cfg(feature = "stream")]
pub use crate::hub::{SentryStream, SentryStreamExt};
pub use crate::integration::{AsAny, Integration};
pub use crate::intodsn::IntoDsn;
pub use crate::last_run::{CrashedRun, LastRun, OnCrashedLastRun, START_UP, START_UP_FLUSH};
pub use crate::lean::{Gist, LeanEvent, Outermost};
pub use crate::options::{
    BeforeCallback, ClientOptions, EventSamplingStrategy, MaxRequestBodySize, OptionsError, SessionMode,
    TracesSampler, TracesSamplingStrategy, TryIntoOptions,
};
pub use crate::outbound::{Class, Durability, Finish, Lane, Outbound, OutboundItem};
pub use crate::protocol::{Breadcrumb, Envelope, Level, User};
pub use crate::result::CaptureErr;
pub use crate::revival::Revival;
pub use crate::scope::{Scope, ScopeGuard, ScopeSnapshot, configure_global_scope};
pub use crate::stacktrace::{RawStack, StackSource};
pub use crate::suppress::{is_suppressed, suppress};
pub use crate::telemetry::{Gathered, Telemetry, TelemetryKind};
pub use crate::trace::{
    CustomTransactionContext, Data, HeaderParseError, RecordedTransaction, RootSpan, SentryTrace, Span,
    TraceHeader, TraceHeadersIter, TracePropagationContext, Transaction, TransactionContext,
    TransactionContextBuilder, TransactionData, TransactionOrSpan, TransactionSource, merge_baggage,
    parse_headers,
};
pub use crate::trace_attachment::{TraceAttachment, capture_trace_attachment};
pub use crate::transport::{Transport, TransportFactory, TransportOptions};
