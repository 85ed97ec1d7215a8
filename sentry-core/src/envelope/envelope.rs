use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use serde_json::Value;
use uuid::Uuid;

use super::raw::RawEnvelope;
use super::read::split_line;
use super::{
    EnvelopeError, EnvelopeFilter, EnvelopeHeaders, EnvelopeItem, EnvelopeItemIter, ItemSlice, Opened,
    Written, read, size, write,
};
use crate::json;
use crate::protocol::{Attachment, Event, Map, PutAway, StoredAttachment};

/// What is sent in one request: headers and items.
///
/// One read by [`from_slice`](Self::from_slice) has its items decoded. One made by
/// [`from_bytes_raw`](Self::from_bytes_raw) is passed on as it is: it shows no items, and nothing of it changes but a
/// missing `sent_at`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Envelope {
    headers: EnvelopeHeaders,
    contents: Contents,
}

#[derive(Clone, Debug, PartialEq)]
enum Contents {
    Items(Vec<Entry>),
    Raw(RawEnvelope),
}

impl Default for Contents {
    fn default() -> Self {
        Self::Items(Vec::new())
    }
}

/// An item, and the headers it was read with that its type has no place for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) item: EnvelopeItem,
    pub(super) other: Option<Map<String, Value>>,
}

impl Entry {
    pub(super) fn new(item: EnvelopeItem, other: Map<String, Value>) -> Self {
        Self { item, other: Some(other).filter(|other| !other.is_empty()) }
    }
}

impl From<EnvelopeItem> for Entry {
    fn from(item: EnvelopeItem) -> Self {
        Self { item, other: None }
    }
}

impl Envelope {
    /// An envelope without items.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads an envelope and decodes its items.
    ///
    /// Items of unknown types and unknown headers are kept.
    ///
    /// # Errors
    /// When it is malformed, or an item is not what its type promises.
    pub fn from_slice(slice: &[u8]) -> Result<Self, EnvelopeError> {
        read::envelope(slice, read::Decoding::All)
    }

    /// The same, for one that is to be passed on: items whose types here do not keep all that the protocol knows (check-ins,
    /// counted sessions, logs, metrics, streamed spans) stay as they are, as [`EnvelopeItem::Unknown`].
    ///
    /// # Errors
    /// As [`from_slice`](Self::from_slice), as far as it looks into the items.
    pub fn from_slice_lossless(slice: &[u8]) -> Result<Self, EnvelopeError> {
        read::envelope(slice, read::Decoding::Lossless)
    }

    /// Reads the envelope in a file, as [`from_slice`](Self::from_slice) does.
    ///
    /// # Errors
    /// As [`from_slice`](Self::from_slice), and [`UnexpectedEof`](EnvelopeError::UnexpectedEof) when the file cannot
    /// be read.
    pub fn from_path<P: AsRef<Path>>(path: P) -> Result<Self, EnvelopeError> {
        Self::from_slice(&read::file(path.as_ref())?)
    }

    /// Takes an envelope as bytes, to be sent as they are.
    ///
    /// # Errors
    /// When there are more of them than a server takes.
    pub fn from_bytes_raw(bytes: Vec<u8>) -> Result<Self, EnvelopeError> {
        if bytes.len() > read::MAX_BYTES {
            return Err(EnvelopeError::TooLarge);
        }
        let (raw, headers) = RawEnvelope::new(bytes);
        Ok(Self { headers, contents: Contents::Raw(raw) })
    }

    /// Takes the bytes of a file as an envelope, as [`from_bytes_raw`](Self::from_bytes_raw) does.
    ///
    /// # Errors
    /// As [`from_bytes_raw`](Self::from_bytes_raw), and [`UnexpectedEof`](EnvelopeError::UnexpectedEof) when the file
    /// cannot be read.
    pub fn from_path_raw<P: AsRef<Path>>(path: P) -> Result<Self, EnvelopeError> {
        Self::from_bytes_raw(read::file(path.as_ref())?)
    }

    pub(super) fn from_parts(headers: EnvelopeHeaders, entries: Vec<Entry>) -> Self {
        Self { headers, contents: Contents::Items(entries) }
    }

    /// Replaces its headers.
    #[must_use]
    pub fn with_headers(mut self, headers: EnvelopeHeaders) -> Self {
        self.headers = headers;
        self
    }

    /// Puts an item in. The first event, transaction or feedback gives the envelope its id, unless it has one.
    pub fn add_item<I: Into<EnvelopeItem>>(&mut self, item: I) {
        let item = item.into();
        match &mut self.contents {
            Contents::Items(entries) => {
                if self.headers.event_id().is_none() {
                    self.headers.set_event_id(item.event_id());
                }
                entries.push(item.into());
            }
            // Writing to memory does not fail.
            Contents::Raw(raw) => {
                let _ = write::entry((0, &item.into()), raw.open(), &mut Vec::new(), &mut Written::default());
            }
        }
    }

    /// Removes the items that `keep` does not approve of. Attachments stay: see [`filter`](Self::filter).
    pub fn retain_items(&mut self, mut keep: impl FnMut(&EnvelopeItem) -> bool) {
        if let Contents::Items(entries) = &mut self.contents {
            entries.retain(|entry| keep(&entry.item));
        }
    }

    /// Asks for each attachment in memory whether its bytes are to be put away.
    pub(crate) fn put_away(&mut self, mut put: impl FnMut(&Attachment) -> PutAway) {
        let Contents::Items(entries) = &mut self.contents else { return };
        entries.retain_mut(|entry| {
            // Headers that the type has no place for would be lost.
            let EnvelopeItem::Attachment(attachment) = &entry.item else { return true };
            match if entry.other.is_some() { PutAway::Kept } else { put(attachment) } {
                PutAway::Kept => true,
                PutAway::Moved(bytes) => {
                    entry.item = StoredAttachment::new(attachment, bytes).into();
                    true
                }
                PutAway::GivenUp => false,
            }
        });
    }

    /// Its items, to be changed in place.
    pub fn items_mut(&mut self) -> impl Iterator<Item = &mut EnvelopeItem> {
        let entries = match &mut self.contents {
            Contents::Items(entries) => entries.as_mut_slice(),
            Contents::Raw(_) => &mut [],
        };
        entries.iter_mut().map(|entry| &mut entry.item)
    }

    /// Its headers, to be changed in place.
    pub fn headers_mut(&mut self) -> &mut EnvelopeHeaders {
        &mut self.headers
    }

    /// Sets when it is sent, which is known only then: a stored envelope has no such header.
    pub fn set_sent_at(&mut self, sent_at: SystemTime) {
        self.headers.set_sent_at(Some(sent_at));
    }

    /// Its headers.
    #[must_use]
    pub fn headers(&self) -> &EnvelopeHeaders {
        &self.headers
    }

    /// The id of its event.
    #[must_use]
    pub fn uuid(&self) -> Option<&Uuid> {
        self.headers.event_id()
    }

    /// Its items.
    #[must_use]
    pub fn items(&self) -> EnvelopeItemIter<'_> {
        EnvelopeItemIter::new(self.entries())
    }

    /// Its items, by value.
    pub fn into_items(self) -> impl Iterator<Item = EnvelopeItem> {
        let entries = match self.contents {
            Contents::Items(entries) => entries,
            Contents::Raw(_) => Vec::new(),
        };
        entries.into_iter().map(|entry| entry.item)
    }

    /// Its first event.
    #[must_use]
    pub fn event(&self) -> Option<&Event<'static>> {
        self.items().find_map(|item| match item {
            EnvelopeItem::Event(event) => Some(&**event),
            _ => None,
        })
    }

    /// Whether there is nothing in it to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.contents {
            Contents::Items(entries) => entries.is_empty(),
            Contents::Raw(raw) => raw.bytes().is_empty(),
        }
    }

    /// The bytes it was made of, when it was made by [`from_bytes_raw`](Self::from_bytes_raw).
    #[must_use]
    pub fn raw_bytes(&self) -> Option<&[u8]> {
        match &self.contents {
            Contents::Items(_) => None,
            Contents::Raw(raw) => Some(raw.bytes()),
        }
    }

    /// Roughly how many bytes it will take when written. Cheap: nothing is encoded and no file is touched.
    #[must_use]
    pub fn size_hint(&self) -> usize {
        match &self.contents {
            Contents::Items(entries) => {
                size::HEADERS + entries.iter().map(|entry| size::item(&entry.item)).sum::<usize>()
            }
            Contents::Raw(raw) => raw.bytes().len(),
        }
    }

    /// Keeps the items that `filter` approves of, and the headers. `None` when nothing is left.
    ///
    /// Attachments go with the event they belong to. An envelope of raw bytes is one item to the filter,
    /// [`EnvelopeItem::Raw`].
    #[must_use]
    pub fn filter<F: EnvelopeFilter>(self, mut filter: F) -> Option<Self> {
        let Self { headers, contents } = self;
        let entries = match contents {
            Contents::Items(entries) => entries,
            Contents::Raw(raw) => {
                if filter.filter(&EnvelopeItem::Raw) {
                    return Some(Self { headers, contents: Contents::Raw(raw) });
                }
                filter.on_filtered(EnvelopeItem::Raw);
                return None;
            }
        };

        let had_owner = entries.iter().any(|entry| entry.item.owns_attachments());
        let mut kept = Vec::with_capacity(entries.len());
        for entry in entries {
            if filter.filter(&entry.item) {
                kept.push(entry);
            } else {
                filter.on_filtered(entry.item);
            }
        }
        if had_owner && !kept.iter().any(|entry: &Entry| entry.item.owns_attachments()) {
            for orphan in kept.extract_if(.., |entry| entry.item.is_attachment()) {
                filter.on_filtered(orphan.item);
            }
        }
        (!kept.is_empty()).then(|| Self::from_parts(headers, kept))
    }

    /// Writes it. Items that cannot be encoded are left out: [`write_to`](Self::write_to) tells which.
    ///
    /// # Errors
    /// Only those of the writer.
    pub fn to_writer<W: Write>(&self, writer: W) -> io::Result<()> {
        self.write_to(writer).map(drop)
    }

    /// Writes it and tells what could not be written.
    ///
    /// # Errors
    /// Only those of the writer.
    pub fn write_to<W: Write>(&self, writer: W) -> io::Result<Written> {
        // Room for most events, at once.
        self.write_reusing(writer, &mut Vec::with_capacity(8 << 10))
    }

    /// As [`write_to`](Self::write_to), with a buffer to encode items in that outlives the call.
    ///
    /// # Errors
    /// Only those of the writer.
    pub fn write_reusing<W: Write>(&self, mut writer: W, scratch: &mut Vec<u8>) -> io::Result<Written> {
        let mut written = Written::default();
        match &self.contents {
            Contents::Items(entries) => {
                self.write_head(&mut writer, scratch)?;
                for entry in entries.iter().enumerate() {
                    write::entry(entry, &mut writer, scratch, &mut written)?;
                }
            }
            Contents::Raw(raw) => {
                raw.write_to(&mut writer, self.headers.sent_at())?;
                written.items = raw.items().filter(Result::is_ok).count();
            }
        }
        Ok(written)
    }

    /// As [`write_reusing`](Self::write_reusing) for an envelope that was written `before`, when it had no client reports: the
    /// headers and the reports that it has now are encoded, everything else is copied.
    ///
    /// # Errors
    /// Only those of the writer.
    pub fn write_again<W: Write>(
        &self,
        before: &[u8],
        mut writer: W,
        scratch: &mut Vec<u8>,
    ) -> io::Result<Written> {
        let Contents::Items(entries) = &self.contents else { return self.write_reusing(writer, scratch) };
        let mut written = Written::default();
        self.write_head(&mut writer, scratch)?;
        writer.write_all(split_line(before).1)?;
        for (index, entry) in entries.iter().enumerate() {
            if matches!(entry.item, EnvelopeItem::ClientReport(_)) {
                write::entry((index, entry), &mut writer, scratch, &mut written)?;
            } else {
                written.items += 1;
            }
        }
        Ok(written)
    }

    /// Opens the files that go with it, to be sent in pieces. `None` if there are none.
    #[must_use]
    pub fn open(&self) -> Option<Opened<'_>> {
        Opened::new(self, self.entries())
    }

    /// Writes its headers.
    pub(super) fn write_head<W: Write>(&self, writer: &mut W, scratch: &mut Vec<u8>) -> io::Result<()> {
        scratch.clear();
        json::encode(scratch, &self.headers)?;
        scratch.push(b'\n');
        writer.write_all(scratch)
    }

    /// The items of an envelope of raw bytes, as far as they can be read.
    pub(crate) fn raw_items(&self) -> impl Iterator<Item = ItemSlice<'_>> {
        let raw = match &self.contents {
            Contents::Items(_) => None,
            Contents::Raw(raw) => Some(raw),
        };
        raw.into_iter().flat_map(RawEnvelope::items).filter_map(Result::ok)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.contents {
            Contents::Items(entries) => entries,
            Contents::Raw(_) => &[],
        }
    }
}

impl<T: Into<EnvelopeItem>> From<T> for Envelope {
    fn from(item: T) -> Self {
        let mut envelope = Self::new();
        envelope.add_item(item);
        envelope
    }
}
