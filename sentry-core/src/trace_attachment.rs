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
        let lost = [ItemLoss::new(Category::Attachment, bytes as u64), ItemLoss::new(Category::AttachmentItem, 1)];
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
