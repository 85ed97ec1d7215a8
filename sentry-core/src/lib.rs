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
mod breadcrumbs;
mod client;
pub mod client_report;
pub mod clock;
pub mod diagnostics;
pub mod envelope;
mod error;
mod hub;
mod integration;
mod intodsn;
mod lean;
mod macros;
mod nesting;
pub mod options;
mod outbound;
pub mod process;
pub mod protocol;
mod rng;
mod scope;
mod size;
pub mod stacktrace;
mod suppress;
mod sync;
mod telemetry;
#[cfg(any(test, feature = "test"))]
pub mod test;
mod trace;
mod transport;
pub mod types;
pub mod utils;

pub use crate::api::*;
pub use crate::breadcrumbs::IntoBreadcrumbs;
pub use crate::client::{Client, Flush, bind_process_client};
pub use crate::client_report::{Dropped, Stats};
pub use crate::error::{ErrorLink, event_from_error, parse_type_from_debug};
pub use crate::hub::{Hub, HubSwitchGuard, SentryFuture, SentryFutureExt};
pub use crate::integration::{AsAny, Integration};
pub use crate::intodsn::IntoDsn;
pub use crate::lean::{Gist, LeanEvent, Outermost};
pub use crate::options::{
    BeforeCallback, ClientOptions, EventSamplingStrategy, MaxRequestBodySize, OptionsError, SessionMode,
    TracesSampler, TracesSamplingStrategy, TryIntoOptions,
};
pub use crate::outbound::{Class, Durability, Finish, Lane, Outbound, OutboundItem};
pub use crate::protocol::{Breadcrumb, Envelope, Level, User};
pub use crate::scope::{Scope, ScopeGuard, ScopeSnapshot, configure_global_scope};
pub use crate::stacktrace::{RawStack, StackSource};
pub use crate::suppress::{is_suppressed, suppress};
pub use crate::telemetry::{Telemetry, TelemetryKind};
pub use crate::trace::{
    CustomTransactionContext, Data, HeaderParseError, SentryTrace, Span, TraceHeader, TraceHeadersIter,
    TracePropagationContext, Transaction, TransactionContext, TransactionContextBuilder, TransactionData,
    TransactionOrSpan, parse_headers,
};
pub use crate::transport::{Transport, TransportFactory, TransportOptions};
