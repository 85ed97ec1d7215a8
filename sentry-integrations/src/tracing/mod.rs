//! Layers for `tracing`: its spans become spans, its events become breadcrumbs, errors and logs.
//!
//! ```text
//! tracing span   ─► SpanLayer        ─► span (or transaction, where nothing is above it)
//! tracing event  ─► ErrorLayer       ─► event          error! by default
//!                ─► BreadcrumbLayer  ─► breadcrumb     info! and warn!
//!                ─► LogLayer         ─► structured log
//! ```
//!
//! [`layer`] is all of them in one, with thresholds that hold for most applications. The single layers have no thresholds
//! of their own: each takes a filter of `tracing-subscriber`, which then does not concern the others.
//!
//! # Fields with a meaning
//!
//! | field | on | does |
//! |---|---|---|
//! | `sentry.name` | spans | names the transaction, describes the span |
//! | `otel.name` | spans | the same, where nothing better is known: the text of a query, a URL, a route |
//! | `sentry.op` | spans | sets the operation |
//! | `sentry.trace` | spans | continues a trace: the value of a `sentry-trace` header |
//! | `tags.<name>` | spans, events | sets a tag |
//! | `error`, `err`, `exception`, and whatever is a `dyn Error` | events | becomes an exception, with all its sources; a report, as `?error` is of `anyhow` and `eyre`, with its backtrace |
//! | `db.system`, `db.statement`, `db.query.text` | spans | make it a query; the values in its text are left out |
//! | `http.request.method`, `http.method` | spans | make it a request: made or served as `otel.kind` says, else made if there is a whole URL and nothing that only a server knows |
//! | `http.route` | spans | names a request that is served |
//! | `http.response.status_code`, `http.status_code` | spans | set the status of a request |
//! | `otel.status_code` | spans | `ERROR` sets the status |
//! | `http.url`, `url.full`, `http.target` | spans | shown as far as the options for data collection allow |
//!
//! # Spans
//!
//! A span belongs to the one that `tracing` says is its parent, whichever thread it runs on. While it is entered, whatever is
//! captured belongs to it; scopes are left alone, so what is set in an instrumented function stays when it returns.
//! Sampling is decided before a field is looked at.
//!
//! ```
//! use tracing_subscriber::prelude::*;
//!
//! let subscriber = tracing_subscriber::registry().with(sentry_integrations::tracing::layer());
//! let events = sentry_core::test::with_captured_events(|| {
//!     tracing::subscriber::with_default(subscriber, || {
//!         tracing::info!(user = 7, "signed in");
//!         tracing::error!("it broke");
//!     });
//! });
//! assert_eq!(events[0].message.as_deref(), Some("it broke"));
//! assert_eq!(events[0].breadcrumbs[0].data["user"], 7);
//! ```

mod asked;
mod callsite;
mod content;
mod convert;
mod event;
mod fields;
mod filter;
mod followed;
mod home;
mod kept_fields;
mod label;
mod layers;
mod legacy;
#[cfg_attr(not(feature = "logs"), path = "no_log.rs")]
mod log;
mod mapping;
mod noted;
mod quoted;
mod report;
mod spans;
mod transaction;

pub use self::convert::{breadcrumb_from_event, event_from_event, log_from_event};
pub use self::filter::{EventFilter, default_event_filter, default_span_filter};
pub use self::layers::{BreadcrumbLayer, ErrorLayer, LogLayer, SpanLayer};
pub use self::legacy::{SentryLayer, layer};
pub use self::mapping::{CombinedEventMapping, EventMapping};

#[cfg(test)]
mod event_tests;
#[cfg(test)]
mod followed_tests;
#[cfg(test)]
mod instrumented_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unsampled_tests;
#[cfg(all(test, feature = "logs"))]
mod visit_tests;
