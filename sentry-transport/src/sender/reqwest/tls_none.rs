//! No TLS: plain `http` servers only.

use reqwest::ClientBuilder;

use sentry_core::options::HttpOptions;

use crate::sender::SendError;

/// Nothing to configure.
pub(super) struct Tls;

impl Tls {
    pub(super) const AVAILABLE: bool = false;

    pub(super) fn new(_needed: bool, _accept_any: bool, _http: &HttpOptions) -> Self {
        Self
    }

    pub(super) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, SendError> {
        Ok(builder)
    }
}
