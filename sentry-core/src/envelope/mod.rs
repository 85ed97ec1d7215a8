//! Envelopes: what is sent in one request, and how it is written and read.
//!
//! ```text
//! {"event_id":"…","dsn":"…","sdk":{…},"sent_at":"…"}      headers of the envelope, one line of JSON
//! {"type":"event","length":41}                            headers of an item
//! {…41 bytes…}                                            its payload, raw bytes, then a newline
//! {"type":"attachment","length":5,"filename":"a.txt"}
//! hello
//! ```
//!
//! Writing streams: an item is encoded into one buffer that is reused for the next, because its length stands before
//! it. An item that cannot be encoded is left out and told to the caller, never the end of the envelope. Reading never
//! panics and takes memory in proportion to the input only. What it does not know it keeps, byte for byte.
//!
//! ```
//! use sentry_core::envelope::Envelope;
//! use sentry_core::protocol::{Attachment, Event};
//!
//! let event = Event { message: Some("disk full".into()), ..Event::default() };
//! let mut envelope = Envelope::from(event.clone());
//! envelope.add_item(Attachment { buffer: b"hello".to_vec(), filename: "a.txt".into(), ..Attachment::default() });
//!
//! let mut bytes = Vec::new();
//! let written = envelope.write_to(&mut bytes)?;
//! assert_eq!((written.items, written.losses.len()), (2, 0));
//! assert_eq!(Envelope::from_slice(&bytes).unwrap().uuid(), Some(&event.event_id));
//! # Ok::<(), std::io::Error>(())
//! ```

mod container;
mod content;
#[expect(clippy::module_inception, reason = "the noun of that file is the envelope")]
mod envelope;
mod error;
mod filter;
mod headers;
pub(crate) mod ingest;
mod item;
mod iter;
mod pieces;
mod raw;
mod read;
mod size;
mod unknown;
mod write;

pub use self::container::ItemContainer;
pub use self::content::Content;
pub use self::envelope::Envelope;
pub use self::error::EnvelopeError;
pub use self::filter::{EnvelopeFilter, EnvelopeFilterCallbacks};
pub use self::headers::EnvelopeHeaders;
pub use self::item::EnvelopeItem;
pub use self::iter::EnvelopeItemIter;
pub use self::pieces::{Opened, Piece};
pub(crate) use self::read::ItemSlice;
pub use self::unknown::UnknownItem;
pub use self::write::Written;

#[cfg(test)]
mod tests;
