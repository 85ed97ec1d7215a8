//! Files that belong to a trace instead of an event (protocol.md 1.4 and 1.7, a draft there).
//!
//! They travel in an envelope of their own, under the sampling context of their trace. The protocol also lets them belong to
//! one span, with which they then have to travel; spans are sent by others and at other times, so that is left open here.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Value;

use crate::client::{self, Client};
use crate::client_report::protocol::{Category, ItemLoss, Reason};
use crate::envelope::UnknownItem;
use crate::hub::Hub;
use crate::protocol::{LogAttribute, TraceId, timestamp};
use crate::scope::ScopeSnapshot;
use crate::types::Uuid;
use crate::{clock, trace};

/// What tells a server that an attachment begins with a description of itself.
const CONTENT_TYPE: &str = "application/vnd.sentry.trace-attachment";

/// A file that belongs to the trace it is captured in: the answer of a model, a query plan, a picture.
///
/// ```
/// use sentry_core::{TraceAttachment, capture_trace_attachment};
/// use sentry_core::protocol::EnvelopeItem;
///
/// let envelopes = sentry_core::test::with_captured_envelopes(|| {
///     let plan = TraceAttachment::new(b"Seq Scan on orders", "text/plain").filename("plan.txt");
///     capture_trace_attachment(plan.attribute("db.system", "postgresql"));
/// });
/// assert!(envelopes[0].items().all(EnvelopeItem::is_attachment));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it is sent by `capture_trace_attachment`"]
pub struct TraceAttachment {
    body: Vec<u8>,
    content_type: String,
    filename: Option<String>,
    attributes: BTreeMap<String, LogAttribute>,
}

impl TraceAttachment {
    /// These bytes, of this MIME type.
    pub fn new<B: Into<Vec<u8>>, T: Into<String>>(body: B, content_type: T) -> Self {
        Self {
            body: body.into(),
            content_type: content_type.into(),
            filename: None,
            attributes: BTreeMap::new(),
        }
    }

    /// Sets the name of the file.
    pub fn filename<N: Into<String>>(mut self, filename: N) -> Self {
        self.filename = Some(filename.into());
        self
    }

    /// Adds what is to be known about it.
    pub fn attribute<K: Into<String>, V: Into<LogAttribute>>(mut self, key: K, value: V) -> Self {
        self.attributes.insert(key.into(), value.into());
        self
    }

    /// The item on the wire: the description, and the file right behind it.
    fn into_item(self, id: Uuid, trace_id: TraceId, time: SystemTime) -> UnknownItem {
        let mut attributes = self.attributes;
        attributes.retain(|_, value| !value.0.is_null());
        let description = Description {
            trace_id,
            attachment_id: id.as_simple().to_string(),
            timestamp: time,
            content_type: &self.content_type,
            filename: self.filename.as_deref(),
            attributes,
        };
        // Texts and numbers in memory: nothing that could fail to be written.
        let mut payload = serde_json::to_vec(&description).unwrap_or_default();
        let headers = [
            ("content_type", CONTENT_TYPE.into()),
            ("meta_length", payload.len().into()),
            // To no span in particular.
            ("span_id", Value::Null),
        ];
        payload.extend_from_slice(&self.body);
        UnknownItem::new("attachment", headers, payload)
    }
}

#[derive(Serialize)]
struct Description<'a> {
    trace_id: TraceId,
    attachment_id: String,
    #[serde(with = "timestamp::seconds")]
    timestamp: SystemTime,
    content_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, LogAttribute>,
}

/// Captures a file that belongs to the current trace. Returns its id: nil if it was dropped or no client is active.
///
/// In a trace that is not sampled it is dropped, and counted, as the spans of that trace are.
#[expect(clippy::must_use_candidate, reason = "called for its effect")]
pub fn capture_trace_attachment(attachment: TraceAttachment) -> Uuid {
    if !client::any_live() {
        return Uuid::nil();
    }
    let Some((client, scope)) = Hub::current().active() else { return Uuid::nil() };
    client.send_trace_attachment(attachment, &scope)
}

impl Client {
    fn send_trace_attachment(&self, attachment: TraceAttachment, scope: &ScopeSnapshot) -> Uuid {
        let bytes = attachment.body.len();
        let lost = [ItemLoss::new(Category::Attachment, bytes as u64)];
        if self.discards_all(&lost[..]) {
            return Uuid::nil();
        }
        let reason = if bytes > self.options().max_attachment_size {
            Some(Reason::Invalid)
        } else if trace::is_dropped(scope) {
            Some(Reason::SampleRate)
        } else {
            None
        };
        if let Some(reason) = reason {
            self.options().client_report_recorder.record_loss(&lost[..], reason);
            return Uuid::nil();
        }
        let (id, time) = (crate::rng::uuid_at(clock::now()), clock::now().max(UNIX_EPOCH));
        let trace_id = scope.trace_id().unwrap_or_default();
        let item = attachment.into_item(id, trace_id, time);
        let context = trace::dynamic_sampling_context(scope, self.options());
        self.send_item_of_trace(item.into(), context, (Category::Attachment, bytes as u64));
        id
    }
}

#[cfg(all(test, feature = "test"))]
mod tests {
    use super::*;
    use crate::client_report::protocol::Item;
    use crate::envelope::EnvelopeItem;
    use crate::protocol::Envelope;
    use crate::test::with_captured_envelopes_options;
    use crate::{ClientOptions, TransactionContext};

    /// Captures a file of three bytes within a transaction: what is sent, and what is lost.
    fn captured(options: ClientOptions) -> (Vec<Envelope>, Vec<(Reason, Category, u64)>) {
        let recorder = options.client_report_recorder.clone();
        let envelopes = with_captured_envelopes_options(
            || {
                let transaction = crate::start_transaction(TransactionContext::new("t", "op"));
                crate::configure_scope(|scope| scope.set_span(Some(transaction.into())));
                capture_trace_attachment(
                    TraceAttachment::new(b"abc", "text/plain").attribute("none", f64::NAN),
                );
            },
            options,
        );
        let lost = recorder.totals();
        let lost = lost.iter().map(|item: &Item| (item.reason(), item.category(), item.quantity()));
        (envelopes, lost.filter(|(_, category, _)| *category != Category::Span).collect())
    }

    #[test]
    fn the_file_follows_its_description_and_the_envelope_tells_the_trace() {
        let (envelopes, lost) = captured(ClientOptions::new().traces_sample_rate(1.0));
        assert!(lost.is_empty());
        let trace_id = envelopes[0].headers().trace().and_then(|trace| trace.trace_id()).unwrap();
        assert!(envelopes[0].headers().sdk().is_some() && envelopes[0].uuid().is_none());
        let Some(EnvelopeItem::Unknown(item)) = envelopes[0].items().next() else { panic!() };
        let headers: Value = serde_json::from_slice(item.header_line()).unwrap();
        let length = headers["meta_length"].as_u64().unwrap() as usize;
        let (description, file) = item.payload().split_at(length);
        let description: Value = serde_json::from_slice(description).unwrap();
        assert_eq!((description["trace_id"].as_str(), file), (Some(&*trace_id.to_string()), &b"abc"[..]));
        assert!(description.get("attributes").is_none() && headers["span_id"].is_null());
        assert_eq!(headers["length"], item.payload().len());
    }

    #[test]
    fn what_is_not_sent_is_counted_in_bytes() {
        let counted = |reason| vec![(reason, Category::Attachment, 3)];
        let mut large = ClientOptions::new().traces_sample_rate(1.0);
        large.max_attachment_size = 2;
        let (envelopes, lost) = captured(large);
        assert!(envelopes.iter().all(|envelope| !envelope.items().any(EnvelopeItem::is_attachment)));
        assert_eq!(lost, counted(Reason::Invalid));
        let (envelopes, lost) = captured(ClientOptions::new().traces_sampler(|_| 0.0));
        assert!(envelopes.iter().all(|envelope| !envelope.items().any(EnvelopeItem::is_attachment)));
        assert!(counted(Reason::SampleRate).iter().all(|loss| lost.contains(loss)), "{lost:?}");
    }
}
