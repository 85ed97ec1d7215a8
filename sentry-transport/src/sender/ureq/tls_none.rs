//! No TLS: plain `http` servers only.

use std::io;

use sentry_core::options::HttpOptions;

use super::secure::Wire;
use crate::sender::SendError;

/// What is never made.
pub(super) type Stream = Wire;

/// Nothing to configure.
pub(super) struct Tls;

impl Tls {
    pub(super) const AVAILABLE: bool = false;

    pub(super) fn new(_needed: bool, _accept_any: bool, _http: &HttpOptions) -> Self {
        Self
    }

    pub(super) fn prepare(&self) -> Result<Handshake, SendError> {
        Ok(Handshake)
    }
}

/// Refuses every connection.
pub(super) struct Handshake;

impl Handshake {
    pub(super) fn run(&self, _host: &str, _wire: Wire) -> io::Result<Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

pub(super) fn wire(stream: &mut Stream) -> &mut Wire {
    stream
}
