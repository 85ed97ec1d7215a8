//! The span that the running code is in, where somebody else keeps track of it.
//!
//! A `tracing` span is entered and left each time a future is polled, on any thread and in any order. That must not change
//! the scopes, which belong to the request and outlive the poll. So each thread has a list of the spans it is in, and the
//! last one stands in for the span of the hub it was entered on. A span that the application binds to the scope meanwhile
//! is closer to the code, and wins.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak};

use crate::hub::current::{address_here, with_current};
use crate::hub::plain;
use crate::hub::{Hub, HubState};
use crate::protocol::SpanId;
use crate::sync::lock;
use crate::trace::{TransactionOrSpan, UnsampledRoot};

thread_local! {
    /// Spares those who know no such spans all but one load.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// The outermost one, if it is not recorded: that is where the threads of most services are. Everything in `ENTERED` was
    /// entered later.
    static OUTERMOST: Cell<Option<Outermost>> = const { Cell::new(None) };
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

/// A span that was entered, and under which circumstances it counts.
struct Entered {
    key: u64,
    span: Span,
    hub: *const Hub,
    /// The span of the hub's scope at that time.
    bound: Option<SpanId>,
    is_sampled: bool,
}

/// What was entered.
enum Span {
    /// Gone with its owner: what is left on another thread than it was entered on must not stay for ever.
    Followed(Weak<TransactionOrSpan>),
    /// Not recorded. Gone when its place belongs to another one.
    Root(&'static UnsampledRoot),
}

impl Span {
    fn is_alive(&self, key: u64) -> bool {
        match self {
            Self::Followed(span) => span.strong_count() > 0,
            Self::Root(root) => root.is_of(key as usize),
        }
    }

    fn look(&self, key: u64, state: &HubState) -> Option<Arc<TransactionOrSpan>> {
        match self {
            Self::Followed(span) => span.upgrade(),
            Self::Root(root) => seen(root, key, state),
        }
    }
}

/// A root that is not recorded, entered on the hub that it began on. No span was bound there when it began.
#[derive(Clone, Copy)]
struct Outermost {
    key: u64,
    root: &'static UnsampledRoot,
    /// Its address.
    hub: usize,
}

/// What it is to whoever works on the hub.
fn seen(root: &UnsampledRoot, key: u64, state: &HubState) -> Option<Arc<TransactionOrSpan>> {
    if root.is_of(key as usize) { root.look(state.binding.clone().client()) } else { None }
}

impl Hub {
    /// The code of this thread is in `span` from now on, as long as it runs on the current hub: what is captured belongs to
    /// the span, until it is left or dropped. For integrations that follow spans by a `key` of their own.
    pub fn enter_span(key: u64, span: &Arc<TransactionOrSpan>) {
        Self::enter(key, Span::Followed(Arc::downgrade(span)), span.is_sampled());
    }

    /// The same for a root that is not recorded and has its place under this `key`. For integrations.
    #[doc(hidden)]
    #[inline]
    pub fn enter_root(key: u64, root: &'static UnsampledRoot) {
        if DEPTH.try_with(Cell::get).unwrap_or(1) == 0 {
            let hub = address_here();
            if root.is_on(hub) {
                let _ = OUTERMOST.try_with(|outermost| outermost.set(Some(Outermost { key, root, hub })));
                let _ = DEPTH.try_with(|depth| depth.set(1));
                return;
            }
        }
        Self::enter(key, Span::Root(root), false);
    }

    #[inline(never)]
    fn enter(key: u64, span: Span, is_sampled: bool) {
        let (hub, bound) = with_current(|hub| (std::ptr::from_ref(hub), lock(&hub.state).top().bound_span()))
            .unwrap_or((std::ptr::null(), None));
        let entered = Entered { key, span, hub, bound, is_sampled };
        let depth = ENTERED.try_with(|list| {
            let mut list = list.borrow_mut();
            if list.len() == list.capacity() {
                list.retain(|entered| entered.span.is_alive(entered.key));
            }
            list.push(entered);
            list.len()
        });
        note_depth(depth.unwrap_or(0));
    }

    /// The code of this thread has left the span it entered last with this `key`. Does nothing if it has not entered one.
    #[inline]
    pub fn exit_span(key: u64) {
        let depth = DEPTH.try_with(Cell::get).unwrap_or(0);
        if depth == 0 {
            return;
        }
        match outermost() {
            // There is no other.
            Some(outermost) if depth == 1 => {
                if outermost.key == key {
                    leave_outermost(0);
                }
            }
            _ => Self::exit(key),
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
        if !was_found && outermost().is_some_and(|outermost| outermost.key == key) {
            return leave_outermost(left);
        }
        note_depth(left);
    }

    /// Whether the code of this thread is in a span that was entered and is not recorded, and so all that begins here will not
    /// be either. Says no where that takes a closer look. For integrations.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn is_in_unsampled_span() -> bool {
        let depth = DEPTH.try_with(Cell::get).unwrap_or(0);
        // A hub that is plain has no span bound to it.
        depth != 0 && (depth == 1 && is_in_outermost(plain::here()) || Self::is_last_unsampled())
    }

    #[inline(never)]
    fn is_last_unsampled() -> bool {
        let is_unsampled = |hub: &Self| {
            let last = ENTERED.try_with(|list| {
                let list = list.borrow();
                let Some(last) = list.last() else {
                    return is_in_outermost(Some(std::ptr::from_ref(hub).addr())).then_some(None);
                };
                let counts = !last.is_sampled && std::ptr::eq(last.hub, hub) && last.span.is_alive(last.key);
                counts.then_some(last.bound)
            });
            last.ok().flatten().is_some_and(|bound| bound == lock(&hub.state).top().bound_span())
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
        let mut state = lock(&self.state);
        self.ambient(&mut state).or_else(|| state.top().snapshot().span().cloned().map(Arc::new))
    }

    /// Whether the code of this thread may be in a span of somebody else's.
    #[inline]
    pub(super) fn is_in_any_span() -> bool {
        DEPTH.try_with(Cell::get).unwrap_or(0) != 0
    }

    /// The span that was entered and stands in for the one of the scope.
    #[inline]
    pub(super) fn ambient(&self, state: &mut HubState) -> Option<Arc<TransactionOrSpan>> {
        if Self::is_in_any_span() { self.last_entered(state) } else { None }
    }

    #[cold]
    fn last_entered(&self, state: &mut HubState) -> Option<Arc<TransactionOrSpan>> {
        let found = ENTERED.try_with(|list| {
            let list = list.borrow();
            let mut own = list.iter().rev().filter(|entered| std::ptr::eq(entered.hub, self));
            own.find_map(|entered| Some((entered.bound, entered.span.look(entered.key, state)?)))
        });
        let found = found.ok().flatten().or_else(|| {
            let outermost =
                outermost().filter(|outermost| outermost.hub == std::ptr::from_ref(self).addr())?;
            Some((None, seen(outermost.root, outermost.key, state)?))
        });
        let (bound, span) = found?;
        (bound == state.top().bound_span()).then_some(span)
    }
}

#[inline]
fn outermost() -> Option<Outermost> {
    OUTERMOST.try_with(Cell::get).ok().flatten()
}

/// Whether the thread is in one that began on the hub at the address.
#[inline]
fn is_in_outermost(hub: Option<usize>) -> bool {
    outermost()
        .is_some_and(|outermost| Some(outermost.hub) == hub && outermost.root.is_of(outermost.key as usize))
}

/// `left`: how many spans the thread is in without it.
#[inline]
fn leave_outermost(left: usize) {
    let _ = OUTERMOST.try_with(|outermost| outermost.set(None));
    let _ = DEPTH.try_with(|depth| depth.set(left));
}

/// `entered`: how many there are in the list.
fn note_depth(entered: usize) {
    let _ = DEPTH.try_with(|depth| depth.set(entered + usize::from(outermost().is_some())));
}

/// What is left on another thread than it was entered on must not stay for ever.
fn forget_outermost() {
    if outermost().is_some_and(|outermost| !outermost.root.is_of(outermost.key as usize)) {
        let left = ENTERED.try_with(|list| list.borrow().len());
        leave_outermost(left.unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::protocol::EnvelopeItem;
    use crate::test::with_captured_envelopes_options;
    use crate::{ClientOptions, Transaction, TransactionContext};

    /// The span that each message captured by `run` belongs to.
    fn spans(run: impl FnOnce(&Transaction)) -> Vec<(String, String)> {
        let envelopes = with_captured_envelopes_options(
            || {
                let transaction = crate::start_transaction(TransactionContext::new("t", "op"));
                run(&transaction);
            },
            ClientOptions::new().traces_sample_rate(1.0),
        );
        let event = |item: &EnvelopeItem| match item {
            EnvelopeItem::Event(event) => {
                let trace = serde_json::to_value(&event.contexts["trace"]).unwrap();
                Some((event.message.clone().unwrap(), trace["span_id"].as_str().unwrap().to_owned()))
            }
            _ => None,
        };
        envelopes.iter().filter_map(|envelope| envelope.items().find_map(event)).collect()
    }

    fn message(text: &str) {
        crate::capture_message(text, crate::Level::Info);
    }

    #[test]
    fn what_is_captured_belongs_to_the_span_that_was_entered_last() {
        let ids = Mutex::new(Vec::new());
        let told = spans(|transaction| {
            let (a, b) = (transaction.start_child("a", ""), transaction.start_child("b", ""));
            ids.lock().unwrap().extend([a.get_span_id().to_string(), b.get_span_id().to_string()]);
            let (a, b) = (Arc::new(a.into()), Arc::new(b.into()));
            Hub::enter_span(1, &a);
            message("a");
            Hub::enter_span(2, &b);
            message("b");
            // In an order of their own.
            Hub::exit_span(1);
            message("b again");
            Hub::exit_span(2);
            Hub::exit_span(2);
            message("none");
            Hub::enter_span(3, &a);
            drop(a);
            message("nobody left it");
        });
        let ids = ids.into_inner().unwrap();
        let of: Vec<_> = told.iter().map(|(_, span)| ids.iter().position(|id| id == span)).collect();
        assert_eq!(of, [Some(0), Some(1), Some(1), None, None]);
    }

    #[test]
    fn a_span_that_the_application_binds_meanwhile_wins() {
        let ids = Mutex::new(Vec::new());
        let told = spans(|transaction| {
            let (entered, bound) = (transaction.start_child("a", ""), transaction.start_child("b", ""));
            ids.lock().unwrap().extend([entered.get_span_id().to_string(), bound.get_span_id().to_string()]);
            let entered = Arc::new(entered.into());
            Hub::enter_span(1, &entered);
            crate::with_scope(|scope| scope.set_span(Some(bound.clone().into())), || message("bound"));
            message("entered");
            crate::configure_scope(|scope| {
                assert_eq!(
                    scope.get_span().unwrap().trace_and_span_id().1.to_string(),
                    ids.lock().unwrap()[0]
                );
            });
            let derived = Arc::new(Hub::new_from_top(Hub::current()));
            Hub::run(derived, || message("derived"));
            Hub::run(Arc::new(Hub::new_from_top(Hub::current())), || {
                crate::configure_scope(|scope| scope.set_span(Some(bound.clone().into())));
                message("bound in derived");
            });
            Hub::exit_span(1);
        });
        let ids = ids.into_inner().unwrap();
        let of: Vec<_> = told.iter().map(|(_, span)| ids.iter().position(|id| id == span)).collect();
        assert_eq!(of, [Some(1), Some(0), Some(0), Some(1)]);
    }

    #[test]
    fn what_is_set_inside_stays_when_the_span_is_left() {
        let events = crate::test::with_captured_events(|| {
            let transaction = crate::start_transaction(TransactionContext::new("t", "op"));
            let transaction = Arc::new(transaction.into());
            Hub::enter_span(1, &transaction);
            crate::configure_scope(|scope| scope.set_tag("inside", "yes"));
            Hub::exit_span(1);
            message("after");
        });
        assert_eq!(events[0].tags["inside"], "yes");
    }
}
