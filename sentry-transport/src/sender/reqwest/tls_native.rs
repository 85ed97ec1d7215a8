//! TLS by the platform library.

use std::borrow::Cow;

use reqwest::{Certificate, ClientBuilder, Identity};
use sentry_core::options::HttpOptions;

use crate::sender::SendError;
use crate::sender::pem::private_key;

/// The TLS settings.
pub(super) struct Tls {
    accept_any: bool,
    authorities: Vec<Cow<'static, [u8]>>,
    identity: Option<Cow<'static, [u8]>>,
}

impl Tls {
    pub(super) const AVAILABLE: bool = true;

    pub(super) fn new(_needed: bool, accept_any: bool, http: &HttpOptions) -> Self {
        Self { accept_any, authorities: http.ca_certificates.clone(), identity: http.client_identity.clone() }
    }

    pub(super) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, SendError> {
        let unreadable = |error: reqwest::Error| SendError::setup().with_source(error.without_url());
        let mut authorities = Vec::new();
        for pem in &self.authorities {
            authorities.extend(Certificate::from_pem_bundle(pem).map_err(unreadable)?);
        }
        let mut builder = builder
            .tls_backend_native()
            .tls_danger_accept_invalid_certs(self.accept_any)
            .tls_certs_merge(authorities);
        if let Some(pem) = &self.identity {
            builder = builder.identity(Identity::from_pkcs8_pem(pem, private_key(pem)).map_err(unreadable)?);
        }
        Ok(builder)
    }
}
