//! Where nothing of this exists yet: everything compiles, and says so.

use std::io;
use std::sync::Arc;

use sentry_core::{Client, LastRun, diagnostics};

pub(super) fn start(_client: &Arc<Client>) -> LastRun {
    diagnostics::warn_once("crash-handler", || "native crashes are not captured on this platform".to_owned());
    LastRun::Unknown
}

pub(super) fn stop(_client: &Client) {}

pub(super) fn forget(_client: &Client) {}

pub(super) fn protect_thread() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn panic_was_reported(_addresses: &[usize]) {}

/// Takes stacks of other threads.
#[cfg(feature = "hang")]
#[derive(Default)]
pub(crate) struct Stacks;

/// What came of it.
#[cfg(feature = "hang")]
#[expect(dead_code, reason = "nothing ever comes of it")]
pub(crate) enum Taken {
    /// Return addresses, innermost first.
    Stack(Box<[usize]>),
    /// There is no such thread.
    NoThread,
}

#[cfg(feature = "hang")]
impl Stacks {
    /// None, here.
    pub(crate) fn take(&mut self, _thread: u32) -> Option<Taken> {
        None
    }
}
