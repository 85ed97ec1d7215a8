//! Which scopes each thread works in, for a crash handler that may not wait for a lock.
//!
//! ```text
//! scope changes, hub switches ──► the entry of the thread: its hub, "changed"        no lock is waited for
//!                                      │
//! crash handler's threads ◄── changed() / scope_of(thread) ──┘
//! ```
//!
//! Off until [`watch`] is called: a change then costs one relaxed load. On, it costs a swap and a comparison, and once after
//! each [`changed`] a call of `wake`.

use std::cell::OnceCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use crate::hub::{self, HubState};
use crate::scope::Scope;
use crate::sync::try_lock;

/// What a crash handler brings.
#[derive(Clone, Copy)]
pub struct Watch {
    /// The number of the calling thread, as the crash handler knows threads.
    pub thread: fn() -> u32,
    /// Called on the thread that changes a scope first after a call of [`changed`]. Has to return at once.
    pub wake: fn(),
}

static ON: AtomicBool = AtomicBool::new(false);
static WATCH: OnceLock<Watch> = OnceLock::new();
/// Something has changed since the last call of [`changed`].
static PENDING: AtomicBool = AtomicBool::new(false);
static THREADS: Mutex<Vec<Weak<Entry>>> = Mutex::new(Vec::new());

thread_local! {
    static ENTRY: OnceCell<Arc<Entry>> = const { OnceCell::new() };
}

/// The hub that a thread works in.
struct Entry {
    thread: u32,
    hub: Mutex<Weak<Mutex<HubState>>>,
    changed: AtomicBool,
}

/// Begins to watch, for as long as the process lives. Only the first call counts.
pub fn watch(watch: Watch) {
    let _ = WATCH.set(watch);
    ON.store(true, Ordering::Release);
    hub::current_if_any().iter().for_each(|hub| hub.note_change());
}

/// The scopes of threads that have changed since the last call. Waits for nothing: what is locked right now comes next time.
#[must_use]
pub fn changed() -> Vec<(u32, Scope)> {
    PENDING.store(false, Ordering::Release);
    let Some(entries) = entries() else {
        PENDING.store(true, Ordering::Release);
        return Vec::new();
    };
    let changed = entries.iter().filter(|entry| entry.changed.swap(false, Ordering::AcqRel));
    changed
        .filter_map(|entry| {
            let scope = entry.scope();
            if scope.is_none() {
                entry.changed.store(true, Ordering::Release);
                PENDING.store(true, Ordering::Release);
            }
            Some((entry.thread, scope?))
        })
        .collect()
}

/// Whether [`changed`] has something to tell. Whoever is told so asks again without waiting for `wake`.
#[must_use]
pub fn is_pending() -> bool {
    PENDING.load(Ordering::Acquire)
}

/// The scopes that a thread works in now; those of the main hub for a thread that never used the SDK. Waits for nothing:
/// `None` when it is locked.
#[must_use]
pub fn scope_of(thread: u32) -> Option<Scope> {
    match entries()?.iter().rev().find(|entry| entry.thread == thread) {
        Some(entry) => entry.scope(),
        None => hub::main_if_free()?.scope_if_free(),
    }
}

/// A thread works in the hub with this state, or has changed a scope of it.
#[inline]
pub(crate) fn note(state: &Arc<Mutex<HubState>>) {
    if ON.load(Ordering::Relaxed) {
        note_now(state);
    }
}

fn note_now(state: &Arc<Mutex<HubState>>) {
    let Some(watch) = WATCH.get() else { return };
    let _ = ENTRY.try_with(|slot| {
        if let Some(entry) = slot.get() {
            entry.note(state);
        } else if let Some(entry) = Entry::register((watch.thread)()) {
            entry.note(state);
            let _ = slot.set(entry);
        }
    });
    if !PENDING.swap(true, Ordering::AcqRel) {
        (watch.wake)();
    }
}

/// `None` while the list is locked.
fn entries() -> Option<Vec<Arc<Entry>>> {
    let mut threads = try_lock(&THREADS)?;
    threads.retain(|entry| entry.strong_count() > 0);
    Some(threads.iter().filter_map(Weak::upgrade).collect())
}

impl Entry {
    /// `None` when the list is locked: the next change tries again.
    fn register(thread: u32) -> Option<Arc<Self>> {
        let entry = Self { thread, hub: Mutex::default(), changed: AtomicBool::new(true) };
        let entry = Arc::new(entry);
        try_lock(&THREADS)?.push(Arc::downgrade(&entry));
        Some(entry)
    }

    fn note(&self, state: &Arc<Mutex<HubState>>) {
        if let Some(mut hub) = try_lock(&self.hub)
            && !std::ptr::eq(hub.as_ptr(), Arc::as_ptr(state))
        {
            *hub = Arc::downgrade(state);
        }
        self.changed.store(true, Ordering::Release);
    }

    fn scope(&self) -> Option<Scope> {
        let state = try_lock(&self.hub)?.upgrade()?;
        let scope = try_lock(&state)?.top().clone();
        Some(scope)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;
    use crate::{Client, ClientOptions, Hub};

    thread_local! {
        static NUMBER: u32 = {
            static NEXT: AtomicU32 = AtomicU32::new(1_000);
            NEXT.fetch_add(1, Ordering::Relaxed)
        };
    }

    fn number() -> u32 {
        NUMBER.with(|number| *number)
    }

    /// One test, as there is one watch per process.
    #[test]
    fn the_scope_of_each_thread_is_found_by_its_number() {
        watch(Watch { thread: number, wake: || () });
        let client = Some(Arc::new(Client::from(ClientOptions::new())));
        let tag = |scope: Scope| {
            let event = scope.apply_to_event(crate::protocol::Event::default()).unwrap();
            event.tags.get("who").cloned()
        };
        let hub = Arc::new(Hub::new(client.clone(), Arc::default()));
        let other = Arc::new(Hub::new(client, Arc::default()));
        Hub::run(Arc::clone(&hub), || {
            hub.configure_scope(|scope| scope.set_tag("who", "outer"));
            assert_eq!(tag(scope_of(number()).unwrap()).as_deref(), Some("outer"));
            Hub::run(Arc::clone(&other), || {
                other.configure_scope(|scope| scope.set_tag("who", "inner"));
                assert_eq!(tag(scope_of(number()).unwrap()).as_deref(), Some("inner"));
                let changed = changed();
                assert!(changed.iter().any(|(thread, _)| *thread == number()));
            });
            assert_eq!(tag(scope_of(number()).unwrap()).as_deref(), Some("outer"));
            hub.with_scope(
                |scope| scope.set_tag("who", "pushed"),
                || assert_eq!(tag(scope_of(number()).unwrap()).as_deref(), Some("pushed")),
            );
        });
    }
}
