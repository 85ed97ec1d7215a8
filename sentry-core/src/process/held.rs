//! The locks that a fork holds.

use std::fmt;
use std::sync::{Arc, Mutex, RwLock, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use super::GATE;
use crate::client::{self, Client};
use crate::hub::{self, Hub};
use crate::sync::{free, try_lock};
use crate::{clock, diagnostics, scope};

/// How long a fork waits for all locks together. They are held for nanoseconds; but who holds one may have to wait for a
/// processor that others use, and a child that goes on without a lock waits for it for ever. There is an end because who
/// forks in the middle of one of our calls may hold one itself.
const PATIENCE: Duration = Duration::from_millis(500);

/// Beyond so many attempts whoever has a lock is not running: it gets the processor.
const ATTEMPTS: u32 = 64;
const BREAK: Duration = Duration::from_micros(100);

/// Who owns the locks that are not static: the hubs and clients that a child goes on with.
pub struct Owners {
    hubs: Vec<Arc<Hub>>,
    clients: Vec<Arc<Client>>,
}

impl Owners {
    /// Those of the calling thread and of the process. Waits for nothing.
    #[must_use]
    pub fn now() -> Self {
        let mut hubs = hub::current_if_any();
        if let Some(main) = hub::main_if_free()
            && !hubs.iter().any(|hub| Arc::ptr_eq(hub, &main))
        {
            hubs.push(main);
        }
        let mut clients: Vec<Arc<Client>> = Vec::new();
        let own = hubs.iter().filter_map(|hub| hub.own_client_if_free());
        for client in client::process_if_free().into_iter().chain(own) {
            if !clients.iter().any(|other| other.is_same(&client)) {
                clients.push(client);
            }
        }
        Self { hubs, clients }
    }

    /// Takes every lock that a child needs, those that do not become free soon excepted.
    #[must_use = "the locks are released when this is dropped"]
    pub fn hold(&self) -> Held<'_> {
        let mut held = Held { deadline: clock::instant() + PATIENCE, guards: Vec::with_capacity(32) };
        held.write(&GATE);
        // Where one is taken under another in the SDK, the outer one comes first here too.
        self.hubs.iter().for_each(|hub| hub.hold(&mut held));
        self.clients.iter().for_each(|client| client.hold(&mut held));
        hub::hold_main(&mut held);
        client::hold(&mut held);
        scope::hold(&mut held);
        diagnostics::hold(&mut held);
        held
    }

    /// Leaves to the parent of a child what is the parent's. While the child has one thread, and when the locks are free.
    pub fn disown(&self) {
        self.clients.iter().for_each(|client| client.disown());
    }
}

/// Locks taken for a fork; see [`Owners::hold`].
pub struct Held<'a> {
    deadline: Instant,
    guards: Vec<Box<dyn Guard + 'a>>,
}

impl<'a> Held<'a> {
    /// Adds a lock. Tells whether it could be had in time.
    pub fn lock<T>(&mut self, mutex: &'a Mutex<T>) -> bool {
        let guard = self.attempt(|| mutex.try_lock());
        self.keep(guard)
    }

    /// Adds a lock, for writing. Tells whether it could be had in time.
    pub fn write<T>(&mut self, lock: &'a RwLock<T>) -> bool {
        let guard = self.attempt(|| lock.try_write());
        self.keep(guard)
    }

    /// Adds a lock if it is free now: one that is held for long at times. Tells whether it was.
    pub fn lock_if_free<T>(&mut self, mutex: &'a Mutex<T>) -> bool {
        self.keep(try_lock(mutex))
    }

    fn attempt<G>(&self, mut attempt: impl FnMut() -> Result<G, TryLockError<G>>) -> Option<G> {
        for attempts in 0_u32.. {
            let guard = free(attempt());
            if guard.is_some() || clock::instant() >= self.deadline {
                return guard;
            }
            if attempts < ATTEMPTS { thread::yield_now() } else { thread::sleep(BREAK) }
        }
        None
    }

    fn keep<G: 'a>(&mut self, guard: Option<G>) -> bool {
        let Some(guard) = guard else { return false };
        self.guards.push(Box::new(guard));
        true
    }
}

/// Anything that is only kept to be dropped.
trait Guard {}

impl<T> Guard for T {}

impl fmt::Debug for Owners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hubs, clients) = (self.hubs.len(), self.clients.len());
        f.debug_struct("Owners").field("hubs", &hubs).field("clients", &clients).finish()
    }
}

impl fmt::Debug for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("locks", &self.guards.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread::Builder;

    use super::*;
    use crate::process::without_fork;
    use crate::{ClientOptions, configure_global_scope, configure_scope};

    #[test]
    fn held_locks_stop_other_threads_until_they_are_released() {
        let client = Arc::new(Client::from(ClientOptions::new()));
        let hub = Arc::new(Hub::new(Some(client), Arc::default()));
        Hub::run(Arc::clone(&hub), || {
            let owners = Owners::now();
            let held = owners.hold();
            let locks = held.guards.len();
            assert!(locks >= 9, "{locks} locks");
            let (sender, receiver) = std::sync::mpsc::channel();
            let busy = Builder::new().spawn(move || {
                let _ = hub.last_event_id();
                without_fork(|| ());
                configure_global_scope(|_| ());
                sender.send(()).unwrap();
            });
            assert!(receiver.recv_timeout(Duration::from_millis(30)).is_err(), "nobody was stopped");
            drop(held);
            receiver.recv_timeout(Duration::from_secs(10)).expect("everything is free again");
            busy.unwrap().join().unwrap();
            configure_scope(|_| ());
        });
    }

    #[test]
    fn a_lock_is_waited_for_whose_owner_waits_for_a_processor() {
        let lock = RwLock::new(());
        let (taken, begins) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let _guard = lock.read().unwrap();
                taken.send(()).unwrap();
                thread::sleep(Duration::from_millis(60));
            });
            begins.recv().unwrap();
            let patience = Duration::from_secs(20);
            let mut held = Held { deadline: clock::instant() + patience, guards: vec![] };
            assert!(held.write(&lock));
        });
    }

    #[test]
    fn a_lock_that_does_not_become_free_does_not_stop_a_fork() {
        let mutex = Mutex::new(());
        let taken = mutex.lock().unwrap();
        let owners = Owners { hubs: vec![], clients: vec![] };
        let begun = clock::instant();
        let mut held = Held { deadline: begun + PATIENCE, guards: vec![] };
        assert!(!held.lock(&mutex) && !held.lock_if_free(&mutex));
        assert!(begun.elapsed() >= PATIENCE && begun.elapsed() < PATIENCE * 10);
        drop((taken, held, owners));
    }
}
