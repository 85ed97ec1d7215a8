//! TLS by the platform library.

use reqwest::ClientBuilder;

use crate::sender::SendError;

/// The TLS settings.
pub(super) struct Tls {
    accept_any: bool,
}

impl Tls {
    pub(super) const AVAILABLE: bool = true;

    pub(super) fn new(_needed: bool, accept_any: bool) -> Self {
        Self { accept_any }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the rustls twin of this file can fail")]
    pub(super) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, SendError> {
        Ok(builder.tls_backend_native().tls_danger_accept_invalid_certs(self.accept_any))
    }
}
