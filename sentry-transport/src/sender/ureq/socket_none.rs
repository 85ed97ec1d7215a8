//! A system without unix sockets.

use std::path::PathBuf;

use sentry_core::diagnostics;
use ureq::Error;
use ureq::unversioned::transport::{ConnectionDetails, Connector};

/// Leaves it to the others.
#[derive(Debug)]
pub(super) struct Socket;

impl Socket {
    pub(super) fn new(path: Option<&PathBuf>) -> Self {
        if path.is_some() {
            diagnostics::warn_once("unix socket", || {
                "this system has no unix sockets: the address of the DSN is used".into()
            });
        }
        Self
    }
}

impl Connector for Socket {
    type Out = ();

    fn connect(&self, _: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<()>, Error> {
        Ok(None)
    }
}
