//! The root of a trace that an integration follows, when it is not recorded.
//!
//! All that happens to most of them is that they begin and end. So there is nothing but a place where one is remembered, and
//! what it looks like from inside is made up when somebody looks.

use std::fmt;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};
use std::sync::{Arc, Mutex};

use crate::client::Client;
use crate::options::SampleRate;
use crate::protocol::TraceId;
use crate::sync::lock;
use crate::trace::constants::Knows;
use crate::trace::unsampled::Unsampled;
use crate::trace::{TransactionContext, TransactionOrSpan, ids};

/// A place for one that is not recorded. For integrations.
#[doc(hidden)]
pub struct UnsampledRoot {
    /// Who has the place. 0: nobody.
    key: AtomicUsize,
    /// Where keys mean the same.
    registry: AtomicU32,
    /// The rate at which it was left out, as its bits.
    rate: AtomicU32,
    /// The hub it began on, of which nothing but the address is of interest.
    hub: AtomicUsize,
    /// What it is, as an address. Most have the place after others of their kind.
    kind: AtomicUsize,
    is_seen: AtomicBool,
    about: Mutex<About>,
}

/// What there is to say about it.
struct About {
    /// Where it is from, and what it is called there.
    label: Option<(&'static str, &'static str)>,
    /// What somebody has seen, and sees again.
    seen: Option<Arc<TransactionOrSpan>>,
}

/// What roots from one place in the code have in common. For integrations.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Kind {
    of: Knows,
    label: fn(Knows) -> (&'static str, &'static str),
}

impl Kind {
    /// `label` says where those of it are from, and what they are called there.
    #[inline]
    #[must_use]
    pub fn new(of: Knows, label: fn(Knows) -> (&'static str, &'static str)) -> Self {
        Self { of, label }
    }

    #[inline]
    fn address(self) -> usize {
        std::ptr::from_ref(self.of).cast::<()>().addr()
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.label)(self.of).fmt(f)
    }
}

impl UnsampledRoot {
    /// A place that is free.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            key: AtomicUsize::new(0),
            registry: AtomicU32::new(0),
            rate: AtomicU32::new(0),
            hub: AtomicUsize::new(0),
            kind: AtomicUsize::new(0),
            is_seen: AtomicBool::new(false),
            about: Mutex::new(About { label: None, seen: None }),
        }
    }

    /// Takes the place, if it is free. 0 is no key.
    #[inline]
    pub(crate) fn take(&self, key: u64, registry: u32) -> bool {
        let key = key as usize;
        let takes = key != 0 && self.key.compare_exchange(0, key, Acquire, Relaxed).is_ok();
        if takes {
            self.registry.store(registry, Relaxed);
        }
        takes
    }

    /// Whether the place belongs to `key`, of whichever registry.
    #[inline]
    pub(crate) fn is_of(&self, key: u64) -> bool {
        self.key.load(Relaxed) == key as usize
    }

    /// Whether the place belongs to `key` of a registry.
    #[inline]
    #[must_use]
    pub fn is_taken_by(&self, key: u64, registry: u32) -> bool {
        self.is_of(key) && self.registry.load(Relaxed) == registry
    }

    /// Leaves the place to others.
    #[inline]
    pub fn leave(&self) {
        if self.is_seen.load(Relaxed) {
            self.forget();
        } else {
            self.key.store(0, Release);
        }
    }

    /// The same, if somebody of a registry has it.
    pub fn vacate(&self, registry: u32) {
        if self.registry.compare_exchange(registry, 0, Relaxed, Relaxed).is_ok() {
            self.leave();
        }
    }

    #[cold]
    fn forget(&self) {
        self.is_seen.store(false, Relaxed);
        let seen = lock(&self.about).seen.take();
        self.key.store(0, Release);
        drop(seen);
    }

    /// Says what has the place: it began on the hub at the address, and was left out at the rate.
    #[inline]
    pub(crate) fn begin(&self, hub: usize, kind: Kind, rate: f32) {
        self.hub.store(hub, Relaxed);
        self.rate.store(rate.to_bits(), Relaxed);
        if self.kind.load(Relaxed) != kind.address() {
            // By value: what is in memory would have to be written for those of the same kind too.
            self.change(kind.of, kind.label);
        }
    }

    /// Its key is known to nobody else yet.
    #[cold]
    #[inline(never)]
    fn change(&self, of: Knows, label: fn(Knows) -> (&'static str, &'static str)) {
        lock(&self.about).label = Some(label(of));
        self.kind.store(Kind { of, label }.address(), Relaxed);
    }

    /// Whether it began on the hub at the address.
    #[inline]
    pub(crate) fn is_on(&self, hub: usize) -> bool {
        self.hub.load(Relaxed) == hub
    }

    /// What it looks like from inside, to whoever uses `client`.
    #[cold]
    pub(crate) fn look(&self, client: Option<Arc<Client>>) -> Option<Arc<TransactionOrSpan>> {
        let mut about = lock(&self.about);
        if about.seen.is_none() {
            let (target, name) = about.label?;
            let rate = f32::from_bits(self.rate.load(Relaxed));
            let trace = ids::trace_id_of(SampleRate::new(rate)?, false);
            let context = TransactionContext::new_with_trace_id(name, &[target, "::", name].concat(), trace);
            let unsampled = Unsampled::at(rate);
            let transaction = match client {
                Some(client) => unsampled.silent(client, context),
                None => unsampled.counted(context),
            };
            about.seen = Some(Arc::new(transaction.into()));
            self.is_seen.store(true, Relaxed);
        }
        about.seen.clone()
    }
}

impl Default for UnsampledRoot {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for UnsampledRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsampledRoot").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A trace that was decided to be kept, at the given rate.
pub(crate) fn kept(rate: f32) -> Option<TraceId> {
    Some(ids::trace_id_of(SampleRate::new(rate)?, true))
}
