//! Telling the application and integrations what a client goes through, while it does.
//!
//! ```text
//! Client::on(hook) ──► list of the client
//! something happens ─► is there a hook at all? (one load) ─► each hook, behind `catch_unwind`, no lock of ours held
//! ```
//!
//! Hooks watch; what changes or drops something is a callback of the options or a method of an
//! [`Integration`](crate::Integration). Losses are told by [`ClientOptions::on_drop`](crate::ClientOptions::on_drop).

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crate::client::Client;
use crate::process::Held;
use crate::suppress::guarded;
use crate::sync::lock;
use crate::trace::RootSpan;
use crate::types::Uuid;

/// Something that happens in a client; see [`Client::on`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientEvent<'a> {
    /// An event was captured, has passed all callbacks and was sampled: it is handed to the transport. Of panics only those
    /// are told that are captured by hand: a panic hook runs no code of the application.
    Captured {
        /// The id of the event.
        event_id: Uuid,
    },
    /// A recorded transaction has begun, on this thread.
    RootStarted(&'a RootSpan),
    /// A recorded transaction was finished, on this thread. One that nobody finishes ends without being told.
    RootEnded(&'a RootSpan),
    /// The client is about to be flushed, and not by a thread that panics. Whoever holds something back hands it over now.
    Flush {
        /// How long hooks and flush may take together.
        timeout: Duration,
    },
    /// The client is about to be closed: this is the last moment to hand something over.
    Close {
        /// How long hooks and close may take together.
        timeout: Duration,
    },
}

thread_local! {
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// While hooks run on this thread: what they set off themselves is not told.
struct Telling;

impl Telling {
    fn begin() -> Option<Self> {
        let is_nested = TELLING.try_with(|telling| telling.replace(true)).unwrap_or(true);
        (!is_nested).then_some(Self)
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        let _ = TELLING.try_with(|telling| telling.set(false));
    }
}

type Hook = Arc<dyn Fn(&ClientEvent<'_>) + Send + Sync>;

/// The hooks of a client.
#[derive(Default)]
pub(super) struct Hooks {
    /// Whether there are any. Spares everybody else the lock.
    any: AtomicBool,
    next: AtomicU64,
    list: Mutex<Vec<(u64, Hook)>>,
}

impl Hooks {
    #[inline]
    pub(super) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    fn add(&self, hook: Hook) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut list = lock(&self.list);
        list.push((id, hook));
        self.any.store(true, Ordering::Relaxed);
        id
    }

    fn remove(&self, id: u64) {
        let mut list = lock(&self.list);
        let place = list.iter().position(|(other, _)| *other == id);
        let removed = place.map(|place| list.remove(place));
        self.any.store(!list.is_empty(), Ordering::Relaxed);
        drop(list);
        // Outside the lock: its destructor is the application's and may come back here.
        drop(removed);
    }

    #[cold]
    fn tell(&self, event: &ClientEvent<'_>) {
        let Some(_telling) = Telling::begin() else { return };
        let hooks: Vec<Hook> = lock(&self.list).iter().map(|(_, hook)| Arc::clone(hook)).collect();
        for hook in hooks {
            let _ = guarded("client hook", || hook(event));
        }
    }

    /// For a fork.
    pub(super) fn hold<'a>(&'a self, held: &mut Held<'a>) {
        held.lock(&self.list);
    }
}

impl Client {
    /// Calls `hook` whenever something of [`ClientEvent`] happens, on the thread on which it happens, for as long as the
    /// guard lives.
    ///
    /// It should not block: what it takes of a timeout is gone for the others. A panic in it ends there, captures in it lead
    /// nowhere, and what it sets off itself is not told.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use sentry_core::{Client, ClientEvent, ClientOptions};
    ///
    /// let client = Client::with_options(ClientOptions::new());
    /// let flushes = Arc::new(AtomicU32::new(0));
    /// let counter = Arc::clone(&flushes);
    /// let hook = client.on(move |event| {
    ///     if let ClientEvent::Flush { .. } = event {
    ///         counter.fetch_add(1, Ordering::Relaxed);
    ///     }
    /// });
    /// client.flush(None);
    /// drop(hook);
    /// client.flush(None);
    /// assert_eq!(flushes.load(Ordering::Relaxed), 1);
    /// ```
    pub fn on<F>(&self, hook: F) -> HookGuard
    where
        F: Fn(&ClientEvent<'_>) + Send + Sync + 'static,
    {
        let id = self.inner.hooks.add(Arc::new(hook));
        HookGuard { hooks: Arc::downgrade(&self.inner.hooks), id }
    }

    /// Tells the hooks, if there are any.
    #[inline]
    pub(crate) fn tell_hooks<'a>(&self, event: impl FnOnce() -> ClientEvent<'a>) {
        if self.inner.hooks.any() {
            self.inner.hooks.tell(&event());
        }
    }

    /// Whether anybody wants to hear of what happens.
    #[inline]
    pub(crate) fn has_hooks(&self) -> bool {
        self.inner.hooks.any()
    }
}

/// Keeps a hook; see [`Client::on`].
#[must_use = "dropping the guard takes the hook away"]
pub struct HookGuard {
    hooks: Weak<Hooks>,
    id: u64,
}

impl HookGuard {
    /// Leaves the hook to its client.
    pub fn detach(mut self) {
        self.hooks = Weak::new();
    }
}

impl Drop for HookGuard {
    fn drop(&mut self) {
        if let Some(hooks) = self.hooks.upgrade() {
            hooks.remove(self.id);
        }
    }
}

impl fmt::Debug for HookGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookGuard").finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "test"))]
mod tests {
    use super::*;
    use crate::test::{TestTransport, with_captured_envelopes_options};
    use crate::{ClientOptions, Hub, Level, TransactionContext};

    /// What a client tells, in short.
    fn told(options: ClientOptions, f: impl FnOnce(&Client)) -> Vec<String> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&told);
        with_captured_envelopes_options(
            || {
                let client = Hub::current().client().unwrap();
                client
                    .on(move |event| {
                        let text = match event {
                            ClientEvent::Captured { event_id } => format!("captured {}", !event_id.is_nil()),
                            ClientEvent::RootStarted(root) => format!("root {}", root.is_open()),
                            ClientEvent::RootEnded(root) => format!("root {}", root.is_open()),
                            ClientEvent::Flush { .. } => "flush".to_owned(),
                            ClientEvent::Close { .. } => "close".to_owned(),
                        };
                        // Leads nowhere.
                        crate::capture_message("from a hook", Level::Info);
                        lock(&list).push(text);
                    })
                    .detach();
                f(&client);
            },
            options,
        );
        std::mem::take(&mut *lock(&told))
    }

    #[test]
    fn hooks_hear_of_everything_in_order() {
        let told = told(ClientOptions::new().traces_sample_rate(1.0), |client| {
            crate::capture_message("a", Level::Info);
            let transaction = crate::start_transaction(TransactionContext::new("t", "op"));
            transaction.finish();
            client.flush(None);
            client.close(None);
        });
        // The test kit closes once more, which is not told.
        assert_eq!(told, ["captured true", "root true", "root false", "flush", "close"]);
    }

    #[test]
    fn what_is_dropped_or_not_recorded_is_not_told() {
        let options = ClientOptions::new().traces_sampler(|_| 0.0).before_send(|_| None);
        let told = told(options, |_| {
            crate::capture_message("a", Level::Info);
            crate::start_transaction(TransactionContext::new("t", "op")).finish();
        });
        assert_eq!(told, ["close"], "the end of the test kit");
    }

    #[test]
    fn a_hook_that_panics_or_takes_itself_away_harms_nobody() {
        let transport = TestTransport::new();
        let mut options = ClientOptions::new().dsn("https://public@sentry.invalid/1");
        options.transport = Some(Arc::new(transport));
        let client = Client::with_options(options);
        let slot: Arc<Mutex<Option<HookGuard>>> = Arc::default();
        let own = Arc::clone(&slot);
        let hook = client.on(move |_| drop(lock(&own).take()));
        *lock(&slot) = Some(hook);
        let panics = client.on(|_| panic!("expected by the test"));
        let again = client.downgrade();
        client.on(move |_| _ = again.upgrade().map(|client| client.flush(None))).detach();
        assert!(client.flush(Some(Duration::ZERO)));
        assert!(lock(&slot).is_none() && client.has_hooks());
        drop(panics);
        assert!(client.has_hooks(), "one was left to the client");
    }
}
