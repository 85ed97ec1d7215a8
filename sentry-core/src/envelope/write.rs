//! Writing: each item is encoded into a buffer that is used again for the next one.

use std::fs::{self, File};
use std::io::{self, Read, Write};

use serde::Serialize;
use serde_json::Value;

use super::envelope::Entry;
use super::{EnvelopeItem, ItemContainer, UnknownItem};
use crate::client_report::protocol::{Category, ItemLoss, LossSource, Reason};
use crate::protocol::{Attachment, FileAttachment, Map, Unhandled};

/// What a server takes of one attachment.
const MAX_FILE: u64 = 20 * 1024 * 1024;

/// What came of writing an envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// How many items were written. An envelope without any is not worth sending.
    pub items: usize,
    /// The items that could not be written, for whoever counts losses.
    pub losses: Vec<ItemLoss>,
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
    entry: &Entry,
    writer: &mut W,
    scratch: &mut Vec<u8>,
    written: &mut Written,
) -> io::Result<()> {
    let other = entry.other.as_ref();
    scratch.clear();
    let encoded = match &entry.item {
        EnvelopeItem::Event(event) => json("event", event, other, scratch),
        EnvelopeItem::Feedback(event) => json("feedback", event, other, scratch),
        EnvelopeItem::Transaction(transaction) => json("transaction", transaction, other, scratch),
        EnvelopeItem::SessionUpdate(session) => json("session", session, other, scratch),
        EnvelopeItem::UnhandledSession(session) => json("session", &Unhandled(session), other, scratch),
        EnvelopeItem::SessionAggregates(sessions) => json("sessions", sessions, other, scratch),
        EnvelopeItem::MonitorCheckIn(check_in) => json("check_in", check_in, other, scratch),
        EnvelopeItem::ClientReport(report) => json("client_report", report, other, scratch),
        EnvelopeItem::ItemContainer(items) => container(items, other, scratch),
        EnvelopeItem::Attachment(item) => {
            attachment(item, other, writer, scratch)?;
            written.items += 1;
            return Ok(());
        }
        EnvelopeItem::FileAttachment(item) => return file(item, writer, scratch, written),
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
        // A reason of its own comes with a lost report.
        Err(_) => written.losses.extend(entry.item.losses().map(|loss| match loss.reason {
            Some(_) => loss,
            None => loss.with_reason(Reason::InternalSdkError),
        })),
    }
    Ok(())
}

/// Encodes the payload and, behind it, the headers, which need to know its length. Returns that length.
fn json<T: Serialize + ?Sized>(
    ty: &str,
    payload: &T,
    other: Option<&Map<String, Value>>,
    scratch: &mut Vec<u8>,
) -> serde_json::Result<usize> {
    serde_json::to_writer(&mut *scratch, payload)?;
    let length = scratch.len();
    serde_json::to_writer(scratch, &ItemHeader { other, ..ItemHeader::new(ty, length) })?;
    Ok(length)
}

fn container(
    items: &ItemContainer,
    other: Option<&Map<String, Value>>,
    scratch: &mut Vec<u8>,
) -> serde_json::Result<usize> {
    #[derive(Serialize)]
    struct Container<'a, T> {
        // Below 2 a server takes the connection for that of an end user and infers browser and address from it.
        version: u8,
        items: &'a [T],
    }
    match items {
        ItemContainer::Logs(items) => serde_json::to_writer(&mut *scratch, &Container { version: 2, items })?,
        ItemContainer::Metrics(items) => {
            serde_json::to_writer(&mut *scratch, &Container { version: 2, items })?
        }
        ItemContainer::Spans(items) => {
            serde_json::to_writer(&mut *scratch, &Container { version: 2, items })?
        }
    }
    let length = scratch.len();
    let header = ItemHeader {
        item_count: Some(items.len()),
        content_type: Some(items.content_type()),
        other,
        ..ItemHeader::new(items.ty(), length)
    };
    serde_json::to_writer(scratch, &header)?;
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
        serde_json::to_writer(&mut *scratch, &header)?;
        writer.write_all(scratch)?;
        writer.write_all(b"\n")?;
        writer.write_all(&attachment.buffer)?;
    } else {
        attachment.to_writer(writer)?;
    }
    writer.write_all(b"\n")
}

fn file<W: Write>(
    file: &FileAttachment,
    writer: &mut W,
    scratch: &mut Vec<u8>,
    written: &mut Written,
) -> io::Result<()> {
    match read(file, scratch) {
        Ok(()) => {
            let read = file.clone().into_attachment(std::mem::take(scratch));
            let result = attachment(&read, None, writer, &mut Vec::new());
            *scratch = read.buffer;
            result?;
            written.items += 1;
        }
        Err(loss) => written.losses.push(loss),
    }
    Ok(())
}

fn read(file: &FileAttachment, scratch: &mut Vec<u8>) -> Result<(), ItemLoss> {
    let unreadable = |_| ItemLoss::new(Category::Attachment, 1).with_reason(Reason::InternalSdkError);
    let metadata = fs::metadata(file.path()).map_err(unreadable)?;
    // A pipe or a device would block, or never end.
    if !metadata.is_file() {
        return Err(unreadable(io::ErrorKind::InvalidInput.into()));
    }
    // Its size may be wrong, as in /proc, or change while it is read: what counts is what comes out of it.
    let opened = File::open(file.path()).map_err(unreadable)?;
    opened.take(MAX_FILE + 1).read_to_end(scratch).map_err(unreadable)?;
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
