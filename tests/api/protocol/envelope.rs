//! Envelopes.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::path::PathBuf;
use std::time::SystemTime;

use sentry::protocol::client_report::LossSource;
use sentry::protocol::{
    Attachment, ClientSdkInfo, DynamicSamplingContext, Envelope, EnvelopeError, EnvelopeFilter,
    EnvelopeFilterCallbacks, EnvelopeHeaders, EnvelopeItem, EnvelopeItemIter, Event, Log, MonitorCheckIn,
    Uuid,
};
use sentry::types::Dsn;

const _: fn(&Envelope) -> Option<&Event<'static>> = Envelope::event;
const _: fn(Vec<u8>) -> Result<Envelope, EnvelopeError> = Envelope::from_bytes_raw;
const _: fn(&[u8]) -> Result<Envelope, EnvelopeError> = Envelope::from_slice;
const _: fn(&Envelope) -> &EnvelopeHeaders = Envelope::headers;
const _: fn(&Envelope) -> EnvelopeItemIter<'_> = Envelope::items;
const _: fn() -> Envelope = Envelope::new;
const _: fn(&Envelope) -> Option<&Uuid> = Envelope::uuid;
const _: fn(Envelope, EnvelopeHeaders) -> Envelope = Envelope::with_headers;
const _: fn(&mut Envelope, EnvelopeItem) = Envelope::add_item;
const _: fn(&mut Envelope, Event<'static>) = Envelope::add_item;
const _: fn(Envelope, fn(&EnvelopeItem) -> bool) -> Option<Envelope> = Envelope::filter;
const _: fn(&'static str) -> Result<Envelope, EnvelopeError> = Envelope::from_path;
const _: fn(PathBuf) -> Result<Envelope, EnvelopeError> = Envelope::from_path_raw;
const _: fn(Envelope) -> Vec<EnvelopeItem> = |envelope| Envelope::into_items(envelope).collect();
const _: fn(&Envelope, Vec<u8>) -> std::io::Result<()> = Envelope::to_writer;
const _: fn(&Envelope, &'static mut Vec<u8>) -> std::io::Result<()> = Envelope::to_writer;
implements!(Envelope: Clone + Debug + Default + LossSource + PartialEq + From<Event<'static>> + From<EnvelopeItem> +
    From<Vec<Log>> + From<MonitorCheckIn>);

const _: fn() -> EnvelopeHeaders = EnvelopeHeaders::new;
const _: fn(EnvelopeHeaders, Dsn) -> EnvelopeHeaders = EnvelopeHeaders::with_dsn;
const _: fn(EnvelopeHeaders, Uuid) -> EnvelopeHeaders = EnvelopeHeaders::with_event_id;
const _: fn(EnvelopeHeaders, ClientSdkInfo) -> EnvelopeHeaders = EnvelopeHeaders::with_sdk;
const _: fn(EnvelopeHeaders, SystemTime) -> EnvelopeHeaders = EnvelopeHeaders::with_sent_at;
const _: fn(EnvelopeHeaders, DynamicSamplingContext) -> EnvelopeHeaders = EnvelopeHeaders::with_trace;
implements!(EnvelopeHeaders: Clone + Debug + Default + PartialEq);
wire!(EnvelopeHeaders);

const _: fn(EnvelopeError) = |value| match value {
    EnvelopeError::InvalidHeader(json)
    | EnvelopeError::InvalidItemHeader(json)
    | EnvelopeError::InvalidItemPayload(json) => drop(Box::<dyn Error>::from(json)),
    EnvelopeError::MissingHeader
    | EnvelopeError::MissingItemHeader
    | EnvelopeError::MissingNewline
    | EnvelopeError::UnexpectedEof => {}
    _ => {}
};
implements!(EnvelopeError: Debug + Display + Error);

const _: fn(Keep, Collect) -> EnvelopeFilterCallbacks<Keep, Collect> = EnvelopeFilterCallbacks::new;
const _: fn(&mut Keep, &EnvelopeItem) -> bool = EnvelopeFilter::filter;
const _: fn(&mut EnvelopeFilterCallbacks<Keep, Collect>, EnvelopeItem) = EnvelopeFilter::on_filtered;
implements!(Keep: EnvelopeFilter);
implements!(EnvelopeFilterCallbacks<Keep, Collect>: EnvelopeFilter);

type Keep = fn(&EnvelopeItem) -> bool;
type Collect = fn(EnvelopeItem);

#[test]
fn an_envelope_is_written_read_and_filtered() {
    let event = Event { message: Some("hello".to_owned()), ..Default::default() };
    let id = event.event_id;
    let mut envelope = Envelope::from(event.clone()).with_headers(EnvelopeHeaders::new().with_event_id(id));
    envelope.add_item(Attachment {
        buffer: b"text".to_vec(),
        filename: "a.txt".to_owned(),
        ..Default::default()
    });
    assert_eq!((envelope.uuid(), envelope.event()), (Some(&id), Some(&event)));
    assert_eq!(*envelope.headers(), EnvelopeHeaders::new().with_event_id(id));

    let mut bytes = Vec::new();
    envelope.to_writer(&mut bytes).expect("memory takes everything");
    let read = Envelope::from_slice(&bytes).expect("what was written can be read");
    assert_eq!((read.items().count(), read.into_items().count()), (2, 2));

    let mut removed = Vec::new();
    let filter = EnvelopeFilterCallbacks::new(
        |item: &EnvelopeItem| matches!(item, EnvelopeItem::Event(_)),
        |item| removed.push(item),
    );
    let kept = envelope.clone().filter(filter).expect("the event stays");
    assert_eq!(kept.items().count(), 1);
    assert!(matches!(removed[..], [EnvelopeItem::Attachment(_)]));
    assert!(envelope.filter(|_: &EnvelopeItem| false).is_none());
}
