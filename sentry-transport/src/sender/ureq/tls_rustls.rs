//! TLS by rustls.

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use sentry_core::options::HttpOptions;

use super::secure::Wire;
use crate::sender::{SendError, tls};

/// A connection after its handshake.
pub(super) type Stream = StreamOwned<ClientConnection, Wire>;

/// The TLS settings.
pub(super) struct Tls(tls::Tls);

impl Tls {
    pub(super) const AVAILABLE: bool = true;

    pub(super) fn new(needed: bool, accept_any: bool, http: &HttpOptions) -> Self {
        Self(tls::Tls::new(needed, accept_any, http))
    }

    pub(super) fn prepare(&self) -> Result<Handshake, SendError> {
        self.0.config_if_needed().map(Handshake)
    }
}

/// Turns connections into secure ones.
pub(super) struct Handshake(Option<Arc<ClientConfig>>);

impl Handshake {
    pub(super) fn run(&self, host: &str, mut wire: Wire) -> io::Result<Stream> {
        let Some(config) = &self.0 else { return Err(io::ErrorKind::Unsupported.into()) };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let mut connection = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        connection.complete_io(&mut wire)?;
        Ok(StreamOwned::new(connection, wire))
    }
}

pub(super) fn wire(stream: &mut Stream) -> &mut Wire {
    stream.get_mut()
}
