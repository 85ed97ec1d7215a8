//! A look at a hub for what is too small to take a share in anything.

use std::sync::Arc;

#[cfg(feature = "logs")]
use crate::breadcrumbs::{Brief, Kept};
use crate::client::Client;
use crate::hub::current::with_current;
use crate::hub::outside::Outside;
use crate::hub::{Hub, HubState};
use crate::scope::{ScopeData, View, global_layer};
use crate::sync::lock;
use crate::trace::TransactionOrSpan;
use crate::{client, suppress};

/// What was shared nevertheless. Dropped when nothing of ours is held or borrowed: it may have destructors of the user's.
type Shared = (Option<Arc<ScopeData>>, Option<Arc<TransactionOrSpan>>, Option<Outside>);

/// What else is done while the hub is locked.
pub(crate) trait Besides {
    /// Before that, with the client.
    fn look(&mut self, client: &Client);

    /// Tells whether it has done something.
    fn change(&mut self, state: &mut HubState) -> bool;
}

/// Nothing.
impl Besides for () {
    #[inline]
    fn look(&mut self, _: &Client) {}

    #[inline]
    fn change(&mut self, _: &mut HubState) -> bool {
        false
    }
}

/// A breadcrumb that is added on the way, unless somebody has to see it first.
#[cfg(feature = "logs")]
pub(crate) struct Note {
    crumb: Option<Kept>,
    /// How many breadcrumbs are kept.
    max: usize,
    /// What is left is the one that had to make room for it.
    is_added: bool,
}

#[cfg(feature = "logs")]
impl Note {
    #[inline]
    pub(crate) fn new(breadcrumb: Brief) -> Self {
        Self { crumb: Some(Kept::Brief(breadcrumb)), max: 0, is_added: false }
    }

    /// Adds it, if there was no way to do so.
    #[inline]
    pub(crate) fn finish(mut self) {
        if self.is_added { Brief::reuse(&mut self.crumb) } else { Kept::add(self.crumb) }
    }
}

#[cfg(feature = "logs")]
impl Besides for Note {
    #[inline]
    fn look(&mut self, client: &Client) {
        let options = client.options();
        self.max = if options.before_breadcrumb.is_none() { options.max_breadcrumbs } else { 0 };
    }

    #[inline]
    fn change(&mut self, state: &mut HubState) -> bool {
        if self.max > 0 {
            state.fresh.push(&mut self.crumb, self.max);
            self.is_added = true;
        }
        self.is_added
    }
}

/// Calls `look` with the client and the scopes of the current hub, if a capture would lead anywhere. The hub is locked
/// meanwhile: no code of the user's may run in there.
#[cfg(feature = "metrics")]
#[inline]
pub(crate) fn glance<R>(look: impl FnMut(&Client, &View<'_>) -> R) -> Option<R> {
    glance_besides(look, &mut ())
}

/// The same, and does what is to be done `besides`.
#[inline]
pub(crate) fn glance_besides<R>(
    mut look: impl FnMut(&Client, &View<'_>) -> R,
    besides: &mut impl Besides,
) -> Option<R> {
    if !client::any_live() || suppress::is_suppressed() {
        return None;
    }
    // Neither is moved: what has just been written in parts and is then read as a whole is waited for.
    let mut shared = (None, None, None);
    with_current(|hub| hub.glance(&mut look, &mut shared, besides)).flatten()
}

impl Hub {
    #[inline]
    fn glance<R>(
        &self,
        look: &mut impl FnMut(&Client, &View<'_>) -> R,
        shared: &mut Shared,
        besides: &mut impl Besides,
    ) -> Option<R> {
        shared.2 = Outside::now();
        let mut state = lock(&self.state);
        shared.0 = global_layer();
        shared.1 = self.ambient(&mut state, &shared.2);
        let (binding, scope) = state.parts();
        let view = scope.view(shared.0.as_deref(), shared.1.as_deref());
        let look = |client: &Client| {
            client.is_enabled().then(|| {
                besides.look(client);
                look(client, &view)
            })
        };
        let result = binding.with_client(look).flatten();
        if besides.change(&mut state) {
            drop(state);
            self.note_change();
        }
        result
    }
}
