//! What a thread knows of its hub, for the spans that integrations enter there.
//!
//! Such a span stands in for the one that the application has bound, as long as that is the one of when it was entered. To ask
//! the hub each time takes its lock. So the thread remembers the answer, like [`plain`](super::plain) does, and a hub that is
//! relied on tells when it changes.

use crate::client::Client;
use crate::hub::current::with_current;
use crate::hub::here::{Here, here};
use crate::hub::{Hub, lock, plain};
use crate::protocol::SpanId;

/// What was found out of a hub.
#[derive(Clone, Copy)]
pub(super) struct Known {
    /// Its address.
    pub(super) hub: usize,
    /// That in which it was found out. 0: none.
    generation: u32,
    /// Its client is there, and enabled.
    pub(super) is_on: bool,
    /// The span that the application has bound.
    pub(super) bound: Option<SpanId>,
}

impl Known {
    /// Nothing was found out yet. No hub is there.
    pub(super) const NOTHING: Self = Self { hub: 0, generation: 0, is_on: false, bound: None };

    fn of(hub: &Hub) -> Self {
        let generation = plain::generation();
        let mut state = lock(&hub.state);
        let bound = state.bound_span();
        let is_on = state.binding.with_client(Client::is_enabled).unwrap_or(false);
        state.rely();
        Self { hub: std::ptr::from_ref(hub).addr(), generation, is_on, bound }
    }
}

impl Here {
    /// What is known of the current hub.
    #[inline]
    fn known(&self) -> Option<Known> {
        let known = self.known.get();
        let is_current = plain::is_current(known.generation) && known.hub == self.hub.get();
        is_current.then_some(known)
    }
}

/// What is known of the current hub, which is asked if nothing is.
#[inline]
pub(super) fn known_here() -> Known {
    here(Here::known).unwrap_or_else(ask)
}

#[inline(never)]
fn ask() -> Known {
    let known = with_current(Known::of).unwrap_or(Known::NOTHING);
    here(|here| here.known.set(known));
    known
}
