//! TLS by rustls. With the feature `rustls` ring is named outright: no process-wide provider is needed, and none that the
//! application installed gets in the way. With `rustls-no-provider` alone it is the application's. Every sender that lets us
//! choose its TLS uses this, so that they trust the same authorities.

use std::borrow::Cow;
use std::sync::Arc;

use once_cell::sync::OnceCell;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;
use sentry_core::options::HttpOptions;

use super::SendError;

/// The TLS configuration, made when it is first needed: it outlives the clients built from it.
pub(super) struct Tls {
    needed: bool,
    accept_any: bool,
    authorities: Vec<Cow<'static, [u8]>>,
    identity: Option<Cow<'static, [u8]>>,
    config: OnceCell<Arc<ClientConfig>>,
}

impl Tls {
    /// Does not read certificates yet.
    pub(super) fn new(needed: bool, accept_any: bool, http: &HttpOptions) -> Self {
        Self {
            needed,
            accept_any,
            authorities: http.ca_certificates.clone(),
            identity: http.client_identity.clone(),
            config: OnceCell::new(),
        }
    }

    /// The configuration, without protocols to choose from.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, SendError> {
        self.config.get_or_try_init(|| self.build().map(Arc::new)).cloned()
    }

    /// The configuration, unless all that will be asked for is plain `http`.
    #[cfg(feature = "ureq")]
    pub(super) fn config_if_needed(&self) -> Result<Option<Arc<ClientConfig>>, SendError> {
        self.needed.then(|| self.config()).transpose()
    }

    fn build(&self) -> Result<ClientConfig, SendError> {
        let refused = |error: Error| SendError::setup().with_source(error);
        let provider = provider()?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(refused)?;
        if !self.needed {
            // Reading the certificate store costs milliseconds that a plain http server need not pay.
            return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
        }
        let verifier: Arc<dyn ServerCertVerifier> = if self.accept_any {
            Arc::new(AcceptAny(provider))
        } else {
            let authorities =
                self.authorities.iter().map(|pem| certificates(pem)).collect::<Result<Vec<_>, _>>()?;
            Arc::new(
                Verifier::new_with_extra_roots(authorities.into_iter().flatten(), provider)
                    .map_err(refused)?,
            )
        };
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        Ok(match &self.identity {
            Some(pem) => {
                let key = PrivateKeyDer::from_pem_slice(pem).map_err(unreadable)?;
                builder.with_client_auth_cert(certificates(pem)?, key).map_err(refused)?
            }
            None => builder.with_no_client_auth(),
        })
    }
}

/// What encrypts.
#[cfg(feature = "rustls")]
#[expect(clippy::unnecessary_wraps, reason = "that of the application may be missing")]
fn provider() -> Result<Arc<CryptoProvider>, SendError> {
    Ok(Arc::new(rustls::crypto::ring::default_provider()))
}

/// What encrypts: what the application installed. It may do so later, so this is no reason to give up.
#[cfg(not(feature = "rustls"))]
fn provider() -> Result<Arc<CryptoProvider>, SendError> {
    CryptoProvider::get_default().cloned().ok_or_else(|| {
        SendError::connect().with_source(
            "no provider of rustls is installed in this process: call `CryptoProvider::install_default`, or use the \
             feature `rustls` instead of `rustls-no-provider`",
        )
    })
}

/// All certificates in `pem`; none at all is a mistake.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SendError> {
    let certificates =
        CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    if certificates.is_empty() { Err(unreadable(pem::Error::NoItemsFound)) } else { Ok(certificates) }
}

fn unreadable(error: pem::Error) -> SendError {
    SendError::setup()
        .with_source(format!("a certificate or key of the options is not readable PEM: {error}"))
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
