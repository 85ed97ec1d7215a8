//! A look at a hub for what is too small to take a share in anything.

use std::sync::Arc;

use crate::client::Client;
use crate::hub::Hub;
use crate::hub::current::with_current;
use crate::scope::{ScopeData, View, global_layer};
use crate::sync::lock;
use crate::trace::TransactionOrSpan;
use crate::{client, suppress};

/// What was shared nevertheless. Dropped when nothing of ours is held or borrowed: it may have destructors of the user's.
type Shared = (Option<Arc<ScopeData>>, Option<Arc<TransactionOrSpan>>);

/// Calls `look` with the client and the scopes of the current hub, if a capture would lead anywhere. The hub is locked
/// meanwhile: no code of the user's may run in there.
#[inline]
pub(crate) fn glance<R>(mut look: impl FnMut(&Client, &View<'_>) -> R) -> Option<R> {
    if !client::any_live() || suppress::is_suppressed() {
        return None;
    }
    // Neither is moved: what has just been written in parts and is then read as a whole is waited for.
    let mut shared = (None, None);
    with_current(|hub| hub.glance(&mut look, &mut shared)).flatten()
}

impl Hub {
    #[inline]
    fn glance<R>(&self, look: &mut impl FnMut(&Client, &View<'_>) -> R, shared: &mut Shared) -> Option<R> {
        let mut state = lock(&self.state);
        *shared = (global_layer(), self.ambient(&mut state));
        let (binding, scope) = state.parts();
        let view = scope.view(shared.0.as_deref(), shared.1.as_deref());
        binding.with_client(|client| client.is_enabled().then(|| look(client, &view))).flatten()
    }
}
