//! Hubs: which client and which scopes the code that runs now belongs to.
//!
//! A hub is an isolation scope with a stack of current scopes on it. Each thread has one; futures and requests bring
//! their own with [`Hub::run`] and [`SentryFutureExt::bind_hub`]. Which client a hub uses is a separate matter: its own
//! binding if it has one, else the process client that `init` set. Therefore the order of `init` and of a thread's
//! first use of the SDK does not matter.
//!
//! [`Hub::isolate`] and [`with_isolation_scope`] make the hubs of requests and jobs, [`Hub::wrap`] and [`SentryFutureExt`]
//! take hubs along to other threads and tasks.

mod ambient;
mod bound;
mod capture;
mod current;
mod elsewhere;
mod future;
#[cfg(any(feature = "logs", feature = "metrics"))]
mod glance;
mod here;
mod isolation;
mod known;
mod outlook;
mod outside;
mod plain;
mod propagation;
mod request;
#[cfg(feature = "release-health")]
mod session;
mod spawn;
mod state;
#[cfg(feature = "stream")]
mod stream;
mod weak;

use std::fmt;
use std::sync::{Arc, Mutex};

pub use self::current::HubSwitchGuard;
#[cfg(feature = "logs")]
pub(crate) use self::current::with_current;
pub(crate) use self::current::{add_ready_breadcrumb, claim_main, current_if_any, hold_main, main_if_free};
pub use self::future::{SentryFuture, SentryFutureExt};
#[cfg(feature = "metrics")]
pub(crate) use self::glance::glance;
#[cfg(feature = "logs")]
pub(crate) use self::glance::{Besides, Note, glance_besides};
pub use self::isolation::with_isolation_scope;
pub use self::outlook::{Begins, Outlook};
pub use self::outside::Outside;
pub(crate) use self::plain::forget_all as forget_plain;
pub use self::request::ServedRequest;
pub(crate) use self::state::{HubState, Pushed};
#[cfg(feature = "stream")]
pub use self::stream::{SentryStream, SentryStreamExt};
pub(crate) use self::weak::WeakHub;
use crate::client::Client;
use crate::integration::Integration;
use crate::process::Held;
use crate::scope::{Mark, Scope, ScopeGuard, ScopeSnapshot};
use crate::sync::{lock, try_lock};
use crate::trace::TransactionOrSpan;
use crate::types::Uuid;
use crate::watch;

/// The client and the scopes of a piece of work.
pub struct Hub {
    state: Arc<Mutex<HubState>>,
}

impl Hub {
    /// A hub with the given client (`None`: off, whatever `init` does) and base scope.
    #[must_use]
    pub fn new(client: Option<Arc<Client>>, scope: Arc<Scope>) -> Self {
        let mut scope = Arc::unwrap_or_clone(scope);
        scope.ensure_propagation_context();
        Self::from_state(HubState::new(state::Binding::own(client), scope))
    }

    /// A hub that begins with what `other` has now: the same client, and copies of its scopes.
    #[must_use]
    pub fn new_from_top<H: AsRef<Self>>(other: H) -> Self {
        let other = other.as_ref();
        let outside = Outside::now();
        let mut state = lock(&other.state);
        let (mut fork, ambient) = (state.fork(), other.ambient(&mut state, &outside));
        drop(state);
        if let Some(span) = ambient {
            fork.top_mut().set_span(Some(TransactionOrSpan::clone(&span)));
        }
        Self::from_state(fork)
    }

    fn from_state(state: HubState) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The client this hub uses now.
    #[must_use]
    pub fn client(&self) -> Option<Arc<Client>> {
        let binding = lock(&self.state).binding.clone();
        binding.client()
    }

    /// Looks at the client without taking a share in it. `look` must not call anything of the user's: the hub is locked.
    pub(crate) fn with_client<R>(&self, look: impl FnOnce(&Client) -> R) -> Option<R> {
        lock(&self.state).binding.with_client(look)
    }

    /// Gives this hub a client of its own, or (`None`) switches it off.
    pub fn bind_client(&self, client: Option<Arc<Client>>) {
        let previous = lock(&self.state).bind(state::Binding::own(client));
        drop(previous);
    }

    /// The client that is bound to this hub itself, if the hub is not locked right now.
    pub(crate) fn own_client_if_free(&self) -> Option<Arc<Client>> {
        match &try_lock(&self.state)?.binding {
            state::Binding::Own(client) => client.clone(),
            state::Binding::Process => None,
        }
    }

    /// The scope on top of the stack, if the hub is not locked right now.
    pub(crate) fn scope_if_free(&self) -> Option<Scope> {
        Some(try_lock(&self.state)?.top().clone())
    }

    /// Tells whoever watches that this thread works in this hub, or has changed a scope of it.
    #[inline]
    pub(crate) fn note_change(&self) {
        watch::note(&self.state);
    }

    /// For a fork.
    pub(crate) fn hold<'a>(&'a self, held: &mut Held<'a>) {
        held.lock(&self.state);
    }

    /// Lets this hub follow the process client again.
    pub(crate) fn unbind_client(&self) {
        let previous = lock(&self.state).bind(state::Binding::default());
        drop(previous);
    }

    /// The id of the last event captured through this hub that was not dropped.
    #[must_use]
    pub fn last_event_id(&self) -> Option<Uuid> {
        lock(&self.state).last_event_id
    }

    /// The scopes as they are now.
    #[must_use]
    pub fn snapshot(&self) -> ScopeSnapshot {
        let outside = Outside::now();
        let mut state = lock(&self.state);
        let ambient = self.ambient(&mut state, &outside);
        state.top().snapshot().within(ambient)
    }

    /// Pushes a scope; what is set until the guard is dropped is gone afterwards.
    pub fn push_scope(&self) -> ScopeGuard {
        let pushed = lock(&self.state).push();
        self.note_change();
        ScopeGuard(Some((Arc::clone(&self.state), pushed)))
    }

    /// Runs `callback` in a scope of its own that `scope_config` sets up.
    pub fn with_scope<C, F, R>(&self, scope_config: C, callback: F) -> R
    where
        C: FnOnce(&mut Scope),
        F: FnOnce() -> R,
    {
        let pop;
        {
            let mut scope = Scope::default();
            pop = self.push_for(&mut scope);
            // No lock is held while the caller's code runs. Most often there is nothing to write when it is done.
            let mark = scope.mark();
            scope_config(&mut scope);
            if mark.is_changed(&scope) {
                pop.write(&mark, scope);
            }
        }
        self.note_change();
        callback()
    }

    /// Pushes a scope, and lets `scope` be what shows in it.
    #[inline]
    fn push_for(&self, scope: &mut Scope) -> Pop<'_> {
        let outside = Outside::now();
        let mut state = lock(&self.state);
        let ambient = self.ambient(&mut state, &outside);
        let pushed = state.push_for(scope);
        drop(state);
        if ambient.is_some() {
            scope.enter(ambient);
        }
        Pop { state: &self.state, pushed }
    }

    /// Changes the scope on top of the stack, whether or not a client is bound yet.
    ///
    /// No lock is held while `f` runs. If another thread changed the same hub meanwhile, both changes stay, and where
    /// they contradict each other this one wins.
    pub fn configure_scope<F, R>(&self, f: F) -> R
    where
        R: Default,
        F: FnOnce(&mut Scope) -> R,
    {
        let outside = Outside::now();
        let mut state = lock(&self.state);
        let base = state.top_mut().clone();
        let mut mine = base.clone().within(self.ambient(&mut state, &outside));
        drop(state);
        let result = f(&mut mine);
        mine.leave();
        let mut state = lock(&self.state);
        let top = state.top_mut();
        // Whatever is replaced is held on to until the lock is free: it may have destructors of the user's.
        let replaced = if top.same_as(&base) {
            (std::mem::replace(top, mine), None)
        } else {
            let replaced = (top.clone(), Some(mine.clone()));
            top.replay(&base, mine);
            replaced
        };
        drop(state);
        drop((replaced, base));
        self.note_change();
        result
    }

    /// Calls `f` with the integration `I` of the active client, if it has one.
    pub fn with_integration<I, F, R>(&self, f: F) -> R
    where
        I: Integration,
        F: FnOnce(&I) -> R,
        R: Default,
    {
        let Some(client) = self.client() else { return R::default() };
        client.integration::<I>().map_or_else(R::default, f)
    }
}

/// What a `ScopeGuard` does, for a scope that ends within the call that pushed it.
struct Pop<'a> {
    state: &'a Arc<Mutex<HubState>>,
    pushed: Pushed,
}

impl Pop<'_> {
    /// Writes what was made of the scope.
    fn write(&self, mark: &Mark, mut scope: Scope) {
        scope.leave();
        let mut state = lock(self.state);
        let _replaced = state.write(self.pushed, mark, scope);
        drop(state);
    }
}

impl Drop for Pop<'_> {
    #[inline]
    fn drop(&mut self) {
        let mut state = lock(self.state);
        // Dropped last, outside the lock: a scope may own values with destructors of the user's.
        let _popped = state.pop(self.pushed);
        drop(state);
        watch::note(self.state);
    }
}

impl AsRef<Self> for Hub {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("last_event_id", &self.last_event_id()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod pushed_tests;
#[cfg(test)]
mod tests;
