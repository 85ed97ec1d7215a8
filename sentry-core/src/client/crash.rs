//! Events of crash handlers: of a process that is dying, and of one that has died.

use crate::client::{Capture, Client};
use crate::envelope::EnvelopeItem;
use crate::outbound::{Class, Durability, OutboundItem};
use crate::protocol::Event;
use crate::scope::{Scope, ScopeSnapshot};
use crate::types::Uuid;

impl Client {
    /// Captures the event of a crash. It is as safe as it can be made when this returns. Returns the nil id if it was dropped.
    ///
    /// Without a scope nothing is added to what the event knows of its own process but what the client's options say.
    pub fn capture_crash(&self, event: Event<'static>, scope: Option<&Scope>) -> Uuid {
        if !self.is_enabled() {
            return Uuid::nil();
        }
        let item = OutboundItem::Event(Box::new(event));
        let capture = Capture { class: Class::Fatal, durability: Durability::Power, ..Capture::new(item) };
        self.capture(capture, scope.map_or_else(ScopeSnapshot::default, Scope::snapshot))
    }

    /// The process dies of what was captured before anybody could know: the session ends with it.
    pub(crate) fn note_crash(&self, scope: &ScopeSnapshot) {
        let ticket = scope.session().and_then(|session| session.crash());
        self.tell_alone(ticket.clone());
        if let Some(ticket) = ticket {
            self.told(&ticket);
        }
    }

    /// What a capture of `event` with `scope` would send right now, scrubbed, without any callback being asked. For crash
    /// handlers, which prepare what they cannot gather any more when it matters.
    #[must_use]
    pub fn outline(&self, event: Event<'static>, scope: &Scope) -> Option<Event<'static>> {
        let item = OutboundItem::Event(Box::new(event));
        let envelope = self.outbound(Capture::new(item), scope.snapshot()).finish_by(crate::clock::instant());
        envelope.into_items().find_map(|item| match item {
            EnvelopeItem::Event(event) => Some(*event),
            _ => None,
        })
    }
}
