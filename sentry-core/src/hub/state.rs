//! What a hub's lock protects: the client binding and the stack of scopes.

use std::sync::Arc;

use crate::client::{self, Client};
use crate::scope::Scope;
use crate::types::Uuid;

/// The scopes and the binding of one hub.
#[derive(Debug)]
pub(crate) struct HubState {
    pub(super) binding: Binding,
    isolation: Scope,
    pushed: Vec<Scope>,
    pub(super) last_event_id: Option<Uuid>,
}

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
        Self { binding, isolation, pushed: Vec::new(), last_event_id: None }
    }

    pub(super) fn top(&self) -> &Scope {
        self.pushed.last().unwrap_or(&self.isolation)
    }

    pub(super) fn top_mut(&mut self) -> &mut Scope {
        self.pushed.last_mut().unwrap_or(&mut self.isolation)
    }

    pub(super) fn base(&self) -> &Scope {
        &self.isolation
    }

    /// Pushes `scope` and returns the depth to pop to.
    pub(super) fn push(&mut self, scope: Scope) -> usize {
        self.pushed.push(scope);
        self.pushed.len() - 1
    }

    /// Pops everything above `depth`, for the caller to drop outside the lock.
    pub(crate) fn pop_to(&mut self, depth: usize) -> Popped {
        if self.pushed.len() == depth + 1 {
            return Popped::One(self.pushed.pop());
        }
        Popped::Many(self.pushed.split_off(depth.min(self.pushed.len())))
    }

    /// The same binding over copies of the base and of the top scope.
    pub(super) fn fork(&self) -> Self {
        let pushed = self.pushed.last().cloned().into_iter().collect();
        Self { binding: self.binding.clone(), isolation: self.isolation.clone(), pushed, last_event_id: None }
    }
}

/// Scopes taken off the stack; the usual single one needs no allocation.
#[derive(Debug)]
#[expect(dead_code, reason = "held only to be dropped outside the lock")]
pub(crate) enum Popped {
    One(Option<Scope>),
    Many(Vec<Scope>),
}
