//! Pops what `push_scope` pushed.

use std::fmt;
use std::sync::Arc;

use crate::hub::{HubState, Pushed};
use crate::sync::lock;
use crate::watch;

/// Pops the scope pushed by [`Hub::push_scope`](crate::Hub::push_scope) when dropped.
///
/// Dropped out of order it pops the scopes above its own as well, whose guards then have nothing left to do.
#[derive(Default)]
#[must_use = "dropping the guard pops the scope"]
pub struct ScopeGuard(pub(crate) Option<(Arc<std::sync::Mutex<HubState>>, Pushed)>);

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        if let Some((state, pushed)) = self.0.take() {
            let popped = lock(&state).pop(pushed);
            // Dropped outside the lock: a scope may own values with destructors of the user's.
            drop(popped);
            watch::note(&state);
        }
    }
}

impl fmt::Debug for ScopeGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScopeGuard")
    }
}
