//! TLS by rustls, with ring named outright: no process-wide provider is needed, and none that the application installed
//! gets in the way.

use std::sync::Arc;

use once_cell::sync::OnceCell;
use reqwest::ClientBuilder;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::sender::SendError;

/// The TLS configuration, made when it is first needed: it outlives the clients built from it.
pub(super) struct Tls {
    needed: bool,
    accept_any: bool,
    config: OnceCell<ClientConfig>,
}

impl Tls {
    pub(super) const AVAILABLE: bool = true;

    pub(super) fn new(needed: bool, accept_any: bool) -> Self {
        Self { needed, accept_any, config: OnceCell::new() }
    }

    pub(super) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, SendError> {
        let config = self.config.get_or_try_init(|| self.build());
        let config = config.map_err(|error| SendError::setup().with_source(error))?;
        Ok(builder.tls_backend_preconfigured(config.clone()))
    }

    fn build(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        if !self.needed {
            // Reading the certificate store costs milliseconds that a plain http server need not pay.
            return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
        }
        let verifier: Arc<dyn ServerCertVerifier> =
            if self.accept_any { Arc::new(AcceptAny(provider)) } else { Arc::new(Verifier::new(provider)?) };
        Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }
}

/// `accept_invalid_certs`: the application asked for it.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
