use std::time::SystemTime;

use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use uuid::Uuid;

use crate::protocol::{ClientSdkInfo, DynamicSamplingContext, Map, Value, timestamp};
use crate::types::Dsn;

/// The headers of an envelope. Those it does not know are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EnvelopeHeaders {
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "simple")]
    event_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dsn: Option<Dsn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sdk: Option<Cow<'static, ClientSdkInfo>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<DynamicSamplingContext>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "timestamp::rfc3339::option")]
    sent_at: Option<SystemTime>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl EnvelopeHeaders {
    /// None of them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With the id of the event.
    #[must_use]
    pub fn with_event_id(mut self, event_id: Uuid) -> Self {
        self.event_id = Some(event_id);
        self
    }

    /// With the DSN, which makes the envelope authenticate itself.
    #[must_use]
    pub fn with_dsn(mut self, dsn: Dsn) -> Self {
        self.dsn = Some(dsn);
        self
    }

    /// With the SDK that made it.
    #[must_use]
    pub fn with_sdk(mut self, sdk: ClientSdkInfo) -> Self {
        self.sdk = Some(Cow::Owned(sdk));
        self
    }

    /// With the time of the request, by which the server corrects clocks.
    #[must_use]
    pub fn with_sent_at(mut self, sent_at: SystemTime) -> Self {
        self.sent_at = Some(sent_at);
        self
    }

    /// With the trace its items belong to.
    #[must_use]
    pub fn with_trace(mut self, trace: DynamicSamplingContext) -> Self {
        self.trace = Some(trace);
        self
    }

    /// Sets the id of the event.
    pub fn set_event_id(&mut self, event_id: Option<Uuid>) {
        self.event_id = event_id;
    }

    /// Sets the DSN.
    pub fn set_dsn(&mut self, dsn: Option<Dsn>) {
        self.dsn = dsn;
    }

    /// Sets the SDK.
    pub fn set_sdk(&mut self, sdk: Option<Cow<'static, ClientSdkInfo>>) {
        self.sdk = sdk;
    }

    /// Sets the time of the request. A stored envelope has none: it is known only when the envelope is sent.
    pub fn set_sent_at(&mut self, sent_at: Option<SystemTime>) {
        self.sent_at = sent_at;
    }

    /// Sets the trace.
    pub fn set_trace(&mut self, trace: Option<DynamicSamplingContext>) {
        self.trace = trace;
    }

    /// The id of the event.
    #[must_use]
    pub fn event_id(&self) -> Option<&Uuid> {
        self.event_id.as_ref()
    }

    /// The DSN.
    #[must_use]
    pub fn dsn(&self) -> Option<&Dsn> {
        self.dsn.as_ref()
    }

    /// The SDK that made it.
    #[must_use]
    pub fn sdk(&self) -> Option<&ClientSdkInfo> {
        self.sdk.as_deref()
    }

    /// The time of the request.
    #[must_use]
    pub fn sent_at(&self) -> Option<SystemTime> {
        self.sent_at
    }

    /// The trace its items belong to.
    #[must_use]
    pub fn trace(&self) -> Option<&DynamicSamplingContext> {
        self.trace.as_ref()
    }

    /// Sets a header that is for this SDK alone, on its own disk.
    pub(crate) fn set_private(&mut self, name: &str, value: Value) {
        self.other.insert(name.to_owned(), value);
    }

    /// Takes such a header out.
    pub(crate) fn take_private(&mut self, name: &str) -> Option<Value> {
        self.other.remove(name)
    }

    /// Headers unknown to this SDK.
    #[must_use]
    pub fn other(&self) -> &Map<String, Value> {
        &self.other
    }
}

/// Without dashes, as the protocol asks for. They are taken when read.
fn simple<S: Serializer>(id: &Option<Uuid>, serializer: S) -> Result<S::Ok, S::Error> {
    id.as_ref().map(Uuid::as_simple).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_round_trip_with_those_unknown() {
        let text = concat!(
            r#"{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","dsn":"https://key:secret@host/42","#,
            r#""sent_at":"2020-02-07T14:16:00Z","a":null,"new":{"x":[1,2.5]}}"#
        );
        let headers: EnvelopeHeaders = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&headers).unwrap(), text);
        assert_eq!(headers.other().len(), 2);
        let dashed: EnvelopeHeaders =
            serde_json::from_str(r#"{"event_id":"9ec79c33-ec99-42ab-8353-589fcb2e04dc"}"#).unwrap();
        assert_eq!(dashed.event_id(), headers.event_id());
    }

    #[test]
    fn no_headers_are_an_empty_object() {
        assert_eq!(serde_json::to_string(&EnvelopeHeaders::new()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<EnvelopeHeaders>("{}").unwrap(), EnvelopeHeaders::new());
    }

    #[test]
    fn any_clock_can_be_written() {
        let early = SystemTime::UNIX_EPOCH - std::time::Duration::from_secs(1);
        let headers = EnvelopeHeaders::new().with_sent_at(early);
        assert_eq!(serde_json::to_string(&headers).unwrap(), r#"{"sent_at":"1969-12-31T23:59:59Z"}"#);
    }
}
