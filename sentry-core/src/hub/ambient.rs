//! The span that the running code is in, where somebody else keeps track of it.
//!
//! A `tracing` span is entered and left each time a future is polled, on any thread and in any order. That must not change
//! the scopes, which belong to the request and outlive the poll. So each thread has a list of the spans it is in, and the
//! last one stands in for the span of the hub it was entered on. A span that the application binds to the scope meanwhile
//! is closer to the code, and wins.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use crate::client::Client;
use crate::hub::current::with_current;
use crate::hub::here::{LISTED, ROOT, Root, here};
use crate::hub::known::known_here;
use crate::hub::outside::Outside;
use crate::hub::plain;
use crate::hub::{Hub, HubState};
use crate::protocol::SpanId;
use crate::sync::lock;
use crate::trace::{Above, Place, TransactionOrSpan, UnsampledRoot};

thread_local! {
    /// Everything in it was entered after the outermost root, if the thread is in one: that is where those of most services
    /// are, and so it has a place of its own.
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

/// A span that was entered, and under which circumstances it counts.
struct Entered {
    key: u64,
    span: Span,
    /// The address of the hub.
    hub: usize,
    /// The span of the hub's scope at that time.
    bound: Option<SpanId>,
    is_sampled: bool,
}

/// What was entered.
enum Span {
    /// Gone with its owner: what is left on another thread than it was entered on must not stay for ever.
    Followed(Weak<TransactionOrSpan>),
    /// Gone when its place belongs to another one, or to nobody.
    Placed { place: &'static Place, registry: u32 },
    /// Not recorded. Gone when its place belongs to another one.
    Root(&'static UnsampledRoot),
}

impl Span {
    fn is_alive(&self, key: u64) -> bool {
        match self {
            Self::Followed(span) => span.strong_count() > 0,
            Self::Placed { place, registry } => place.is_taken_by((key, *registry)),
            Self::Root(root) => root.is_of(key),
        }
    }

    /// Whether nobody is changing it right now.
    fn is_free(&self) -> bool {
        match self {
            Self::Followed(_) | Self::Root(_) => true,
            Self::Placed { place, .. } => place.is_free(),
        }
    }

    fn look(&self, key: u64, state: &HubState) -> Option<Arc<TransactionOrSpan>> {
        match self {
            Self::Followed(span) => span.upgrade(),
            Self::Placed { place, registry } => place.span((key, *registry)),
            Self::Root(root) => seen(root, key, state),
        }
    }
}

/// What it is to whoever works on the hub.
fn seen(root: &UnsampledRoot, key: u64, state: &HubState) -> Option<Arc<TransactionOrSpan>> {
    if root.is_of(key) { root.look(state.binding.clone().client()) } else { None }
}

impl Hub {
    /// The code of this thread is in `span` from now on, as long as it runs on the current hub: what is captured belongs to
    /// the span, until it is left or dropped. For integrations that follow spans by a `key` of their own.
    pub fn enter_span(key: u64, span: &Arc<TransactionOrSpan>) {
        Self::enter(key, Span::Followed(Arc::downgrade(span)), span.is_sampled());
    }

    /// The same for a span that has its place under this `key` of a registry. For integrations.
    #[doc(hidden)]
    #[inline]
    pub fn enter_placed((key, registry): (u64, u32), place: &'static Place) {
        Self::enter(key, Span::Placed { place, registry }, place.is_sampled());
    }

    /// The same for a root that is not recorded, if it was the last one to begin on this thread or to be entered here. `false`:
    /// it is not, or this takes a closer look. For integrations.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn enter_last_root(key: u64, registry: u32) -> bool {
        here(|here| {
            let root = here.root.get();
            let enters = root.key == key
                && root.hub == here.hub.get()
                && root.place.is_taken_by(key, registry)
                && here.depth.get() == 0;
            if enters {
                here.depth.set(ROOT);
            }
            enters
        })
    }

    /// The same for any root that is not recorded and has its place under this `key`. For integrations.
    #[doc(hidden)]
    pub fn enter_root(key: u64, place: &'static UnsampledRoot) {
        let is_entered = here(|here| {
            let hub = here.hub.get();
            let is_outermost = here.depth.get() == 0 && place.is_on(hub);
            if is_outermost {
                here.enter(Root { key, place, hub });
            }
            is_outermost
        });
        if !is_entered {
            Self::enter(key, Span::Root(place), false);
        }
    }

    /// The code of this thread is in a span that nothing is known of, and that is left as any other. For integrations.
    #[doc(hidden)]
    #[inline]
    pub fn enter_unknown() {
        here(|here| here.others.set(here.others.get() + 1));
    }

    #[inline(never)]
    fn enter(key: u64, span: Span, is_sampled: bool) {
        let known = known_here();
        let entered = Entered { key, span, hub: known.hub, bound: known.bound, is_sampled };
        let depth = ENTERED.try_with(|list| {
            let mut list = list.borrow_mut();
            if list.len() == list.capacity() {
                list.retain(|entered| entered.span.is_alive(entered.key));
            }
            list.push(entered);
            list.len()
        });
        here(|here| here.note_listed(depth.unwrap_or(0)));
    }

    /// The code of this thread has left the span it entered last with this `key`. Does nothing if it has not entered one.
    #[inline]
    pub fn exit_span(key: u64) {
        let is_listed = here(|here| {
            let depth = here.depth.get();
            if depth == ROOT && here.root.get().key == key {
                here.depth.set(0);
            } else if depth < LISTED {
                here.leave_other();
            }
            depth >= LISTED
        });
        if is_listed {
            Self::exit(key);
        }
    }

    #[inline(never)]
    fn exit(key: u64) {
        let left = ENTERED.try_with(|list| {
            let mut list = list.borrow_mut();
            let at = list.iter().rposition(|entered| entered.key == key);
            if let Some(at) = at {
                // What it holds is weak: nothing of the application's is dropped here.
                list.remove(at);
            }
            (list.len(), at.is_some())
        });
        let (left, was_found) = left.unwrap_or((0, false));
        here(|here| {
            here.note_listed(left);
            if was_found {
                return;
            }
            match here.outermost() {
                Some(root) if root.key == key => here.leave_root(),
                _ => here.leave_other(),
            }
        });
    }

    /// Whether the code of this thread is in a span that was entered and is not recorded, and so all that begins here will not
    /// be either. Says no where that takes a closer look. For integrations.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn is_in_unsampled_span() -> bool {
        let depth = here(|here| here.depth.get());
        // A hub that is plain has no span bound to it.
        depth != 0 && (depth == ROOT && is_in_outermost(plain::here()) || Self::is_last_unsampled())
    }

    #[inline(never)]
    fn is_last_unsampled() -> bool {
        // This is certain without the hub.
        if is_last_sampled() {
            return false;
        }
        let is_unsampled = |hub: &Self| {
            let last = ENTERED.try_with(|list| {
                let list = list.borrow();
                let Some(last) = list.last() else {
                    return is_in_outermost(Some(std::ptr::from_ref(hub).addr())).then_some(None);
                };
                let is_on = last.hub == std::ptr::from_ref(hub).addr();
                let counts = !last.is_sampled && is_on && last.span.is_alive(last.key);
                counts.then_some(last.bound)
            });
            last.ok().flatten().is_some_and(|bound| bound == lock(&hub.state).bound_span())
        };
        let is_unsampled = with_current(is_unsampled).unwrap_or(false);
        if !is_unsampled {
            forget_outermost();
        }
        is_unsampled
    }

    /// The span that code on this hub belongs to: what the scope is bound to, or what was entered since.
    #[must_use]
    pub fn active_span(&self) -> Option<Arc<TransactionOrSpan>> {
        let outside = Outside::now();
        let mut state = lock(&self.state);
        self.ambient(&mut state, &outside).or_else(|| state.top().snapshot().span().cloned().map(Arc::new))
    }

    /// Whether that may be so. For integrations.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn may_be_below_any() -> bool {
        here(|here| here.depth.get()) >= LISTED
    }

    /// The span that was entered last, for one that begins below it, if all that is certain: it is recorded, and what begins here
    /// belongs to it. For integrations.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn above_here() -> Option<Above> {
        let last = |list: &RefCell<Vec<Entered>>| match list.borrow().last() {
            Some(&Entered { key, span: Span::Placed { place, registry }, hub, bound, is_sampled: true }) => {
                Some(((key, registry), place, hub, bound))
            }
            _ => None,
        };
        let (who, place, hub, bound) = ENTERED.try_with(last).ok().flatten()?;
        // Nothing is borrowed while the hub may be asked.
        let known = known_here();
        let is_here = known.is_on && known.hub == hub && known.bound == bound;
        if is_here { place.above(who) } else { None }
    }

    /// The span that was entered last, if it is recorded, and what begins here belongs to it. For integrations.
    #[doc(hidden)]
    #[must_use]
    pub fn recording_span() -> Option<Arc<TransactionOrSpan>> {
        if !is_last_sampled() {
            return None;
        }
        with_current(|hub| {
            let mut state = lock(&hub.state);
            let is_on = state.binding.with_client(Client::is_enabled).unwrap_or(false);
            if is_on { hub.ambient(&mut state, &None) } else { None }
        })
        .flatten()
        .filter(|span| span.is_sampled())
    }

    /// Whether the code of this thread may be in a span that was entered. For integrations.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn is_in_any_span() -> bool {
        here(|here| here.depth.get()) != 0
    }

    /// The span that was entered, or that the code is in `outside`, and stands in for the one of the scope.
    #[inline]
    pub(super) fn ambient(
        &self,
        state: &mut HubState,
        outside: &Option<Outside>,
    ) -> Option<Arc<TransactionOrSpan>> {
        let entered = if Self::is_in_any_span() { self.last_entered(state) } else { None };
        match (entered, outside) {
            (None, Some(outside)) => outside.on(state),
            (entered, _) => entered,
        }
    }

    #[cold]
    fn last_entered(&self, state: &mut HubState) -> Option<Arc<TransactionOrSpan>> {
        let found = ENTERED.try_with(|list| {
            let list = list.borrow();
            let here = std::ptr::from_ref(self).addr();
            let mut own = list.iter().rev().filter(|entered| entered.hub == here);
            own.find_map(|entered| Some((entered.bound, entered.span.look(entered.key, state)?)))
        });
        let found = found.ok().flatten().or_else(|| {
            let root = outermost().filter(|root| root.hub == std::ptr::from_ref(self).addr())?;
            Some((None, seen(root.place, root.key, state)?))
        });
        let (bound, span) = found?;
        (bound == state.bound_span()).then_some(span)
    }
}

/// Whether all could be looked at that this thread is in.
pub(super) fn is_free() -> bool {
    let is_free = |list: &RefCell<Vec<Entered>>| {
        list.try_borrow_mut().is_ok_and(|list| list.iter().all(|entered| entered.span.is_free()))
    };
    ENTERED.try_with(is_free).unwrap_or(true)
}

/// Whether the span that was entered last is recorded.
fn is_last_sampled() -> bool {
    let is_sampled = |list: &RefCell<Vec<Entered>>| list.borrow().last().is_some_and(|last| last.is_sampled);
    ENTERED.try_with(is_sampled).unwrap_or(false)
}

#[inline]
fn outermost() -> Option<Root> {
    here(|here| here.outermost())
}

/// Whether the thread is in one that began on the hub at the address.
#[inline]
fn is_in_outermost(hub: Option<usize>) -> bool {
    outermost().is_some_and(|root| Some(root.hub) == hub && root.is_alive())
}

/// What is left on another thread than it was entered on must not stay for ever.
fn forget_outermost() {
    if outermost().is_some_and(|root| !root.is_alive()) {
        here(|here| here.leave_root());
    }
}

#[cfg(test)]
#[path = "ambient_tests.rs"]
mod tests;
