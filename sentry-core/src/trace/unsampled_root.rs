//! The root of a trace that an integration follows, when it is not recorded.
//!
//! All that happens to most of them is that they begin and end. So there is nothing but a place where one is remembered, and
//! what it looks like from inside is made up when somebody looks.

use std::fmt;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};

use crate::client::Client;
use crate::options::SampleRate;
use crate::protocol::TraceId;
use crate::sync::lock;
use crate::trace::unsampled::Unsampled;
use crate::trace::{TransactionContext, TransactionOrSpan, ids};

/// A place for one that is not recorded. For integrations.
#[doc(hidden)]
pub struct UnsampledRoot {
    /// Who has the place. 0: nobody.
    key: AtomicUsize,
    /// The hub it began on, of which nothing but the address is of interest.
    hub: AtomicUsize,
    is_seen: AtomicBool,
    about: Mutex<About>,
}

/// What there is to say about it.
struct About {
    /// Where it is from, and what it is called there.
    label: (&'static str, &'static str),
    rate: f32,
    /// What somebody has seen, and sees again.
    seen: Option<Arc<TransactionOrSpan>>,
}

impl UnsampledRoot {
    /// A place that is free.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            key: AtomicUsize::new(0),
            hub: AtomicUsize::new(0),
            is_seen: AtomicBool::new(false),
            about: Mutex::new(About { label: ("", ""), rate: 0.0, seen: None }),
        }
    }

    /// Takes the place, if it is free.
    #[inline]
    #[must_use]
    pub fn take(&self, key: usize) -> bool {
        key != 0 && self.key.compare_exchange(0, key, Acquire, Relaxed).is_ok()
    }

    /// Whether the place belongs to `key`.
    #[inline]
    #[must_use]
    pub fn is_of(&self, key: usize) -> bool {
        self.key.load(Relaxed) == key
    }

    /// Leaves the place to others.
    #[inline]
    pub fn leave(&self) {
        let seen = if self.is_seen.load(Relaxed) { self.forget() } else { None };
        self.key.store(0, Release);
        drop(seen);
    }

    #[cold]
    fn forget(&self) -> Option<Arc<TransactionOrSpan>> {
        self.is_seen.store(false, Relaxed);
        lock(&self.about).seen.take()
    }

    /// Says what has the place: it began on the hub at the address, and was left out at the rate.
    #[inline]
    pub(crate) fn begin(&self, hub: usize, label: (&'static str, &'static str), rate: f32) {
        self.hub.store(hub, Relaxed);
        let mut about = lock(&self.about);
        (about.label, about.rate) = (label, rate);
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
            let (target, name) = about.label;
            let (unsampled, rate) = (Unsampled::at(about.rate), SampleRate::new(about.rate)?);
            let trace = ids::trace_id_of(rate, false);
            let context = TransactionContext::new_with_trace_id(name, &[target, "::", name].concat(), trace);
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
