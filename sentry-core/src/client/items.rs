//! What is ready when it is captured: sessions, check-ins, feedback.

use crate::client::pipeline::Capture;
use crate::client::{Client, callbacks};
use crate::client_report::protocol::{Category, Reason};
use crate::envelope::EnvelopeItem;
use crate::outbound::{Outbound, OutboundItem};
use crate::protocol::{DynamicSamplingContext, Envelope, Event};
use crate::scope::ScopeSnapshot;
use crate::suppress::guarded;
use crate::types::Uuid;

impl Client {
    pub(super) fn envelope_of(&self, items: Vec<EnvelopeItem>) -> Envelope {
        let mut envelope = Envelope::new();
        let mut headers = envelope.headers().clone();
        headers.set_sdk(Some(self.inner.completion.sdk()));
        envelope = envelope.with_headers(headers);
        items.into_iter().for_each(|item| envelope.add_item(item));
        envelope
    }

    /// Sends items that nothing is added to any more. `lost`: what is counted if the transport panics.
    pub(crate) fn send_items(&self, items: Vec<EnvelopeItem>, lost: (Category, u64)) {
        if self.discards() {
            items.iter().for_each(|item| _ = self.discards_all(item));
            return;
        }
        let Some(transport) = self.transport() else { return };
        // The last stage takes secrets out of these as well.
        let outbound = Outbound::from_envelope(self.envelope_of(items)).of_client(&self.inner.completion);
        self.hand_over(&*transport, outbound, lost);
    }

    /// Sends an item of which nothing but its trace is to be known.
    pub(crate) fn send_item_of_trace(
        &self,
        item: EnvelopeItem,
        trace: Option<DynamicSamplingContext>,
        lost: (Category, u64),
    ) {
        let Some(transport) = self.transport() else { return };
        let mut envelope = self.envelope_of(vec![item]);
        envelope.headers_mut().set_trace(trace);
        let outbound = Outbound::from_envelope(envelope).of_client(&self.inner.completion);
        self.hand_over(&*transport, outbound, lost);
    }

    /// Completes feedback, asks who may change it, and sends it with its files. Returns its id: nil if it was dropped.
    pub(crate) fn send_feedback(
        &self,
        event: Event<'static>,
        attachments: Vec<EnvelopeItem>,
        scope: ScopeSnapshot,
    ) -> Uuid {
        let item = OutboundItem::Event(Box::new(event));
        let mut outbound = self.outbound(Capture::new(item), scope);
        // Words have no stack.
        outbound.stack = None;
        let event = outbound.complete();
        let event = match self.approve(event, &outbound.scope) {
            Ok(event) => event,
            Err(reason) => {
                self.lose_feedback(&attachments, reason);
                return Uuid::nil();
            }
        };
        let id = event.event_id;
        let mut items = vec![EnvelopeItem::Feedback(Box::new(event))];
        items.extend(attachments);
        self.send_items(items, (Category::Feedback, 1));
        id
    }

    /// Counts feedback, and the files that would have gone with it.
    pub(crate) fn lose_feedback(&self, attachments: &[EnvelopeItem], reason: Reason) {
        let recorder = &self.options().client_report_recorder;
        recorder.record(reason, Category::Feedback, 1);
        attachments.iter().for_each(|attachment| recorder.record_loss(attachment, reason));
    }

    fn approve(&self, event: Event<'static>, scope: &ScopeSnapshot) -> Result<Event<'static>, Reason> {
        let event = callbacks::process(self.options(), event, scope)?;
        let Some(before_send) = &self.options().before_send_feedback else { return Ok(event) };
        guarded("before_send_feedback", || before_send(event))
            .map_err(|_| Reason::CallbackError)?
            .ok_or(Reason::BeforeSend)
    }
}
