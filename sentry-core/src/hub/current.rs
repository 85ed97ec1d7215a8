//! Which hub the running code belongs to.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::{Arc, MutexGuard, RwLock};

use crate::breadcrumbs::Kept;
use crate::client::{self, Client};
use crate::hub::here::here;
use crate::hub::state::{Binding, HubState};
use crate::hub::{Hub, lock};
use crate::process::Held;
use crate::scope::Scope;
use crate::sync::{read, try_lock, try_read, write};

thread_local! {
    static CURRENT: RefCell<Option<Arc<Hub>>> = const { RefCell::new(None) };
}

static MAIN: RwLock<Main> = RwLock::new(Main { hub: None, claimed: false });

/// The hub that threads begin with a copy of.
struct Main {
    hub: Option<Arc<Hub>>,
    /// A thread uses it as its own.
    claimed: bool,
}

impl Hub {
    /// The hub of the running code. A thread's first one begins as a copy of the main hub's base scope.
    #[must_use]
    pub fn current() -> Arc<Self> {
        // While thread-locals are being torn down there is no current hub any more: the main one takes over.
        CURRENT.try_with(current_or_new).unwrap_or_else(|_| Self::main())
    }

    /// The hub every thread's first hub is a copy of: the one of the main thread, or of the thread that called `init`.
    #[must_use]
    pub fn main() -> Arc<Self> {
        if let Some(hub) = &read(&MAIN).hub {
            return Arc::clone(hub);
        }
        Arc::clone(write(&MAIN).hub.get_or_insert_with(new_main))
    }

    /// Calls `f` with the current hub.
    #[deprecated = "use Hub::current"]
    pub fn with<F, R>(f: F) -> R
    where
        F: FnOnce(&Arc<Self>) -> R,
    {
        f(&Self::current())
    }

    /// Calls `f` with the current hub if it has an active client, and returns the default otherwise.
    #[inline]
    pub fn with_active<F, R>(f: F) -> R
    where
        F: FnOnce(&Arc<Self>) -> R,
        R: Default,
    {
        Self::with_active_client(|hub, _| f(hub))
    }

    /// The same with that client. For integrations.
    #[doc(hidden)]
    #[inline]
    pub fn with_active_client<R: Default>(f: impl FnOnce(&Arc<Self>, Arc<Client>) -> R) -> R {
        if !client::any_live() {
            return R::default();
        }
        let hub = Self::current();
        match hub.client() {
            Some(client) if client.is_enabled() => f(&hub, client),
            _ => R::default(),
        }
    }

    /// Runs `f` with `hub` as the current hub.
    pub fn run<F: FnOnce() -> R, R>(hub: Arc<Self>, f: F) -> R {
        let _guard = HubSwitchGuard::new(hub);
        f()
    }
}

/// Adds a breadcrumb to the current hub without taking a share in the hub. `false`: that takes more, as there is no hub yet, or
/// `before_breadcrumb` has to see it.
#[inline]
pub(crate) fn add_ready_breadcrumb(breadcrumb: &mut Option<Kept>) -> bool {
    // The slot is borrowed only while no code of the user's can run, which might want to switch hubs.
    let add = |hub: &Arc<Hub>| hub.add_ready_breadcrumb(breadcrumb);
    CURRENT.try_with(|current| current.borrow().as_ref().is_some_and(add)).unwrap_or(false)
}

/// Calls `look` with the current hub, without taking a share in it if that can be spared. No code of the user's may run in
/// there, which might want to switch hubs.
#[inline]
pub(crate) fn with_current<R>(look: impl FnOnce(&Hub) -> R) -> Option<R> {
    let mut look = Some(look);
    let found = CURRENT.try_with(|current| {
        let current = current.borrow();
        current.as_deref().and_then(|hub| Some(look.take()?(hub)))
    });
    found.ok().flatten().or_else(|| Some(look?(&Hub::current())))
}

/// The address of the current hub, for those who only compare. 0: this thread has none yet.
#[inline]
pub(super) fn address_here() -> usize {
    here(|here| here.hub.get())
}

fn note_address(hub: Option<&Arc<Hub>>) {
    let address = hub.map_or(0, |hub| Arc::as_ptr(hub).addr());
    here(|here| here.go_to(address));
}

/// The current hub, if this thread has one already.
pub(crate) fn current_if_any() -> Vec<Arc<Hub>> {
    let current = CURRENT.try_with(|current| current.try_borrow().ok().and_then(|hub| hub.clone()));
    current.ok().flatten().into_iter().collect()
}

/// The main hub, if there is one and nobody is changing it right now.
pub(crate) fn main_if_free() -> Option<Arc<Hub>> {
    try_read(&MAIN)?.hub.clone()
}

/// Whether nobody is changing the main hub right now; `look` looks at it, if there is one.
pub(super) fn main_is_free(look: impl FnOnce(&mut HubState) -> bool) -> bool {
    try_read(&MAIN).is_some_and(|main| match &main.hub {
        Some(hub) => try_lock(&hub.state).is_some_and(|mut state| look(&mut state)),
        None => true,
    })
}

/// For a fork.
pub(crate) fn hold_main(held: &mut Held<'_>) {
    held.write(&MAIN);
}

/// Makes the hub of this thread the main hub, unless another thread has it already.
pub(crate) fn claim_main() {
    let hub = Hub::current();
    let mut main = write(&MAIN);
    let replaced = if main.claimed {
        None
    } else {
        main.claimed = true;
        main.hub.replace(hub)
    };
    drop(main);
    // Dropped outside the lock: its scopes may own values with destructors of the user's.
    drop(replaced);
}

fn current_or_new(current: &RefCell<Option<Arc<Hub>>>) -> Arc<Hub> {
    if let Some(hub) = &*current.borrow() {
        return Arc::clone(hub);
    }
    let hub = first_hub();
    *current.borrow_mut() = Some(Arc::clone(&hub));
    note_address(Some(&hub));
    hub.note_change();
    hub
}

fn first_hub() -> Arc<Hub> {
    if std::thread::current().name() == Some("main") {
        let mut main = write(&MAIN);
        if !main.claimed {
            main.claimed = true;
            return Arc::clone(main.hub.get_or_insert_with(new_main));
        }
    }
    let main = Hub::main();
    let base = lock(&main.state).base().clone();
    Arc::new(Hub::from_state(HubState::new(Binding::Process, base)))
}

fn new_main() -> Arc<Hub> {
    let mut scope = Scope::default();
    scope.ensure_propagation_context();
    Arc::new(Hub::from_state(HubState::new(Binding::Process, scope)))
}

/// Makes a hub the current one of this thread until it is dropped.
///
/// It belongs to its thread:
///
/// ```compile_fail
/// fn needs_send<T: Send>(_: T) {}
/// needs_send(sentry_core::HubSwitchGuard::new(sentry_core::Hub::current()));
/// ```
#[must_use = "dropping the guard switches back"]
pub struct HubSwitchGuard {
    previous: Option<Arc<Hub>>,
    switched: bool,
    not_send: PhantomData<MutexGuard<'static, ()>>,
}

impl HubSwitchGuard {
    /// Switches to `hub`.
    pub fn new(hub: Arc<Hub>) -> Self {
        hub.note_change();
        let swapped = CURRENT.try_with(|current| {
            let mut current = current.borrow_mut();
            match &*current {
                Some(now) if Arc::ptr_eq(now, &hub) => None,
                _ => {
                    note_address(Some(&hub));
                    Some(current.replace(hub))
                }
            }
        });
        match swapped {
            Ok(Some(previous)) => Self { previous, switched: true, not_send: PhantomData },
            Ok(None) | Err(_) => Self { previous: None, switched: false, not_send: PhantomData },
        }
    }
}

impl Drop for HubSwitchGuard {
    fn drop(&mut self) {
        if !self.switched {
            return;
        }
        let previous = self.previous.take();
        if let Some(hub) = &previous {
            hub.note_change();
        }
        note_address(previous.as_ref());
        // Returned from the closure so that the hub is dropped after the borrow has ended.
        let hub = CURRENT.try_with(|current| std::mem::replace(&mut *current.borrow_mut(), previous));
        drop(hub);
    }
}

impl std::fmt::Debug for HubSwitchGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubSwitchGuard").finish_non_exhaustive()
    }
}
