//! An envelope in pieces: bytes, and the contents of files that are read while it is sent.

use std::io;

use super::content::Content;
use super::envelope::Entry;
use super::{Envelope, EnvelopeItem, Written, write};

/// A part of an envelope on its way out. All of them in a row are the envelope.
#[derive(Debug)]
#[non_exhaustive]
pub enum Piece {
    /// Bytes.
    Bytes(Vec<u8>),
    /// What is in a file. Its length is in the headers of the item: exactly that many bytes have to follow, or the
    /// envelope is broken.
    Content {
        /// Which item of the envelope it is.
        item: usize,
        /// The bytes.
        content: Content,
    },
}

/// An envelope with the files that go with it open, as they are at the moment.
#[derive(Debug)]
pub struct Opened<'e> {
    envelope: &'e Envelope,
    /// The files in their order, by item.
    contents: Vec<(usize, io::Result<Content>)>,
}

impl<'e> Opened<'e> {
    /// `None`: no file goes with it.
    pub(super) fn new(envelope: &'e Envelope, entries: &[Entry]) -> Option<Self> {
        let open = |(index, entry): (usize, &Entry)| match &entry.item {
            EnvelopeItem::FileAttachment(file) => Some((index, Content::open(file.path()))),
            EnvelopeItem::StoredAttachment(stored) => Some((index, Ok(Content::stored(stored.bytes())))),
            _ => None,
        };
        let contents: Vec<_> = entries.iter().enumerate().filter_map(open).collect();
        (!contents.is_empty()).then_some(Self { envelope, contents })
    }

    /// How many bytes of files there are.
    #[must_use]
    pub fn length(&self) -> u64 {
        let lengths = self.contents.iter().flat_map(|(_, content)| content);
        lengths.fold(0, |sum, content| sum.saturating_add(content.length()))
    }

    /// Writes everything but the files. What could not be opened is left out.
    ///
    /// # Errors
    /// Those of serialisers of the application.
    pub fn into_pieces(self, scratch: &mut Vec<u8>) -> io::Result<(Vec<Piece>, Written)> {
        let Self { envelope, contents } = self;
        let (mut pieces, mut written) = (Vec::with_capacity(2 * contents.len() + 1), Written::default());
        let (mut bytes, mut contents) = (Vec::new(), contents.into_iter().peekable());
        envelope.write_head(&mut bytes, scratch)?;
        for (index, entry) in envelope.entries().iter().enumerate() {
            let content = contents.next_if(|(item, _)| *item == index).map(|(_, content)| content);
            match content {
                None => write::entry((index, entry), &mut bytes, scratch, &mut written)?,
                Some(Ok(content)) => {
                    write::header_of_content(&entry.item, content.length(), &mut bytes)?;
                    pieces.push(Piece::Bytes(std::mem::take(&mut bytes)));
                    pieces.push(Piece::Content { item: index, content });
                    bytes.push(b'\n');
                    written.items += 1;
                }
                Some(Err(_)) => written.lose(index, [write::unreadable()]),
            }
        }
        pieces.push(Piece::Bytes(bytes));
        Ok((pieces, written))
    }
}
