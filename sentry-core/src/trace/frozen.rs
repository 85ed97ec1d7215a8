//! Sampling contexts of traces that began here and are not recorded, once somebody has asked for them.
//!
//! What is not recorded costs nothing, so spans do not know of the transaction above them. And yet a trace has one sampling
//! context, which stays as it was when it first left (protocol.md 9.6): it is the one of whoever asks first, and is remembered
//! here for everybody else.

use std::collections::VecDeque;
use std::mem;
use std::ptr;
use std::sync::{Arc, Mutex};

use crate::options::ClientOptions;
use crate::process::Held;
use crate::protocol::{DynamicSamplingContext, TraceId};
use crate::sync::lock;

/// So many traces are remembered. Transactions remember their own context besides.
const MOST: usize = 256;

/// The trace, and the options of its client by their address.
type Key = (TraceId, usize);

static KNOWN: Known = Known(Mutex::new(VecDeque::new()));

struct Known(Mutex<Contexts>);

type Contexts = VecDeque<(Key, Arc<DynamicSamplingContext>)>;

/// The context of a trace of the client with these options: what was made first.
pub(super) fn of_trace(
    trace_id: TraceId,
    options: &ClientOptions,
    make: impl FnOnce() -> DynamicSamplingContext,
) -> Arc<DynamicSamplingContext> {
    KNOWN.find_or_make((trace_id, ptr::from_ref(options).addr()), make)
}

/// For a fork.
pub(crate) fn hold(held: &mut Held<'_>) {
    held.lock(&KNOWN.0);
}

impl Known {
    fn find_or_make(
        &self,
        key: Key,
        make: impl FnOnce() -> DynamicSamplingContext,
    ) -> Arc<DynamicSamplingContext> {
        if let Some(context) = find(&lock(&self.0), key) {
            return context;
        }
        // Without the lock: it looks at scopes. Nothing is allocated or freed under it either, where somebody else's code may panic.
        let made = Arc::new(make());
        let room =
            if lock(&self.0).capacity() == 0 { Contexts::with_capacity(MOST) } else { Contexts::new() };
        let mut known = lock(&self.0);
        if let Some(first) = find(&known, key) {
            return first;
        }
        let unused = if known.capacity() == 0 { mem::replace(&mut *known, room) } else { room };
        let old = if known.len() >= MOST { known.pop_front() } else { None };
        known.push_back((key, Arc::clone(&made)));
        drop(known);
        drop((old, unused));
        made
    }
}

/// Who asks asks again before long.
fn find(known: &Contexts, key: Key) -> Option<Arc<DynamicSamplingContext>> {
    known.iter().rev().find(|(other, _)| *other == key).map(|(_, context)| Arc::clone(context))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ids;

    fn named(name: &str) -> DynamicSamplingContext {
        DynamicSamplingContext::new().with("transaction", name.to_owned())
    }

    #[test]
    fn the_first_word_counts_for_a_trace_and_a_client() {
        let known = Known(Mutex::default());
        let (one, other) = (ids::trace_id(), ids::trace_id());
        let of = |trace_id, client, name| known.find_or_make((trace_id, client), || named(name));
        assert_eq!(*of(one, 1, "first"), named("first"));
        assert_eq!(*of(one, 1, "second"), named("first"));
        assert_eq!(*of(one, 2, "other client"), named("other client"));
        assert_eq!(*of(other, 1, "other trace"), named("other trace"));
    }

    #[test]
    fn old_ones_are_forgotten() {
        let known = Known(Mutex::default());
        let of = |trace_id| known.find_or_make((trace_id, 1), || named("x"));
        let first = of(ids::trace_id());
        (0..MOST).for_each(|_| drop(of(ids::trace_id())));
        assert_eq!(Arc::strong_count(&first), 1);
        assert_eq!(lock(&known.0).len(), MOST);
    }
}
