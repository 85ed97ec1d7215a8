//! TLS by rustls.

use reqwest::ClientBuilder;
use sentry_core::options::HttpOptions;

use crate::sender::{SendError, tls};

/// The TLS settings.
pub(super) struct Tls(tls::Tls);

impl Tls {
    pub(super) const AVAILABLE: bool = true;

    pub(super) fn new(needed: bool, accept_any: bool, http: &HttpOptions) -> Self {
        Self(tls::Tls::new(needed, accept_any, http))
    }

    pub(super) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, SendError> {
        // Its parts are shared, the memory of sessions among them.
        let mut config = (*self.0.config()?).clone();
        if cfg!(feature = "http2") {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        }
        Ok(builder.tls_backend_preconfigured(config))
    }
}
