//! The way of a transport to the records that wait in a client.

use std::fmt;
use std::sync::Weak;

/// What gathers records.
pub(crate) trait Source: Send + Sync {
    fn hand_over(&self);
}

/// Logs and metrics that wait in a client for a transport that [gathers](crate::Transport::gather).
#[derive(Clone)]
pub struct Gathered(Weak<dyn Source>);

impl Gathered {
    pub(crate) fn new(source: Weak<dyn Source>) -> Self {
        Self(source)
    }

    /// Has the client send all of them now, on this thread. Does nothing when the client is gone: it has sent them then.
    pub fn hand_over(&self) {
        if let Some(source) = self.0.upgrade() {
            source.hand_over();
        }
    }
}

impl fmt::Debug for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathered").finish_non_exhaustive()
    }
}
