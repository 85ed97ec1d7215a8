//! TLS by the platform library.

use std::borrow::Cow;
use std::io;

use native_tls::{Certificate, HandshakeError, Identity, TlsConnector, TlsStream};
use sentry_core::options::HttpOptions;

use super::secure::Wire;
use crate::sender::SendError;
use crate::sender::pem::private_key;

/// A connection after its handshake.
pub(super) type Stream = TlsStream<Wire>;

/// The TLS settings.
pub(super) struct Tls {
    needed: bool,
    accept_any: bool,
    authorities: Vec<Cow<'static, [u8]>>,
    identity: Option<Cow<'static, [u8]>>,
}

impl Tls {
    pub(super) const AVAILABLE: bool = true;

    pub(super) fn new(needed: bool, accept_any: bool, http: &HttpOptions) -> Self {
        Self {
            needed,
            accept_any,
            authorities: http.ca_certificates.clone(),
            identity: http.client_identity.clone(),
        }
    }

    pub(super) fn prepare(&self) -> Result<Handshake, SendError> {
        if !self.needed {
            // Reading the certificate store costs milliseconds that a plain http server need not pay.
            return Ok(Handshake(None));
        }
        let mut builder = TlsConnector::builder();
        builder.danger_accept_invalid_certs(self.accept_any).danger_accept_invalid_hostnames(self.accept_any);
        for pem in &self.authorities {
            let bundle = Certificate::stack_from_pem(pem).map_err(unreadable)?;
            if bundle.is_empty() {
                return Err(SendError::setup().with_source(UNREADABLE));
            }
            for certificate in bundle {
                builder.add_root_certificate(certificate);
            }
        }
        if let Some(pem) = &self.identity {
            builder.identity(Identity::from_pkcs8(pem, private_key(pem)).map_err(unreadable)?);
        }
        builder
            .build()
            .map(|connector| Handshake(Some(connector)))
            .map_err(|error| SendError::setup().with_source(error))
    }
}

const UNREADABLE: &str = "a certificate or key of the options is not readable PEM";

fn unreadable(error: native_tls::Error) -> SendError {
    SendError::setup().with_source(format!("{UNREADABLE}: {error}"))
}

/// Turns connections into secure ones.
pub(super) struct Handshake(Option<TlsConnector>);

impl Handshake {
    pub(super) fn run(&self, host: &str, wire: Wire) -> io::Result<Stream> {
        let Some(connector) = &self.0 else { return Err(io::ErrorKind::Unsupported.into()) };
        connector.connect(host, wire).map_err(|error| match error {
            HandshakeError::Failure(error) => io::Error::other(error),
            HandshakeError::WouldBlock(_) => io::ErrorKind::TimedOut.into(),
        })
    }
}

pub(super) fn wire(stream: &mut Stream) -> &mut Wire {
    stream.get_mut()
}
