//! Capturing through a hub.

use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

use crate::breadcrumbs::{IntoBreadcrumbs, Kept};
use crate::client::{self, Capture, Client};
use crate::hint::Hint;
use crate::hub::outside::Outside;
use crate::hub::{Hub, lock};
use crate::nesting;
use crate::outbound::{Class, Durability, OutboundItem};
use crate::protocol::client_report::{Category, ItemLoss};
use crate::protocol::{Breadcrumb, Event, Level};
use crate::scope::ScopeSnapshot;
use crate::stacktrace::RawStack;
use crate::suppress;
use crate::trace::{Transaction, TransactionContext};
use crate::types::Uuid;
use crate::{clock, error};

impl Hub {
    /// Captures an event. Returns the nil id if it was dropped.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn capture_event(&self, event: Event<'static>) -> Uuid {
        self.capture(|| Capture::new(OutboundItem::Event(Box::new(event))))
    }

    /// Captures a message. Returns the nil id if it was dropped.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn capture_message(&self, message: &str, level: Level) -> Uuid {
        self.capture(|| {
            let (text, rest) = nesting::message(message);
            Capture { rest, ..Capture::new(OutboundItem::Message { level, text }) }
        })
    }

    /// Captures an error with its sources. Returns the nil id if it was dropped.
    pub fn capture_error<E: Error + ?Sized>(&self, error: &E) -> Uuid {
        self.capture(|| {
            let (chain, source) = error::chain(error);
            let hint = Hint::of_sources::<E>(source);
            Capture { hint, ..Capture::new(OutboundItem::Error { level: Level::Error, chain }) }
        })
    }

    /// The same for an error whose type callbacks may ask for.
    pub fn capture_error_typed<E: Error + 'static>(&self, error: &E) -> Uuid {
        self.capture(|| {
            let (chain, _) = error::chain(error);
            let hint = Hint::of_typed(error);
            Capture { hint, ..Capture::new(OutboundItem::Error { level: Level::Error, chain }) }
        })
    }

    /// Captures an event together with what it was made of, for callbacks. For integrations.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn capture_event_with_hint(&self, event: Event<'static>, hint: Hint<'_>) -> Uuid {
        self.capture(|| Capture { hint, ..Capture::new(OutboundItem::Event(Box::new(event))) })
    }

    /// Captures an event with the raw stack that belongs to its last exception. For crash handlers.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn capture_fatal(&self, event: Event<'static>, stack: Option<RawStack>, class: Class) -> Uuid {
        let durability = match class {
            // Whether it is caught, nobody knows yet.
            Class::Normal => Durability::Process,
            Class::Fatal => Durability::Power,
        };
        let item = OutboundItem::Event(Box::new(event));
        self.capture(|| Capture { stack, class, durability, ..Capture::new(item) })
    }

    /// The process dies of a panic that was captured before that was known: the session has crashed. For crash handlers.
    pub fn note_crash(&self) {
        if let Some((client, snapshot)) = self.client_and_snapshot() {
            client.note_crash(&snapshot);
        }
    }

    fn capture<'a>(&self, capture: impl FnOnce() -> Capture<'a>) -> Uuid {
        if !client::any_live() || suppress::is_suppressed() {
            return Uuid::nil();
        }
        let Some((client, snapshot)) = self.client_and_snapshot() else { return Uuid::nil() };
        if client.discards_event(&snapshot) {
            return Uuid::nil();
        }
        // The caller's `Display` may run in here, so no lock is held.
        let id = client.capture(capture(), snapshot);
        if !id.is_nil() {
            lock(&self.state).last_event_id = Some(id);
        }
        id
    }

    /// Who captures what is no event, and with what.
    pub(crate) fn for_telemetry(&self, category: Category) -> Option<(Arc<Client>, ScopeSnapshot)> {
        self.active().filter(|(client, _)| !client.discards_all(&[ItemLoss::new(category, 1)][..]))
    }

    /// The client and the scopes, if a capture leads anywhere.
    pub(crate) fn active(&self) -> Option<(Arc<Client>, ScopeSnapshot)> {
        if !client::any_live() || suppress::is_suppressed() {
            return None;
        }
        self.client_and_snapshot()
    }

    #[inline]
    fn client_and_snapshot(&self) -> Option<(Arc<Client>, ScopeSnapshot)> {
        let outside = Outside::now();
        let mut state = lock(&self.state);
        let ambient = self.ambient(&mut state, &outside);
        let binding = state.binding.clone();
        let snapshot = state.top().snapshot();
        drop(state);
        let client = binding.client().filter(|client| client.is_enabled())?;
        Some((client, snapshot.within(ambient)))
    }

    /// Adds breadcrumbs to the scope on top of the stack. Does nothing when no client is active.
    pub fn add_breadcrumb<B: IntoBreadcrumbs>(&self, breadcrumb: B) {
        if !client::any_live() {
            return;
        }
        match breadcrumb.ready() {
            Ok(breadcrumb) => {
                self.add_one_breadcrumb(breadcrumb);
            }
            // The closure of the user's is only asked when its answer is wanted, and no lock is held meanwhile.
            Err(breadcrumb) if self.wants_breadcrumbs() => {
                self.add_breadcrumbs(breadcrumb.into_breadcrumbs())
            }
            Err(_) => {}
        }
    }

    /// Adds one breadcrumb without running any code of the user's. `false`: `before_breadcrumb` has to see it first. What is
    /// left of it otherwise, or of the one that had to make room for it, is for the caller to drop.
    pub(crate) fn add_ready_breadcrumb(&self, breadcrumb: &mut Option<Kept>) -> bool {
        let mut state = lock(&self.state);
        let wanted = state.binding.with_client(|client| {
            let options = client.options();
            (
                if client.is_enabled() { options.max_breadcrumbs } else { 0 },
                options.before_breadcrumb.is_some(),
            )
        });
        let Some((max @ 1.., is_seen)) = wanted else { return true };
        if is_seen {
            return false;
        }
        state.fresh.push(breadcrumb, max);
        drop(state);
        self.note_change();
        true
    }

    fn add_one_breadcrumb(&self, breadcrumb: Breadcrumb) {
        let mut breadcrumb = Some(Kept::Whole(breadcrumb));
        if !self.add_ready_breadcrumb(&mut breadcrumb)
            && let Some(breadcrumb) = breadcrumb
        {
            self.show_breadcrumb(breadcrumb.into_breadcrumb());
        }
    }

    /// Whether a capture would lead anywhere.
    pub(crate) fn is_active(&self) -> bool {
        self.with_client(Client::is_enabled).unwrap_or(false)
    }

    fn wants_breadcrumbs(&self) -> bool {
        self.with_client(|client| client.is_enabled() && client.options().max_breadcrumbs > 0)
            .unwrap_or(false)
    }

    fn add_breadcrumbs(&self, breadcrumbs: impl Iterator<Item = Breadcrumb>) {
        breadcrumbs.for_each(|breadcrumb| self.add_one_breadcrumb(breadcrumb));
    }

    /// Adds a breadcrumb if `before_breadcrumb` does not drop it.
    #[inline(never)]
    fn show_breadcrumb(&self, breadcrumb: Breadcrumb) {
        // A crumb added by `before_breadcrumb` itself would come back to it for ever.
        if suppress::is_suppressed() {
            return;
        }
        let Some(client) = self.client().filter(|client| client.is_enabled()) else { return };
        let options = client.options();
        let breadcrumb = match &options.before_breadcrumb {
            None => Some(breadcrumb),
            Some(before) => suppress::guarded("before_breadcrumb", || before(breadcrumb)).ok().flatten(),
        };
        let mut breadcrumb = breadcrumb.map(Kept::Whole);
        if breadcrumb.is_some() {
            lock(&self.state).fresh.push(&mut breadcrumb, options.max_breadcrumbs);
            self.note_change();
        }
    }

    /// Starts a transaction that belongs to this hub.
    #[must_use = "a transaction is sent by finishing it"]
    pub fn start_transaction(&self, context: TransactionContext) -> Transaction {
        self.start_transaction_with_timestamp(context, clock::now())
    }

    /// Starts a transaction that began at `timestamp`.
    #[must_use = "a transaction is sent by finishing it"]
    pub fn start_transaction_with_timestamp(
        &self,
        context: TransactionContext,
        timestamp: SystemTime,
    ) -> Transaction {
        Transaction::start(self.client(), self, context, timestamp)
    }

    /// Starts a transaction that belongs to this hub, whose client somebody has at hand. For integrations.
    #[doc(hidden)]
    #[must_use = "a transaction is sent by finishing it"]
    pub fn start_transaction_for(&self, client: Arc<Client>, context: TransactionContext) -> Transaction {
        Transaction::start(Some(client), self, context, clock::now())
    }
}
