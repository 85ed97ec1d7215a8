//! The layer for services that answer HTTP requests.

use tower_layer::Layer;

use super::SentryHttpService;

/// Continues traces, makes transactions, and lets events tell the request they happened in.
///
/// Each request has the trace that it brings along, or one of its own. Events tell its method, its URL and its headers, as
/// far as `data_collection` or `send_default_pii` of the client permit. With `auto_session_tracking` and the session mode
/// `Request`, each is counted as a session.
#[derive(Clone, Copy, Debug, Default)]
pub struct SentryHttpLayer {
    pub(super) with_transaction: bool,
    pub(super) with_pii: bool,
}

impl SentryHttpLayer {
    /// The layer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The layer, with transactions.
    #[deprecated = "use `SentryHttpLayer::new().enable_transaction()`"]
    #[must_use]
    pub fn with_transaction() -> Self {
        Self::new().enable_transaction()
    }

    /// Makes a transaction of each request.
    #[must_use]
    pub fn enable_transaction(self) -> Self {
        Self { with_transaction: true, ..self }
    }

    /// Lets events tell what may identify a person, such as addresses in headers, whatever the options of the client say.
    /// Secrets are taken out nonetheless.
    #[must_use]
    pub fn enable_pii(self) -> Self {
        Self { with_pii: true, ..self }
    }
}

impl<S> Layer<S> for SentryHttpLayer {
    type Service = SentryHttpService<S>;

    fn layer(&self, service: S) -> Self::Service {
        SentryHttpService { service, layer: *self }
    }
}
