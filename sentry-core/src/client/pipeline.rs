//! The stages between a capture and the transport, in the order of protocol.md 12.2.

use std::sync::Arc;

use crate::client::callbacks::{self, Unseen};
use crate::client::{Client, ClientEvent, Completion};
use crate::envelope::EnvelopeItem;
use crate::hint::{Hint, PanicInfo};
use crate::lean::LeanEvent;
use crate::nesting::{self, Rest};
use crate::options::{Named, errors_of};
use crate::outbound::{Class, Durability, Outbound, OutboundItem};
use crate::protocol::client_report::{Category, Reason};
use crate::protocol::{Envelope, Event};
use crate::scope::{Scope, ScopeSnapshot};
use crate::session::{self, Origin, Ticket};
use crate::stacktrace::RawStack;
use crate::suppress::guarded;
use crate::transport::Transport;
use crate::types::Uuid;
use crate::{clock, rng, stacktrace};

/// What a hub hands to its client.
pub(crate) struct Capture<'a> {
    pub(crate) item: OutboundItem,
    pub(crate) stack: Option<RawStack>,
    pub(crate) class: Class,
    pub(crate) durability: Durability,
    /// What was taken off the item already.
    pub(crate) rest: Option<Arc<Rest>>,
    /// What it was made of.
    pub(crate) hint: Hint<'a>,
}

impl Capture<'_> {
    #[inline]
    pub(crate) fn new(item: OutboundItem) -> Self {
        Self {
            item,
            stack: None,
            class: Class::Normal,
            durability: Durability::Memory,
            rest: None,
            hint: Hint::new(),
        }
    }
}

impl Client {
    /// Captures an event with the given scope. Returns the nil id if it was dropped.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn capture_event(&self, event: Event<'static>, scope: Option<&Scope>) -> Uuid {
        if !self.is_enabled() || crate::suppress::is_suppressed() {
            return Uuid::nil();
        }
        self.capture(Capture::new(OutboundItem::Event(Box::new(event))), snapshot_of(scope))
    }

    /// Takes an event through every stage up to and including `before_send`.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn prepare_event(&self, event: Event<'static>, scope: Option<&Scope>) -> Option<Event<'static>> {
        let item = OutboundItem::Event(Box::new(event));
        let capture = Capture::new(item);
        let scope = snapshot_of(scope);
        if self.is_ignored(&capture) {
            callbacks::lose_event(self.options(), Reason::EventProcessor, &scope);
            return None;
        }
        let mut outbound = self.outbound(capture, scope);
        let event = outbound.complete();
        let panic = PanicInfo::of(&event);
        self.run_callbacks(event, &outbound.scope, &Hint::new().within(&outbound.scope, panic.as_ref()))
    }

    /// Sends an envelope. No callback looks at it, and nothing is added; secrets are taken out of it as of everything
    /// else, unless it was made of [raw bytes](Envelope::from_bytes_raw).
    pub fn send_envelope(&self, mut envelope: Envelope) {
        if self.discards_all(&envelope) {
            return;
        }
        let Some(transport) = self.transport() else { return };
        let mut rest = None;
        for item in envelope.items_mut() {
            let own = match item {
                EnvelopeItem::Event(event) | EnvelopeItem::Feedback(event) => nesting::limit_event(event),
                EnvelopeItem::Transaction(transaction) => nesting::limit_transaction(transaction),
                _ => None,
            };
            self.lose_spans(own.as_deref());
            // There is one at most, if the envelope is what it should be.
            rest = rest.or(own);
        }
        let mut outbound = Outbound::from_envelope(envelope).of_client(&self.inner.completion);
        outbound.rest = rest;
        let _ = guarded("transport", || transport.send(outbound));
    }

    /// Whether something that is kept at `rate` is kept this time.
    #[must_use]
    pub fn sample_should_send(&self, rate: f32) -> bool {
        callbacks::sample(rate)
    }

    pub(crate) fn capture(&self, capture: Capture<'_>, scope: ScopeSnapshot) -> Uuid {
        if self.discards_event(&scope) {
            return Uuid::nil();
        }
        let Some(transport) = self.transport() else { return Uuid::nil() };
        // A panic hook must not run code that may panic: such an item takes its callbacks along.
        let in_hook = capture.durability != Durability::Memory;
        if !in_hook && self.is_ignored(&capture) {
            callbacks::lose_event(self.options(), Reason::EventProcessor, &scope);
            return Uuid::nil();
        }
        let options = self.options();
        let looked_at = self.inner.completes_events || scope.has_processors();
        let later = in_hook && (looked_at || !options.ignore_errors.is_empty());
        if later || !looked_at {
            let ticket = fault_of(&capture, &scope);
            let is_cast_later = later && options.error_sampler.is_some();
            if !is_cast_later && !self.sampled(options.event_sample_rate(), &scope) {
                self.tell_alone(ticket);
                self.show(&*transport, || self.outbound(capture, scope));
                return Uuid::nil();
            }
            let mut outbound = Some(self.outbound_here(capture, scope));
            if let Some(outbound) = &mut outbound {
                outbound.unseen = later.then(Unseen::default);
                outbound.slim();
            }
            return self.send_event(&*transport, &mut outbound, ticket);
        }
        let origin = Origin::of(capture.class, capture.durability);
        let is_message = matches!(capture.item, OutboundItem::Message { .. });
        let hint = capture.hint;
        let mut outbound = self.outbound(capture, scope);
        let event = outbound.complete();
        let panic = PanicInfo::of(&event);
        let hint = hint.within(&outbound.scope, panic.as_ref());
        let Some(event) = self.run_callbacks(event, &outbound.scope, &hint) else { return Uuid::nil() };
        let fault = || if is_message { None } else { session::fault_of_event(&event, origin) };
        let ticket = outbound.scope.session().and_then(|session| session.record(fault()?));
        let is_kept = self.sampled(options.rate_for(&event, &hint), &outbound.scope);
        outbound.id = event.event_id;
        outbound.item =
            OutboundItem::Completed(Box::new(LeanEvent::new(event, self.inner.completion.known())));
        outbound.stack = None;
        if !is_kept {
            self.tell_alone(ticket);
            self.show(&*transport, || outbound);
            return Uuid::nil();
        }
        self.send_event(&*transport, &mut Some(outbound), ticket)
    }

    /// Takes the event. It is large: it stays where it is until it goes to the transport.
    fn send_event(
        &self,
        transport: &dyn Transport,
        outbound: &mut Option<Outbound>,
        ticket: Option<Arc<Ticket>>,
    ) -> Uuid {
        let Some(event) = outbound else { return Uuid::nil() };
        let id = event.id;
        // A panic hook must not run code that may panic.
        if event.durability == Durability::Memory {
            self.tell_hooks(|| ClientEvent::Captured { event_id: id });
        }
        event.session.clone_from(&ticket);
        self.hand_over_from(transport, outbound, (Category::Error, 1));
        if let Some(ticket) = ticket {
            self.told(&ticket);
        }
        id
    }

    /// What sampling has dropped, and counted, is still for Spotlight (protocol.md 21.1). Free while that is off.
    pub(super) fn show(&self, transport: &dyn Transport, outbound: impl FnOnce() -> Outbound) {
        if self.options().spotlight.is_on() && !self.discards() {
            let _ = guarded("transport", || {
                if transport.wants_unsampled() {
                    transport.send_unsampled(outbound());
                }
            });
        }
    }

    /// A transport may be the user's: neither a panic in it nor what it captures itself comes back to the application.
    pub(super) fn hand_over(&self, transport: &dyn Transport, outbound: Outbound, lost: (Category, u64)) {
        self.hand_over_from(transport, &mut Some(outbound), lost);
    }

    fn hand_over_from(
        &self,
        transport: &dyn Transport,
        outbound: &mut Option<Outbound>,
        lost: (Category, u64),
    ) {
        let send = || {
            if let Some(outbound) = outbound.take() {
                transport.send(outbound);
            }
        };
        if guarded("transport", send).is_err() {
            self.recorder().record(Reason::InternalSdkError, lost.0, lost.1);
        }
    }

    pub(super) fn outbound(&self, capture: Capture<'_>, scope: ScopeSnapshot) -> Outbound {
        self.outbound_here(capture, scope)
    }

    /// The same for where most captures come by: inlined, neither of these large values is copied again and again.
    #[inline(always)]
    fn outbound_here(&self, mut capture: Capture<'_>, scope: ScopeSnapshot) -> Outbound {
        let rest = match &mut capture.item {
            OutboundItem::Error { chain, .. } => nesting::limit_chain(chain),
            OutboundItem::Event(event) => nesting::limit_event(event),
            OutboundItem::Transaction(transaction) => nesting::limit_transaction(transaction),
            _ => capture.rest,
        };
        self.lose_spans(rest.as_deref());
        let time = clock::now();
        let id = match &capture.item {
            OutboundItem::Event(event) if !event.event_id.is_nil() => event.event_id,
            OutboundItem::Transaction(transaction) if !transaction.event_id.is_nil() => transaction.event_id,
            _ => rng::uuid_at(time),
        };
        let stack = capture.stack.or_else(|| self.stack_for(&capture.item));
        let thread = match (&stack, &capture.item) {
            (Some(_), OutboundItem::Message { .. } | OutboundItem::Event(_)) => Some(stacktrace::thread()),
            _ => None,
        };
        Outbound {
            id,
            thread,
            time,
            item: capture.item,
            scope,
            stack,
            class: capture.class,
            durability: capture.durability,
            completion: Some(Arc::clone(&self.inner.completion)),
            unseen: None,
            is_raw: false,
            suppressed: 0,
            session: None,
            rest,
        }
    }

    pub(super) fn lose_spans(&self, rest: Option<&Rest>) {
        let spans = rest.map_or(0, Rest::spans) as u64;
        self.recorder().record(Reason::BufferOverflow, Category::Span, spans);
    }

    fn stack_for(&self, item: &OutboundItem) -> Option<RawStack> {
        let options = self.options();
        if !options.attach_stacktrace {
            return None;
        }
        let wanted = match item {
            OutboundItem::Message { .. } | OutboundItem::Error { .. } | OutboundItem::Lean(_) => true,
            OutboundItem::Event(event) => !Completion::has_stack(event),
            OutboundItem::Completed(_)
            | OutboundItem::Recorded(_)
            | OutboundItem::Transaction(_)
            | OutboundItem::Telemetry(_)
            | OutboundItem::Envelope(_) => false,
        };
        wanted.then(|| options.stack_source.as_ref().map(|source| source.capture())).flatten()
    }

    /// Asks the callbacks, and counts the event if one of them drops it.
    fn run_callbacks(
        &self,
        event: Event<'static>,
        scope: &ScopeSnapshot,
        hint: &Hint<'_>,
    ) -> Option<Event<'static>> {
        let seen = callbacks::ask(self.options(), event, scope, hint);
        seen.map_err(|reason| callbacks::lose_event(self.options(), reason, scope)).ok()
    }

    /// Whether `ignore_errors` says so: asked before anything is done about it (protocol.md 12.2).
    fn is_ignored(&self, capture: &Capture<'_>) -> bool {
        let options = self.options();
        match &capture.item {
            _ if options.ignore_errors.is_empty() => false,
            OutboundItem::Error { chain, .. } => {
                options.ignores(chain.iter().map(Named::from), &capture.hint)
            }
            OutboundItem::Event(event) => options.ignores(errors_of(event), &capture.hint),
            _ => false,
        }
    }

    fn sampled(&self, rate: f32, scope: &ScopeSnapshot) -> bool {
        let sampled = callbacks::sample(rate);
        if !sampled {
            callbacks::lose_event(self.options(), Reason::SampleRate, scope);
        }
        sampled
    }
}

fn snapshot_of(scope: Option<&Scope>) -> ScopeSnapshot {
    let Some(scope) = scope else { return ScopeSnapshot::default() };
    // Every event belongs to a trace, also one captured with a scope that never was on a hub.
    let mut scope = scope.clone();
    scope.ensure_propagation_context();
    scope.snapshot()
}

/// What the item does to its session: settled before the die of sampling is cast.
fn fault_of(capture: &Capture<'_>, scope: &ScopeSnapshot) -> Option<Arc<Ticket>> {
    let session = scope.session()?;
    let fault = match &capture.item {
        OutboundItem::Error { level, .. } => session::fault_of_error(*level),
        OutboundItem::Event(event) => {
            session::fault_of_event(event, Origin::of(capture.class, capture.durability))
        }
        _ => None,
    };
    session.record(fault?)
}
