//! Writing: each item is encoded into a buffer that is used again for the next one.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde_json::Value;

use super::content::{self, Content};
use super::envelope::Entry;
use super::ingest::{self, IngestSettings};
use super::{EnvelopeItem, ItemContainer, UnknownItem};
use crate::client_report::protocol::{Category, ItemLoss, LossSource, Reason};
use crate::json;
use crate::protocol::{
    Attachment, AttachmentType, FileAttachment, Map, Unhandled, attachment_header, content_type_of,
};

/// What is read of one file into memory. Larger ones are sent in [pieces](super::Piece).
const MAX_FILE: u64 = 20 * 1024 * 1024;

/// What came of writing an envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// How many items were written. An envelope without any is not worth sending.
    pub items: usize,
    /// The items that could not be written, for whoever counts losses.
    pub losses: Vec<ItemLoss>,
    /// Which of the items these were.
    pub left_out: Vec<usize>,
}

impl Written {
    pub(super) fn lose(&mut self, item: usize, losses: impl IntoIterator<Item = ItemLoss>) {
        self.losses.extend(losses);
        self.left_out.push(item);
    }
}

/// The headers of an item, in the order they are written.
#[derive(Serialize)]
pub(super) struct ItemHeader<'a> {
    #[serde(rename = "type")]
    pub(super) ty: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) item_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<&'a str>,
    pub(super) length: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) filename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attachment_type: Option<&'a str>,
    #[serde(flatten)]
    pub(super) other: Option<&'a Map<String, Value>>,
}

impl<'a> ItemHeader<'a> {
    pub(super) fn new(ty: &'a str, length: usize) -> Self {
        Self {
            ty,
            item_count: None,
            content_type: None,
            length,
            filename: None,
            attachment_type: None,
            other: None,
        }
    }
}

/// Writes one item with a newline behind it. What it reports as lost was not written.
pub(super) fn entry<W: Write>(
    (index, entry): (usize, &Entry),
    writer: &mut W,
    scratch: &mut Vec<u8>,
    written: &mut Written,
) -> io::Result<()> {
    let other = entry.other.as_ref();
    scratch.clear();
    let encoded = match &entry.item {
        EnvelopeItem::Event(event) => payload("event", event, other, scratch),
        EnvelopeItem::Feedback(event) => payload("feedback", event, other, scratch),
        EnvelopeItem::Transaction(transaction) => payload("transaction", transaction, other, scratch),
        EnvelopeItem::SessionUpdate(session) => payload("session", session, other, scratch),
        EnvelopeItem::UnhandledSession(session) => payload("session", &Unhandled(session), other, scratch),
        EnvelopeItem::SessionAggregates(sessions) => payload("sessions", sessions, other, scratch),
        EnvelopeItem::MonitorCheckIn(check_in) => payload("check_in", check_in, other, scratch),
        EnvelopeItem::ClientReport(report) => payload("client_report", report, other, scratch),
        EnvelopeItem::ItemContainer(items) => container(items, other, scratch),
        EnvelopeItem::Attachment(item) => {
            attachment(item, other, writer, scratch)?;
            written.items += 1;
            return Ok(());
        }
        EnvelopeItem::FileAttachment(item) => {
            match read(item, scratch) {
                Ok(()) => {
                    content(&entry.item, scratch, writer)?;
                    written.items += 1;
                }
                Err(loss) => written.lose(index, [loss]),
            }
            return Ok(());
        }
        EnvelopeItem::StoredAttachment(item) => {
            match Content::stored(item.bytes()).read_to_end(scratch) {
                Ok(count) if count as u64 == item.bytes().length() => {
                    content(&entry.item, scratch, writer)?;
                    written.items += 1;
                }
                _ => written.lose(index, lost(&entry.item)),
            }
            return Ok(());
        }
        EnvelopeItem::Unknown(item) => {
            unknown(item, writer)?;
            written.items += 1;
            return Ok(());
        }
        // Only a filter ever sees it: there is nothing to write, and nothing was lost.
        EnvelopeItem::Raw => return Ok(()),
    };
    match encoded {
        Ok(length) => {
            let (payload, header) = scratch.split_at(length);
            writer.write_all(header)?;
            writer.write_all(b"\n")?;
            writer.write_all(payload)?;
            writer.write_all(b"\n")?;
            written.items += 1;
        }
        Err(_) => written.lose(index, lost(&entry.item)),
    }
    Ok(())
}

/// Encodes the payload and, behind it, the headers, which need to know its length. Returns that length.
fn payload<T: Serialize + ?Sized>(
    ty: &str,
    payload: &T,
    other: Option<&Map<String, Value>>,
    scratch: &mut Vec<u8>,
) -> serde_json::Result<usize> {
    json::encode(scratch, payload)?;
    let length = scratch.len();
    json::encode(scratch, &ItemHeader { other, ..ItemHeader::new(ty, length) })?;
    Ok(length)
}

fn container(
    items: &ItemContainer,
    other: Option<&Map<String, Value>>,
    scratch: &mut Vec<u8>,
) -> serde_json::Result<usize> {
    #[derive(Serialize)]
    struct Container<'a, T> {
        version: u8,
        ingest_settings: IngestSettings,
        items: &'a [T],
    }
    fn encode<T: Serialize>(scratch: &mut Vec<u8>, items: &[T]) -> serde_json::Result<()> {
        let ingest_settings = IngestSettings::default();
        json::encode(scratch, &Container { version: ingest::VERSION, ingest_settings, items })
    }
    match items {
        ItemContainer::Logs(items) => encode(scratch, items)?,
        ItemContainer::Metrics(items) => encode(scratch, items)?,
        ItemContainer::Spans(items) => encode(scratch, items)?,
    }
    let length = scratch.len();
    let header = ItemHeader {
        item_count: Some(items.len()),
        content_type: Some(items.content_type()),
        other,
        ..ItemHeader::new(items.ty(), length)
    };
    json::encode(scratch, &header)?;
    Ok(length)
}

fn attachment<W: Write>(
    attachment: &Attachment,
    other: Option<&Map<String, Value>>,
    writer: &mut W,
    scratch: &mut Vec<u8>,
) -> io::Result<()> {
    if other.is_some() {
        // It was read with headers that the type has no place for: every one of them as it was.
        let header = ItemHeader {
            content_type: attachment.content_type.as_deref(),
            filename: Some(attachment.filename.as_str()).filter(|name| !name.is_empty()),
            attachment_type: attachment.ty.as_ref().map(|ty| ty.as_str()),
            other,
            ..ItemHeader::new("attachment", attachment.buffer.len())
        };
        json::encode(scratch, &header)?;
        writer.write_all(scratch)?;
        writer.write_all(b"\n")?;
        writer.write_all(&attachment.buffer)?;
    } else {
        attachment.to_writer(writer)?;
    }
    writer.write_all(b"\n")
}

/// What is lost with an item. A reason of its own comes with a lost report.
fn lost(item: &EnvelopeItem) -> impl Iterator<Item = ItemLoss> {
    item.losses().map(|loss| match loss.reason {
        Some(_) => loss,
        None => loss.with_reason(Reason::InternalSdkError),
    })
}

/// What is lost with a file that cannot be read: nobody knows how large it is.
pub(super) fn unreadable() -> ItemLoss {
    ItemLoss::new(Category::Attachment, 1).with_reason(Reason::InternalSdkError)
}

/// Writes the headers of a file, and the newline behind them.
pub(super) fn header_of_content<W: Write>(
    item: &EnvelopeItem,
    length: u64,
    writer: &mut W,
) -> io::Result<()> {
    let (filename, content_type, ty): (_, _, Option<&AttachmentType>) = match item {
        EnvelopeItem::FileAttachment(file) => {
            let content_type = file.content_type.as_deref().or_else(|| content_type_of(&file.filename));
            (&file.filename, content_type, file.attachment_type.as_ref())
        }
        EnvelopeItem::StoredAttachment(stored) => {
            (&stored.filename, stored.content_type.as_deref(), stored.ty.as_ref())
        }
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    attachment_header(writer, length, filename, content_type, ty)
}

/// Writes a file whose bytes were read.
fn content<W: Write>(item: &EnvelopeItem, bytes: &[u8], writer: &mut W) -> io::Result<()> {
    header_of_content(item, bytes.len() as u64, writer)?;
    writer.write_all(bytes)?;
    writer.write_all(b"\n")
}

fn read(file: &FileAttachment, scratch: &mut Vec<u8>) -> Result<(), ItemLoss> {
    // Its size may be wrong, as in /proc, or change while it is read: what counts is what comes out of it.
    let (opened, metadata) = content::open(file.path()).map_err(|_| unreadable())?;
    opened.take(MAX_FILE + 1).read_to_end(scratch).map_err(|_| unreadable())?;
    if scratch.len() as u64 > MAX_FILE {
        let size = metadata.len().max(scratch.len() as u64);
        return Err(ItemLoss::new(Category::Attachment, size).with_reason(Reason::Invalid));
    }
    Ok(())
}

fn unknown<W: Write>(item: &UnknownItem, writer: &mut W) -> io::Result<()> {
    writer.write_all(item.header_line())?;
    writer.write_all(b"\n")?;
    writer.write_all(item.payload())?;
    writer.write_all(b"\n")
}
