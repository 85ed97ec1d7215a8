//! What a hub's lock protects: the client binding and the stack of scopes.

use std::sync::Arc;

use crate::client::{self, Client};
use crate::hub::plain::Relied;
use crate::hub::request::Unsettled;
use crate::scope::Scope;
#[cfg(feature = "release-health")]
use crate::session::Session;
use crate::trace::Transaction;
use crate::types::Uuid;

/// The scopes and the binding of one hub.
#[derive(Debug)]
pub(crate) struct HubState {
    pub(super) binding: Binding,
    isolation: Scope,
    pushed: Vec<(Pushed, Scope)>,
    newest: Pushed,
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
        self.pushed.last().map_or(&self.isolation, |(_, scope)| scope)
    }

    /// The binding and the scope on top.
    #[cfg(any(feature = "logs", feature = "metrics"))]
    pub(super) fn parts(&mut self) -> (&Binding, &Scope) {
        self.settle();
        (&self.binding, self.pushed.last().map_or(&self.isolation, |(_, scope)| scope))
    }

    pub(super) fn top_mut(&mut self) -> &mut Scope {
        self.relied.end();
        self.top_for_breadcrumbs()
    }

    /// The scope on top, for changes that nobody relies on.
    pub(super) fn top_for_breadcrumbs(&mut self) -> &mut Scope {
        self.settle();
        self.pushed.last_mut().map_or(&mut self.isolation, |(_, scope)| scope)
    }

    pub(super) fn base(&mut self) -> &Scope {
        self.settle();
        &self.isolation
    }

    /// Sets the scope up, if that was put off.
    #[inline]
    fn settle(&mut self) {
        if let Some(unsettled) = self.unsettled.take() {
            self.transaction = unsettled.settle(&self.binding, &mut self.isolation).map(Box::new);
        }
    }

    /// Whether what begins here belongs to nothing: no span, no other piece of work.
    #[inline]
    pub(super) fn is_outside_of_work(&self) -> bool {
        self.unsettled.is_none() && self.pushed.is_empty() && self.isolation.is_outside_of_work()
    }

    /// The same binding over a copy of the scope, for a piece of work that begins here and that nobody has looked at yet.
    /// `None` if the work belongs to something: a span, another piece of work.
    pub(super) fn fork_unsettled(&self) -> Option<Self> {
        self.is_outside_of_work().then(|| Self {
            unsettled: Some(Unsettled::new()),
            ..Self::new(self.binding.clone(), self.isolation.clone())
        })
    }

    /// Puts a session on the isolation scope, for everything that is captured here. Returns the one that was there.
    #[cfg(feature = "release-health")]
    pub(super) fn replace_session(&mut self, session: Option<Arc<Session>>) -> Option<Arc<Session>> {
        self.settle();
        // A pushed scope over the isolation scope refers to it as it was.
        for (_, scope) in &mut self.pushed {
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

    /// Pushes `scope` and returns what to pop it with.
    pub(super) fn push(&mut self, scope: Scope) -> Pushed {
        self.relied.end();
        self.newest = Pushed(self.newest.0.wrapping_add(1));
        self.pushed.push((self.newest, scope));
        self.newest
    }

    /// Pops a pushed scope and everything above it, for the caller to drop outside the lock.
    pub(crate) fn pop(&mut self, pushed: Pushed) -> Popped {
        let at = self.pushed.iter().rposition(|(other, _)| *other == pushed).unwrap_or(self.pushed.len());
        if self.pushed.len() == at + 1 {
            return Popped::One(self.pushed.pop());
        }
        Popped::Many(self.pushed.split_off(at))
    }

    /// The same binding over copies of the base and of the top scope.
    pub(super) fn fork(&mut self) -> Self {
        self.settle();
        let pushed = self.pushed.last().cloned().into_iter().collect();
        Self { pushed, newest: self.newest, ..Self::new(self.binding.clone(), self.isolation.clone()) }
    }
}

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
    One(Option<(Pushed, Scope)>),
    Many(Vec<(Pushed, Scope)>),
}
