//! Telling a transport that sleeps that there is something to report.

use std::fmt;
use std::sync::{Arc, RwLock};

use crate::process::Held;
use crate::suppress::guarded;
use crate::sync::{read, write};

/// Is called when the first loss since the last report is recorded, on the thread that has lost something.
pub type OnPending = Arc<dyn Fn() + Send + Sync>;

/// Holds the function of the transport.
#[derive(Default)]
pub(super) struct Alarm(RwLock<Option<OnPending>>);

impl Alarm {
    /// For a fork.
    pub(super) fn hold<'a>(&'a self, held: &mut Held<'a>) {
        held.write(&self.0);
    }

    pub(super) fn set(&self, function: OnPending) {
        let previous = write(&self.0).replace(function);
        // Outside the lock, as a call is.
        drop(previous);
    }

    #[cold]
    pub(super) fn ring(&self) {
        let function = read(&self.0).clone();
        if let Some(function) = function {
            let _ = guarded("transport", || function());
        }
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Alarm").finish()
    }
}
