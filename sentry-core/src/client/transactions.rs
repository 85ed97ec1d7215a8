//! The stages between the end of a transaction and the transport (protocol.md 12.2).
//!
//! ```text
//! nobody looks at it    RecordedTransaction ──────────────────────────────────────► transport ─► worker
//! somebody does         wire form ─► scopes, integrations ─► event processors ─► before_send_transaction ─► transport
//! ```

use crate::client::Client;
use crate::client::complete::RESOLVE_TIMEOUT_OF_CALLER;
use crate::client::pipeline::Capture;
use crate::clock;
use crate::nesting;
use crate::outbound::{Outbound, OutboundItem};
use crate::protocol::client_report::{Category, Reason};
use crate::protocol::{Event, Level, Transaction};
use crate::scope::ScopeSnapshot;
use crate::suppress::guarded;
use crate::trace::RecordedTransaction;

impl Client {
    /// Sends a finished transaction.
    pub(crate) fn send_transaction(&self, recorded: RecordedTransaction, scope: ScopeSnapshot) {
        let losses = recorded.losses();
        if self.discards_all(&losses[..]) {
            return;
        }
        let Some(transport) = self.transport() else { return };
        let options = self.options();
        let is_looked_at = options.before_send_transaction.is_some() || scope.has_processors();
        let may_wait = recorded.is_plain() && options.before_send_span.is_none();
        let mut outbound = self.outbound(Capture::new(OutboundItem::Recorded(recorded)), scope);
        if is_looked_at || !may_wait {
            outbound.develop(clock::instant() + RESOLVE_TIMEOUT_OF_CALLER);
            self.limit_transaction(&mut outbound);
        }
        if is_looked_at && let Err(reason) = self.show_transaction_to_callbacks(&mut outbound) {
            return self.recorder().record_loss(&losses[..], reason);
        }
        self.hand_over(&*transport, outbound, (Category::Transaction, 1));
    }

    /// Shows a transaction that sampling has dropped, as it was recorded: no callback but that for spans sees it.
    pub(crate) fn show_transaction(&self, recorded: RecordedTransaction, scope: ScopeSnapshot) {
        let Some(transport) = self.transport() else { return };
        let may_wait = recorded.is_plain() && self.options().before_send_span.is_none();
        self.show(&*transport, || {
            let mut outbound = self.outbound(Capture::new(OutboundItem::Recorded(recorded)), scope);
            if !may_wait {
                outbound.develop(clock::instant() + RESOLVE_TIMEOUT_OF_CALLER);
                self.limit_transaction(&mut outbound);
            }
            outbound
        });
    }

    /// Takes off what is far too much.
    fn limit_transaction(&self, outbound: &mut Outbound) {
        if let OutboundItem::Transaction(transaction) = &mut outbound.item {
            outbound.rest = nesting::limit_transaction(transaction);
            self.lose_spans(outbound.rest.as_deref());
        }
    }

    /// Asks event processors and `before_send_transaction`. The error says who dropped the transaction.
    fn show_transaction_to_callbacks(&self, outbound: &mut Outbound) -> Result<(), Reason> {
        outbound.complete_transaction(clock::instant());
        let Some(complete) = outbound.take_transaction() else { return Err(Reason::InternalSdkError) };
        let spans = complete.spans.len();
        let mut kept = process(complete, &outbound.scope)?;
        if let Some(before) = &self.options().before_send_transaction {
            let answer = guarded("before_send_transaction", || before(*kept));
            kept = Box::new(answer.map_err(|_| Reason::CallbackError)?.ok_or(Reason::BeforeSend)?);
        }
        drop(nesting::limit_transaction(&mut kept));
        let gone = spans.saturating_sub(kept.spans.len()) as u64;
        self.recorder().record(Reason::BeforeSend, Category::Span, gone);
        // As an envelope: completed once more it would get back what a callback took out.
        outbound.close_transaction(kept);
        Ok(())
    }
}

/// Asks the event processors, which know events only: what both have is theirs to change, or they drop it all.
fn process(
    mut transaction: Box<Transaction<'static>>,
    scope: &ScopeSnapshot,
) -> Result<Box<Transaction<'static>>, Reason> {
    if !scope.has_processors() {
        return Ok(transaction);
    }
    let mut event = as_event(&mut transaction);
    for processor in scope.processors() {
        let answer = guarded("event processor", || processor(event));
        event = answer.map_err(|_| Reason::CallbackError)?.ok_or(Reason::EventProcessor)?;
    }
    let Event { transaction: name, user, request, contexts, tags, extra, .. } = event;
    let Event { release, dist, environment, server_name, .. } = event;
    let (event_id, meta) = (transaction.event_id, transaction.meta.take());
    *transaction = Transaction {
        name,
        user,
        request,
        contexts,
        tags,
        extra,
        release,
        dist,
        environment,
        server_name,
        event_id,
        meta,
        ..*transaction
    };
    Ok(transaction)
}

/// What a transaction has in common with events, as one.
fn as_event(transaction: &mut Transaction<'static>) -> Event<'static> {
    Event {
        level: Level::Info,
        transaction: transaction.name.take(),
        user: transaction.user.take(),
        request: transaction.request.take(),
        contexts: std::mem::take(&mut transaction.contexts),
        tags: std::mem::take(&mut transaction.tags),
        extra: std::mem::take(&mut transaction.extra),
        release: transaction.release.take(),
        dist: transaction.dist.take(),
        environment: transaction.environment.take(),
        server_name: transaction.server_name.take(),
        platform: transaction.platform.clone(),
        ..Event::blank(transaction.event_id, transaction.timestamp.unwrap_or(transaction.start_timestamp))
    }
}
