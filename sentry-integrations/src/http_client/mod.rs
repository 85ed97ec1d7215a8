//! Requests to other services: each has a span, carries the trace on, and leaves a breadcrumb.
//!
//! ```text
//! request ─► HttpCall::begin ─► span http.client, headers sentry-trace and baggage ─► … ─► answered, failed or dropped
//!                               (none for requests to the server of the SDK itself)         status, breadcrumb, event
//! ```
//!
//! [`HttpCall`] does it for any client; what stands around it fits those that are used most:
//!
//! * `reqwest`: `client.get(url).send_traced()` instead of `send()`, with the feature `http-client-reqwest`;
//! * `tower` services that send `http::Request`s, such as the clients of `hyper-util` and `tonic`: a layer, with the feature
//!   `tower`.
//!
//! ```
//! use http::{HeaderMap, Method, StatusCode};
//! use sentry_core::protocol::EnvelopeItem;
//! use sentry_core::{ClientOptions, TransactionContext};
//! use sentry_integrations::http_client::HttpCall;
//!
//! let envelopes = sentry_core::test::with_captured_envelopes_options(|| {
//!     let transaction = sentry_core::start_transaction(TransactionContext::new("order", "task"));
//!     sentry_core::configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
//!
//!     let mut headers = HeaderMap::new();
//!     let call = HttpCall::begin(&Method::GET, "https://stock.example/items/7?lang=en", &mut headers);
//!     assert!(headers.contains_key("sentry-trace"));
//!     // … the request is sent, and an answer comes …
//!     call.answered(StatusCode::NOT_FOUND, &HeaderMap::new());
//!     transaction.finish();
//! }, ClientOptions::new().traces_sample_rate(1.0));
//! let Some(EnvelopeItem::Transaction(transaction)) = envelopes[0].items().next() else { panic!() };
//! assert_eq!(transaction.spans[0].description.as_deref(), Some("GET https://stock.example/items/7"));
//! assert_eq!(transaction.spans[0].data["http.response.status_code"], 404);
//! ```
//!
//! A request outside of any span has none either: it would be one without a parent. It carries the trace of the scope all the
//! same. `trace_propagation_targets` says which requests carry it. A span ends with the head of the answer. Answers that are
//! failures become events where an [`HttpClientIntegration`] asks for that.

mod call;
mod failure;
mod integration;
#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "http-client-reqwest")]
mod reqwest;
#[cfg(feature = "tower")]
mod service;
mod target;

pub use self::call::HttpCall;
pub use self::integration::HttpClientIntegration;
#[cfg(feature = "tower")]
pub use self::layer::SentryHttpClientLayer;
#[cfg(feature = "http-client-reqwest")]
pub use self::reqwest::{SendTraced, execute};
#[cfg(feature = "tower")]
pub use self::service::{SentryHttpClientFuture, SentryHttpClientService};

#[cfg(test)]
mod tests;
