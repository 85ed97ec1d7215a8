//! Reading: headers are lines of JSON, payloads are slices of the input.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::envelope::Entry;
use super::ingest::IngestSettings;
use super::{Envelope, EnvelopeError, EnvelopeHeaders, EnvelopeItem, ItemContainer, UnknownItem};
use crate::protocol::{Attachment, AttachmentType, Map, SessionAggregates, Unhandled};

/// What a server takes, after decompression.
pub(super) const MAX_BYTES: usize = 200 * 1024 * 1024;
/// Far above what any SDK writes; bounds what many empty items can cost.
const MAX_ITEMS: usize = 100_000;

/// How much of an envelope is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoding {
    /// Every item that has a type here.
    All,
    /// Not those whose types do not keep everything that can be in them.
    Lossless,
}

pub(super) fn envelope(bytes: &[u8], decoding: Decoding) -> Result<Envelope, EnvelopeError> {
    if bytes.len() > MAX_BYTES {
        return Err(EnvelopeError::TooLarge);
    }
    let (line, rest) = split_line(bytes);
    if is_blank(line) {
        return Err(EnvelopeError::MissingHeader);
    }
    let headers: EnvelopeHeaders = serde_json::from_slice(line).map_err(EnvelopeError::InvalidHeader)?;
    let mut entries = Vec::new();
    for item in ItemSlices::new(rest) {
        if entries.len() == MAX_ITEMS {
            return Err(EnvelopeError::TooLarge);
        }
        entries.push(entry(item?, decoding)?);
    }
    Ok(Envelope::from_parts(headers, entries))
}

/// The bytes of a file, as long as they are few enough for an envelope.
pub(super) fn file(path: &Path) -> Result<Vec<u8>, EnvelopeError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|_| EnvelopeError::UnexpectedEof)?;
    if bytes.len() > MAX_BYTES { Err(EnvelopeError::TooLarge) } else { Ok(bytes) }
}

/// The line that `bytes` begin with, and what follows its newline.
pub(super) fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &[]),
    }
}

/// One item, not decoded yet.
#[derive(Debug)]
pub(crate) struct ItemSlice<'a> {
    pub(super) header: Header,
    pub(super) line: &'a [u8],
    pub(super) payload: &'a [u8],
}

impl<'a> ItemSlice<'a> {
    pub(crate) fn ty(&self) -> &str {
        &self.header.ty
    }

    pub(crate) fn item_count(&self) -> usize {
        super::unknown::item_count(&self.header.other).unwrap_or(1)
    }

    pub(crate) fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Header {
    #[serde(rename = "type")]
    pub(super) ty: String,
    #[serde(default)]
    length: Option<usize>,
    #[serde(flatten)]
    pub(super) other: Map<String, Value>,
}

/// The items behind the headers of an envelope. Ends with the first error.
#[derive(Debug)]
pub(crate) struct ItemSlices<'a> {
    rest: &'a [u8],
}

impl<'a> ItemSlices<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    fn cut(&mut self) -> Result<ItemSlice<'a>, EnvelopeError> {
        let (line, rest) = split_line(self.rest);
        if is_blank(line) {
            return Err(EnvelopeError::MissingItemHeader);
        }
        let header: Header = serde_json::from_slice(line).map_err(EnvelopeError::InvalidItemHeader)?;
        let (payload, rest) = match header.length {
            None => split_line(rest),
            Some(length) => {
                let (payload, rest) = rest.split_at_checked(length).ok_or(EnvelopeError::UnexpectedEof)?;
                match rest.split_first() {
                    None => (payload, rest),
                    Some((b'\n', rest)) => (payload, rest),
                    Some(_) => return Err(EnvelopeError::MissingNewline),
                }
            }
        };
        self.rest = rest;
        Ok(ItemSlice { header, line, payload })
    }
}

impl<'a> Iterator for ItemSlices<'a> {
    type Item = Result<ItemSlice<'a>, EnvelopeError>;

    fn next(&mut self) -> Option<Self::Item> {
        // One newline may follow the last item; more of them do no harm.
        if self.rest.iter().all(|byte| *byte == b'\n') {
            return None;
        }
        let item = self.cut();
        if item.is_err() {
            self.rest = &[];
        }
        Some(item)
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

fn entry(mut slice: ItemSlice<'_>, decoding: Decoding) -> Result<Entry, EnvelopeError> {
    let payload = slice.payload;
    let item = match slice.header.ty.as_str() {
        "sessions" | "check_in" | "log" | "trace_metric" | "span" if decoding == Decoding::Lossless => {
            return Ok(Entry::from(EnvelopeItem::Unknown(UnknownItem::from_slice(slice))));
        }
        "event" => EnvelopeItem::Event(json(payload)?),
        "transaction" => EnvelopeItem::Transaction(json(payload)?),
        "feedback" => EnvelopeItem::Feedback(json(payload)?),
        "session" => session(payload)?,
        "sessions" => match sessions(payload)? {
            Some(sessions) => EnvelopeItem::SessionAggregates(sessions),
            None => return Ok(Entry::from(EnvelopeItem::Unknown(UnknownItem::from_slice(slice)))),
        },
        "check_in" => EnvelopeItem::MonitorCheckIn(json(payload)?),
        "attachment" => EnvelopeItem::Attachment(attachment(&mut slice.header.other, payload)),
        "log" | "trace_metric" | "span" => match container(&slice)? {
            Some(container) => {
                slice.header.other.remove("item_count");
                slice.header.other.remove("content_type");
                EnvelopeItem::ItemContainer(container)
            }
            None => return Ok(Entry::from(EnvelopeItem::Unknown(UnknownItem::from_slice(slice)))),
        },
        // One of a newer SDK may name reasons unknown to this one: to pass it on is all that is wanted of it.
        "client_report" => match json(payload) {
            Ok(report) => EnvelopeItem::ClientReport(report),
            Err(_) => return Ok(Entry::from(EnvelopeItem::Unknown(UnknownItem::from_slice(slice)))),
        },
        _ => return Ok(Entry::from(EnvelopeItem::Unknown(UnknownItem::from_slice(slice)))),
    };
    Ok(Entry::new(item, slice.header.other))
}

fn json<T: DeserializeOwned>(payload: &[u8]) -> Result<T, EnvelopeError> {
    serde_json::from_slice(payload).map_err(EnvelopeError::InvalidItemPayload)
}

fn session(payload: &[u8]) -> Result<EnvelopeItem, EnvelopeError> {
    json(payload).map(EnvelopeItem::SessionUpdate).or_else(|error| match json::<Unhandled<_>>(payload) {
        Ok(Unhandled(Some(update))) => Ok(EnvelopeItem::UnhandledSession(update)),
        _ => Err(error),
    })
}

/// `None` for those with counts that the typed form has no place for.
fn sessions(payload: &[u8]) -> Result<Option<SessionAggregates<'static>>, EnvelopeError> {
    #[derive(Deserialize)]
    struct Bucket {
        unhandled: Option<IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct Buckets {
        #[serde(default)]
        aggregates: Vec<Bucket>,
    }
    let sessions = json(payload)?;
    let buckets: Buckets = json(payload)?;
    Ok(buckets.aggregates.iter().all(|bucket| bucket.unhandled.is_none()).then_some(sessions))
}

fn attachment(headers: &mut Map<String, Value>, payload: &[u8]) -> Attachment {
    let mut text = |key| match headers.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    Attachment {
        buffer: payload.to_owned(),
        filename: text("filename").unwrap_or_default(),
        content_type: text("content_type"),
        ty: text("attachment_type").map(attachment_type),
    }
}

fn attachment_type(name: String) -> AttachmentType {
    // Reading a text as one of these names does not fail: any other is a custom type.
    serde_json::from_value(Value::String(name)).unwrap_or_default()
}

/// `None` for one with settings other than those that we write, which the typed form has no place for.
fn container(slice: &ItemSlice<'_>) -> Result<Option<ItemContainer>, EnvelopeError> {
    #[derive(Deserialize)]
    struct Settings {
        ingest_settings: Option<Value>,
    }
    #[derive(Deserialize)]
    struct Items<T> {
        items: Vec<T>,
    }
    if let Some(settings) = json::<Settings>(slice.payload)?.ingest_settings
        && IngestSettings::deserialize(settings).is_err()
    {
        return Ok(None);
    }
    Ok(Some(match slice.header.ty.as_str() {
        "log" => ItemContainer::Logs(json::<Items<_>>(slice.payload)?.items),
        "trace_metric" => ItemContainer::Metrics(json::<Items<_>>(slice.payload)?.items),
        _ => ItemContainer::Spans(json::<Items<_>>(slice.payload)?.items),
    }))
}
