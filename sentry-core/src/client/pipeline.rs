//! The stages between a capture and the transport, in the order of protocol.md 12.2.

use std::sync::Arc;

use crate::client::{Client, Completion};
use crate::envelope::EnvelopeItem;
use crate::lean::LeanEvent;
use crate::nesting;
use crate::outbound::{Class, Durability, Outbound, OutboundItem};
use crate::protocol::client_report::{Category, LossSource, Reason};
use crate::protocol::{Envelope, Event, Transaction};
use crate::scope::{Scope, ScopeSnapshot};
use crate::stacktrace::RawStack;
use crate::suppress::guarded;
use crate::transport::Transport;
use crate::types::Uuid;
use crate::{clock, rng, stacktrace};

/// What a hub hands to its client.
pub(crate) struct Capture {
    pub(crate) item: OutboundItem,
    pub(crate) stack: Option<RawStack>,
    pub(crate) class: Class,
    pub(crate) durability: Durability,
}

impl Capture {
    pub(crate) fn new(item: OutboundItem) -> Self {
        Self { item, stack: None, class: Class::Normal, durability: Durability::Memory }
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
        let mut outbound = self.outbound(Capture::new(item), snapshot_of(scope));
        self.run_callbacks(outbound.complete(), &outbound.scope)
    }

    /// Sends a finished envelope as it is.
    pub fn send_envelope(&self, mut envelope: Envelope) {
        let Some(transport) = self.transport() else { return };
        for item in envelope.items_mut() {
            match item {
                EnvelopeItem::Event(event) | EnvelopeItem::Feedback(event) => nesting::limit_event(event),
                EnvelopeItem::Transaction(transaction) => nesting::limit_transaction(transaction),
                _ => {}
            }
        }
        let _ = guarded("transport", || transport.send_envelope(envelope));
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
        if !looked_at && !self.sampled(&scope) {
            self.show(&*transport, || self.outbound(capture, scope));
            return Uuid::nil();
        }
        let mut outbound = self.outbound(capture, scope);
        if looked_at {
            let Some(event) = self.run_callbacks(outbound.complete(), &outbound.scope) else {
                return Uuid::nil();
            };
            outbound.id = event.event_id;
            outbound.item =
                OutboundItem::Completed(Box::new(LeanEvent::new(event, self.inner.completion.known())));
            outbound.stack = None;
            if !self.sampled(&outbound.scope) {
                self.show(&*transport, || outbound);
                return Uuid::nil();
            }
        } else {
            outbound.slim();
        }
        let id = outbound.id;
        self.hand_over(&*transport, outbound, (Category::Error, 1));
        id
    }

    /// Sends a finished transaction.
    pub(crate) fn send_transaction(&self, transaction: Transaction<'static>, scope: ScopeSnapshot) {
        let Some(transport) = self.transport() else { return };
        if let Some(before) = &self.options().before_send_transaction {
            let mut outbound =
                self.outbound(Capture::new(OutboundItem::Transaction(Box::new(transaction))), scope);
            outbound.complete_transaction();
            let Some(complete) = outbound.take_transaction() else { return };
            let (losses, spans): (Vec<_>, _) = (complete.losses().collect(), complete.spans.len());
            let reason = match guarded("before_send_transaction", || before(*complete)) {
                Ok(Some(mut kept)) => {
                    nesting::limit_transaction(&mut kept);
                    let gone = spans.saturating_sub(kept.spans.len()) as u64;
                    self.recorder().record(Reason::BeforeSend, Category::Span, gone);
                    // As an envelope: completed once more it would get back what the callback took out.
                    outbound.close_transaction(Box::new(kept));
                    return self.hand_over(&*transport, outbound, (Category::Transaction, 1));
                }
                Ok(None) => Reason::BeforeSend,
                Err(_) => Reason::CallbackError,
            };
            self.recorder().record_loss(&losses[..], reason);
            return;
        }
        let item = OutboundItem::Transaction(Box::new(transaction));
        let outbound = self.outbound(Capture::new(item), scope);
        self.hand_over(&*transport, outbound, (Category::Transaction, 1));
    }

    /// Shows a transaction that sampling has dropped, as it was recorded: no callback sees it.
    pub(crate) fn show_transaction(&self, transaction: Transaction<'static>, scope: ScopeSnapshot) {
        let Some(transport) = self.transport() else { return };
        let capture = Capture::new(OutboundItem::Transaction(Box::new(transaction)));
        self.show(&*transport, || self.outbound(capture, scope));
    }

    /// What sampling has dropped, and counted, is still for Spotlight (protocol.md 21.1). Free while that is off.
    fn show(&self, transport: &dyn Transport, outbound: impl FnOnce() -> Outbound) {
        if self.options().spotlight.is_on() {
            let _ = guarded("transport", || {
                if transport.wants_unsampled() {
                    transport.send_unsampled(outbound());
                }
            });
        }
    }

    /// A transport may be the user's: neither a panic in it nor what it captures itself comes back to the application.
    fn hand_over(&self, transport: &dyn Transport, outbound: Outbound, lost: (Category, u64)) {
        if guarded("transport", || transport.send(outbound)).is_err() {
            self.recorder().record(Reason::InternalSdkError, lost.0, lost.1);
        }
    }

    fn outbound(&self, mut capture: Capture, scope: ScopeSnapshot) -> Outbound {
        match &mut capture.item {
            OutboundItem::Event(event) => nesting::limit_event(event),
            OutboundItem::Transaction(transaction) => nesting::limit_transaction(transaction),
            _ => {}
        }
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
            suppressed: 0,
        }
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
            | OutboundItem::Transaction(_)
            | OutboundItem::Telemetry(_)
            | OutboundItem::Envelope(_) => false,
        };
        wanted.then(|| options.stack_source.as_ref().map(|source| source.capture())).flatten()
    }

    /// Event processors of the scopes, then of the integrations, then `before_send`.
    fn run_callbacks(&self, mut event: Event<'static>, scope: &ScopeSnapshot) -> Option<Event<'static>> {
        let id = event.event_id;
        for processor in scope.processors() {
            event = self.step("event processor", Reason::EventProcessor, scope, || processor(event))?;
        }
        let options = self.options();
        for integration in options.integrations.iter().filter(|integration| integration.processes_events()) {
            let process = || integration.process_event(event, options);
            event = self.step("integration", Reason::EventProcessor, scope, process)?;
        }
        if let Some(before_send) = &options.before_send {
            event = self.step("before_send", Reason::BeforeSend, scope, || before_send(event))?;
        }
        if event.event_id.is_nil() {
            event.event_id = id;
        }
        nesting::limit_event(&mut event);
        Some(event)
    }

    /// One callback. Whoever drops the event is named in the client report.
    fn step(
        &self,
        name: &'static str,
        reason: Reason,
        scope: &ScopeSnapshot,
        callback: impl FnOnce() -> Option<Event<'static>>,
    ) -> Option<Event<'static>> {
        let reason = match guarded(name, callback) {
            Ok(Some(event)) => return Some(event),
            Ok(None) => reason,
            Err(_) => Reason::CallbackError,
        };
        self.lose_event(reason, scope);
        None
    }

    fn sampled(&self, scope: &ScopeSnapshot) -> bool {
        let sampled = self.sample_should_send(self.options().event_sample_rate());
        if !sampled {
            self.lose_event(Reason::SampleRate, scope);
        }
        sampled
    }

    /// Counts an event that was captured with `scope`, and the attachments that would have gone with it.
    fn lose_event(&self, reason: Reason, scope: &ScopeSnapshot) {
        self.recorder().record(reason, Category::Error, 1);
        for attachment in scope.shared_attachments() {
            self.recorder().record_loss(&**attachment, reason);
        }
    }
}

fn snapshot_of(scope: Option<&Scope>) -> ScopeSnapshot {
    let Some(scope) = scope else { return ScopeSnapshot::default() };
    // Every event belongs to a trace, also one captured with a scope that never was on a hub.
    let mut scope = scope.clone();
    scope.ensure_propagation_context();
    scope.snapshot()
}
