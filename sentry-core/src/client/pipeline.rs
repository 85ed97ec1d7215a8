//! The stages between a capture and the transport, in the order of protocol.md 12.2.

use std::sync::Arc;

use crate::client::{Client, Completion};
use crate::outbound::{Class, Durability, Outbound, OutboundItem};
use crate::protocol::client_report::{Category, LossSource, Reason};
use crate::protocol::{Envelope, Event, Transaction};
use crate::scope::{Scope, ScopeSnapshot};
use crate::stacktrace::RawStack;
use crate::suppress::guarded;
use crate::types::Uuid;
use crate::{clock, rng, stacktrace};

/// What a hub hands to its client.
pub(crate) struct Capture {
    pub(crate) item: OutboundItem,
    pub(crate) stack: Option<RawStack>,
    pub(crate) class: Class,
}

impl Capture {
    pub(crate) fn new(item: OutboundItem) -> Self {
        Self { item, stack: None, class: Class::Normal }
    }
}

impl Client {
    /// Captures an event with the given scope. Returns the nil id if it was dropped.
    pub fn capture_event(&self, event: Event<'static>, scope: Option<&Scope>) -> Uuid {
        if !self.is_enabled() || crate::suppress::is_suppressed() {
            return Uuid::nil();
        }
        let snapshot = scope.map(Scope::snapshot).unwrap_or_default();
        self.capture(Capture::new(OutboundItem::Event(Box::new(event))), snapshot)
    }

    /// Takes an event through every stage up to and including `before_send`.
    pub fn prepare_event(&self, event: Event<'static>, scope: Option<&Scope>) -> Option<Event<'static>> {
        let snapshot = scope.map(Scope::snapshot).unwrap_or_default();
        let mut outbound = self.outbound(Capture::new(OutboundItem::Event(Box::new(event))), snapshot);
        self.run_callbacks(outbound.complete(), &outbound.scope).map(|event| *event)
    }

    /// Sends a finished envelope as it is.
    pub fn send_envelope(&self, envelope: Envelope) {
        if let Some(transport) = self.transport() {
            transport.send_envelope(envelope);
        }
    }

    /// Whether something that is kept at `rate` is kept this time.
    #[must_use]
    pub fn sample_should_send(&self, rate: f32) -> bool {
        match rate {
            rate if rate >= 1.0 => true,
            rate if rate <= 0.0 || rate.is_nan() => false,
            rate => rng::unit() < f64::from(rate),
        }
    }

    pub(crate) fn capture(&self, capture: Capture, scope: ScopeSnapshot) -> Uuid {
        let Some(transport) = self.transport() else { return Uuid::nil() };
        let looked_at = self.inner.completes_events || scope.has_processors();
        if !looked_at && !self.sampled() {
            return Uuid::nil();
        }
        let mut outbound = self.outbound(capture, scope);
        if looked_at {
            let Some(event) = self.run_callbacks(outbound.complete(), &outbound.scope) else {
                return Uuid::nil();
            };
            if !self.sampled() {
                return Uuid::nil();
            }
            outbound.id = event.event_id;
            outbound.item = OutboundItem::Completed(event);
            outbound.stack = None;
        }
        let id = outbound.id;
        transport.send(outbound);
        id
    }

    /// Sends a finished transaction.
    pub(crate) fn send_transaction(&self, mut transaction: Transaction<'static>, scope: ScopeSnapshot) {
        let Some(transport) = self.transport() else { return };
        if let Some(before) = &self.options().before_send_transaction {
            let mut outbound =
                self.outbound(Capture::new(OutboundItem::Transaction(Box::new(transaction))), scope);
            outbound.complete_transaction();
            let OutboundItem::Transaction(complete) = outbound.item else { return };
            let losses: Vec<_> = complete.losses().collect();
            let reason = match guarded("before_send_transaction", || before(*complete)) {
                Ok(Some(kept)) => {
                    transaction = kept;
                    outbound.item = OutboundItem::Transaction(Box::new(transaction));
                    transport.send(outbound);
                    return;
                }
                Ok(None) => Reason::BeforeSend,
                Err(_) => Reason::CallbackError,
            };
            self.recorder().record_loss(&losses[..], reason);
            return;
        }
        transport.send(self.outbound(Capture::new(OutboundItem::Transaction(Box::new(transaction))), scope));
    }

    fn outbound(&self, capture: Capture, scope: ScopeSnapshot) -> Outbound {
        let id = match &capture.item {
            OutboundItem::Event(event) if !event.event_id.is_nil() => event.event_id,
            OutboundItem::Transaction(transaction) if !transaction.event_id.is_nil() => transaction.event_id,
            _ => rng::uuid(),
        };
        let stack = capture.stack.or_else(|| self.stack_for(&capture.item));
        let thread = match (&stack, &capture.item) {
            (Some(_), OutboundItem::Message { .. } | OutboundItem::Event(_)) => Some(stacktrace::thread()),
            _ => None,
        };
        Outbound {
            id,
            thread,
            time: clock::now(),
            item: capture.item,
            scope,
            stack,
            class: capture.class,
            durability: match capture.class {
                Class::Normal => Durability::Memory,
                Class::Fatal => Durability::Power,
            },
            completion: Some(Arc::clone(&self.inner.completion)),
        }
    }

    fn stack_for(&self, item: &OutboundItem) -> Option<RawStack> {
        let options = self.options();
        if !options.attach_stacktrace {
            return None;
        }
        let wanted = match item {
            OutboundItem::Message { .. } | OutboundItem::Error { .. } => true,
            OutboundItem::Event(event) => !Completion::has_stack(event),
            OutboundItem::Completed(_) | OutboundItem::Transaction(_) | OutboundItem::Envelope(_) => false,
        };
        wanted.then(|| options.stack_source.as_ref().map(|source| source.capture())).flatten()
    }

    /// Event processors of the scopes, then of the integrations, then `before_send`.
    fn run_callbacks(
        &self,
        event: Box<Event<'static>>,
        scope: &ScopeSnapshot,
    ) -> Option<Box<Event<'static>>> {
        let mut event = *event;
        for processor in scope.processors() {
            event = self.step("event processor", Reason::EventProcessor, || processor(event))?;
        }
        let options = self.options();
        for integration in options.integrations.iter().filter(|integration| integration.processes_events()) {
            event = self
                .step("integration", Reason::EventProcessor, || integration.process_event(event, options))?;
        }
        if let Some(before_send) = &options.before_send {
            event = self.step("before_send", Reason::BeforeSend, || before_send(event))?;
        }
        Some(Box::new(event))
    }

    /// One callback. Whoever drops the event is named in the client report.
    fn step(
        &self,
        name: &'static str,
        reason: Reason,
        callback: impl FnOnce() -> Option<Event<'static>>,
    ) -> Option<Event<'static>> {
        let reason = match guarded(name, callback) {
            Ok(Some(event)) => return Some(event),
            Ok(None) => reason,
            Err(_) => Reason::CallbackError,
        };
        self.recorder().record(reason, Category::Error, 1);
        None
    }

    fn sampled(&self) -> bool {
        let sampled = self.sample_should_send(self.options().event_sample_rate());
        if !sampled {
            self.recorder().record(Reason::SampleRate, Category::Error, 1);
        }
        sampled
    }
}
