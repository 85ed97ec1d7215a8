//! What a hub's lock protects: the client binding and the stack of scopes.

use std::sync::Arc;

use crate::breadcrumbs::Fresh;
use crate::client::{self, Client};
use crate::hub::plain::Relied;
use crate::hub::request::Unsettled;
use crate::protocol::SpanId;
use crate::scope::{Mark, Scope};
#[cfg(feature = "release-health")]
use crate::session::Session;
use crate::trace::Transaction;
use crate::types::Uuid;

/// The scopes and the binding of one hub.
#[derive(Debug)]
pub(crate) struct HubState {
    pub(super) binding: Binding,
    isolation: Scope,
    pushed: Vec<(Pushed, Bare)>,
    newest: Pushed,
    /// Breadcrumbs of the scope on top that nobody has looked at yet.
    pub(super) fresh: Fresh,
    pub(super) last_event_id: Option<Uuid>,
    /// Made for a request that has not begun yet.
    pub(super) is_vacant: bool,
    /// What the scope is set up with as soon as somebody looks at it.
    pub(super) unsettled: Option<Unsettled>,
    /// The transaction of the request, if it was made because somebody has looked.
    pub(super) transaction: Option<Box<Transaction>>,
    relied: Relied,
    /// The session on the isolation scope, if it was started here and not inherited.
    #[cfg(feature = "release-health")]
    pub(super) own_session: OwnSession,
}

/// Names a pushed scope, so that a guard finds its own even if somebody else popped it and pushed another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pushed(u64);

/// A pushed scope. `None`: nothing was written to it yet, so it shows what is below.
type Bare = Option<Scope>;

/// Where a hub gets its client from.
#[derive(Clone, Debug, Default)]
pub(super) enum Binding {
    /// The client of the process, whenever it is set.
    #[default]
    Process,
    /// Its own, or none at all.
    Own(Option<Arc<Client>>),
}

impl Binding {
    pub(super) fn own(client: Option<Arc<Client>>) -> Self {
        Self::Own(client)
    }

    pub(super) fn with_client<R>(&self, look: impl FnOnce(&Client) -> R) -> Option<R> {
        match self {
            Self::Process => client::with_process(look),
            Self::Own(client) => client.as_deref().map(look),
        }
    }

    pub(super) fn client(self) -> Option<Arc<Client>> {
        match self {
            Self::Process => client::process(),
            Self::Own(client) => client,
        }
    }
}

impl HubState {
    pub(super) fn new(binding: Binding, isolation: Scope) -> Self {
        Self {
            binding,
            isolation,
            pushed: Vec::new(),
            newest: Pushed(0),
            fresh: Fresh::default(),
            last_event_id: None,
            is_vacant: false,
            unsettled: None,
            transaction: None,
            relied: Relied::default(),
            #[cfg(feature = "release-health")]
            own_session: OwnSession::default(),
        }
    }

    pub(crate) fn top(&mut self) -> &Scope {
        self.settle();
        self.shown()
    }

    /// The binding and the scope on top. Its latest breadcrumbs may be missing.
    #[cfg(any(feature = "logs", feature = "metrics"))]
    #[inline]
    pub(super) fn parts(&mut self) -> (&Binding, &Scope) {
        self.set_up();
        (&self.binding, self.shown())
    }

    pub(super) fn top_mut(&mut self) -> &mut Scope {
        self.relied.end();
        self.settle();
        self.written()
    }

    pub(super) fn base(&mut self) -> &Scope {
        self.settle();
        &self.isolation
    }

    /// The span that the application has bound.
    pub(super) fn bound_span(&mut self) -> Option<SpanId> {
        self.set_up();
        self.shown().bound_span()
    }

    /// Does what was put off until somebody looks at the scope on top.
    #[inline]
    fn settle(&mut self) {
        self.set_up();
        if !self.fresh.is_empty() {
            self.take_fresh();
        }
    }

    /// Sets the scope up, if that was put off.
    #[inline]
    fn set_up(&mut self) {
        if let Some(unsettled) = self.unsettled.take() {
            self.transaction = unsettled.settle(&self.binding, &mut self.isolation).map(Box::new);
        }
    }

    #[inline(never)]
    fn take_fresh(&mut self) {
        let mut fresh = std::mem::take(&mut self.fresh);
        self.written().take_breadcrumbs(&mut fresh);
        // Its room is kept.
        self.fresh = fresh;
    }

    /// The scope that shows on top.
    #[inline]
    fn shown(&self) -> &Scope {
        self.shown_pushed().unwrap_or(&self.isolation)
    }

    #[inline]
    fn shown_pushed(&self) -> Option<&Scope> {
        self.pushed.iter().rev().find_map(|(_, scope)| scope.as_ref())
    }

    /// The scope on top, to write to.
    fn written(&mut self) -> &mut Scope {
        if let Some((_, None)) = self.pushed.last() {
            let child = self.shown().child();
            if let Some((_, bare)) = self.pushed.last_mut() {
                *bare = Some(child);
            }
        }
        match self.pushed.last_mut() {
            Some((_, Some(scope))) => scope,
            _ => &mut self.isolation,
        }
    }

    /// Whether what begins here belongs to nothing: no span, no other piece of work.
    #[inline]
    pub(super) fn is_outside_of_work(&self) -> bool {
        self.unsettled.is_none() && self.pushed.is_empty() && self.isolation.is_outside_of_work()
    }

    /// The same binding over a copy of the scope, for a piece of work that begins here and that nobody has looked at yet.
    /// `None` if the work belongs to something: a span, another piece of work.
    pub(super) fn fork_unsettled(&mut self) -> Option<Self> {
        if !self.is_outside_of_work() {
            return None;
        }
        let fork = Self::new(self.binding.clone(), self.base().clone());
        Some(Self { unsettled: Some(Unsettled::new()), ..fork })
    }

    /// Puts a session on the isolation scope, for everything that is captured here. Returns the one that was there.
    #[cfg(feature = "release-health")]
    pub(super) fn replace_session(&mut self, session: Option<Arc<Session>>) -> Option<Arc<Session>> {
        self.settle();
        // A pushed scope over the isolation scope refers to it as it was.
        for scope in self.pushed.iter_mut().filter_map(|(_, scope)| scope.as_mut()) {
            scope.replace_session(session.clone());
        }
        self.isolation.replace_session(session)
    }

    /// Binds another client. Returns the binding so far.
    pub(super) fn bind(&mut self, binding: Binding) -> Binding {
        self.relied.end();
        std::mem::replace(&mut self.binding, binding)
    }

    /// Somebody relies on it to stay as it is.
    pub(super) fn rely(&mut self) {
        self.relied.set();
    }

    /// Pushes a scope and returns what to pop it with.
    #[inline]
    pub(super) fn push(&mut self) -> Pushed {
        self.settle();
        self.relied.end();
        self.newest = Pushed(self.newest.0.wrapping_add(1));
        self.pushed.push((self.newest, None));
        self.newest
    }

    /// The same, and lets `scope`, an empty one, be what shows in it.
    #[inline]
    pub(super) fn push_for(&mut self, scope: &mut Scope) -> Pushed {
        let pushed = self.push();
        self.shown().lend_to(scope);
        pushed
    }

    /// Writes what was made of `base` to a pushed scope, and keeps what others have written to it meanwhile. Returns what is
    /// to be dropped outside the lock.
    pub(super) fn write(&mut self, pushed: Pushed, base: &Mark, mine: Scope) -> Replaced {
        self.relied.end();
        let Some((_, theirs)) = self.pushed.iter_mut().rfind(|(other, _)| *other == pushed) else {
            return Some(Box::new((mine, None)));
        };
        let Some(theirs) = theirs else {
            *theirs = Some(mine);
            return None;
        };
        let replaced = Box::new((theirs.clone(), Some(mine.clone())));
        base.replay(theirs, mine);
        Some(replaced)
    }

    /// Pops a pushed scope and everything above it, for the caller to drop outside the lock.
    #[inline]
    pub(crate) fn pop(&mut self, pushed: Pushed) -> Popped {
        self.relied.end();
        match self.pushed.last() {
            Some((last, scope)) if *last == pushed => {
                let is_bare = scope.is_none();
                self.fresh.clear();
                let popped = self.pushed.pop();
                if is_bare { Popped::Bare } else { Popped::One(popped.and_then(|(_, scope)| scope)) }
            }
            _ => self.pop_many(pushed),
        }
    }

    #[cold]
    fn pop_many(&mut self, pushed: Pushed) -> Popped {
        let Some(at) = self.pushed.iter().rposition(|(other, _)| *other == pushed) else {
            return Popped::Bare;
        };
        self.fresh.clear();
        Popped::Many(self.pushed.split_off(at))
    }

    /// The same binding over copies of the base and of the top scope.
    pub(super) fn fork(&mut self) -> Self {
        self.settle();
        let top = || (self.newest, self.shown_pushed().cloned());
        let pushed = if self.pushed.is_empty() { Vec::new() } else { vec![top()] };
        Self { pushed, newest: self.newest, ..Self::new(self.binding.clone(), self.isolation.clone()) }
    }
}

/// Held on to until the lock is free: it may have destructors of the user's. There hardly ever is anything.
type Replaced = Option<Box<(Scope, Option<Scope>)>>;

/// The session that was started on a hub. Ends with it: what was captured in the session may be under way still.
#[cfg(feature = "release-health")]
#[derive(Debug, Default)]
pub(super) struct OwnSession(Option<Arc<Session>>);

#[cfg(feature = "release-health")]
impl OwnSession {
    pub(super) fn replace(&mut self, session: Option<Arc<Session>>) -> Option<Arc<Session>> {
        std::mem::replace(&mut self.0, session)
    }
}

#[cfg(feature = "release-health")]
impl Drop for OwnSession {
    fn drop(&mut self) {
        if let Some(session) = self.0.take() {
            session.abandon();
        }
    }
}

/// Scopes taken off the stack; the usual single one needs no allocation.
#[derive(Debug)]
#[expect(dead_code, reason = "held only to be dropped outside the lock")]
pub(crate) enum Popped {
    Bare,
    One(Bare),
    Many(Vec<(Pushed, Bare)>),
}
