//! The layer for services that send requests.

use tower_layer::Layer;

use super::SentryHttpClientService;

/// Watches the requests of a `tower` service that sends them: a client of `hyper-util`, a channel of `tonic`.
///
/// ```
/// use sentry_integrations::http_client::SentryHttpClientLayer;
/// use tower_layer::Layer;
///
/// # struct Connector;
/// let client = SentryHttpClientLayer::new().layer(Connector);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SentryHttpClientLayer(());

impl SentryHttpClientLayer {
    /// The layer.
    #[must_use]
    pub fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for SentryHttpClientLayer {
    type Service = SentryHttpClientService<S>;

    fn layer(&self, service: S) -> Self::Service {
        SentryHttpClientService { service }
    }
}
