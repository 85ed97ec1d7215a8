//! Layers for `tower`: each request has a hub of its own, and with the feature `http` a trace and a transaction.
//!
//! ```text
//! request ─► SentryLayer ─► SentryHttpLayer ─► … ─► handler
//!            a hub          sentry-trace, baggage ─► trace
//!                           GET /users/{id}       ─► transaction, request of events, session
//! ```
//!
//! [`NewSentryLayer`] is for any service; [`SentryHttpLayer`] for those that answer HTTP requests. The latter does no harm
//! without the former, and in any order: what one request sets, no other sees.
//!
//! ```
//! use sentry_integrations::tower::NewSentryLayer;
//! use tower_layer::Layer;
//!
//! # struct Handler;
//! let layer = NewSentryLayer::<String>::new_from_top();
//! let service = layer.layer(Handler);
//! ```
//!
//! With `axum` the layers go around the router, the outer one last:
//!
//! ```text
//! Router::new()
//!     .route("/users/{id}", get(user))
//!     .layer(SentryHttpLayer::new().enable_transaction())
//!     .layer(NewSentryLayer::<Request>::new_from_top())
//! ```

#[cfg(feature = "http")]
mod http;
mod layer;
mod provider;
mod service;

#[cfg(feature = "http")]
pub use self::http::{SentryHttpFuture, SentryHttpLayer, SentryHttpService};
pub use self::layer::{NewSentryLayer, SentryLayer};
pub use self::provider::{HubProvider, NewFromTopProvider};
pub use self::service::{NewSentryService, SentryService};

#[cfg(test)]
mod tests;
