//! Captures of threads that hold a lock of ours.
//!
//! A thread that panics within a call of the SDK may hold the lock that a capture needs, and would wait for itself. The capture
//! then runs on a thread of its own, which gets the lock when the panic unwinds out of there.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use crate::client;
use crate::hub::current::main_is_free;
use crate::hub::{Hub, HubState, ambient, current_if_any};
use crate::scope;
use crate::sync::try_lock;

/// How often a lock is looked at before it is taken for this thread's own, at once and a millisecond apart. Other threads hold none
/// for long, but on a busy machine one may be interrupted while it does; and who captures elsewhere finds the scopes of later.
const ATTEMPTS: usize = 100;
const PATIENT_ATTEMPTS: usize = 20;

impl Hub {
    /// Whether a capture on this thread would find all locks free that its own thread may hold. For panic hooks.
    #[must_use]
    pub fn is_free() -> bool {
        is_free_now()
            || (0..ATTEMPTS).any(|_| {
                thread::yield_now();
                is_free_now()
            })
            || (0..PATIENT_ATTEMPTS).any(|_| {
                thread::sleep(Duration::from_millis(1));
                is_free_now()
            })
    }

    /// Runs `f` on a thread of its own, with the hub of this thread, and waits so long for it at most. For panic hooks, where
    /// [`is_free`](Self::is_free) says no.
    ///
    /// A process that dies gives no lock back: with `dies` the hub is a new one with the client of the process.
    pub fn elsewhere(dies: bool, patience: Duration, f: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let own = current_if_any().pop().filter(|_| !dies);
        let (done, is_done) = sync_channel(1);
        let run = move || {
            let hub = match own {
                Some(hub) => hub,
                None if dies => Arc::new(Self::new(client::process_if_free(), Arc::default())),
                None => Self::current(),
            };
            Self::run(Arc::clone(&hub), || f(&hub));
            let _ = done.send(());
        };
        if thread::Builder::new().name("sentry-panic".to_owned()).spawn(run).is_ok() && !patience.is_zero() {
            let _ = is_done.recv_timeout(patience);
        }
    }
}

fn is_free_now() -> bool {
    if !client::any_live() {
        return true;
    }
    if !ambient::is_free() || !scope::global_is_free() || !client::process_is_free() {
        return false;
    }
    match current_if_any().pop() {
        Some(hub) => try_lock(&hub.state).is_some_and(|mut state| is_session_free(&mut state)),
        None => main_is_free(is_session_free),
    }
}

fn is_session_free(state: &mut HubState) -> bool {
    state.top().snapshot().session().is_none_or(|session| session.is_free())
}
