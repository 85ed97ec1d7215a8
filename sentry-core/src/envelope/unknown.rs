use std::fmt;

use serde_json::Value;

use super::read::ItemSlice;
use super::write::ItemHeader;
use crate::protocol::Map;

/// An item in the form it has on the wire: kept byte for byte when it is read and written.
///
/// ```
/// use sentry_core::envelope::{Envelope, UnknownItem};
///
/// let item = UnknownItem::new("profile_chunk", [("platform", "rust".into())], b"{}".to_vec());
/// let mut bytes = Vec::new();
/// Envelope::from(item).to_writer(&mut bytes)?;
/// assert_eq!(bytes, b"{}\n{\"type\":\"profile_chunk\",\"length\":2,\"platform\":\"rust\"}\n{}\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct UnknownItem {
    ty: String,
    item_count: Option<usize>,
    header: Vec<u8>,
    payload: Vec<u8>,
}

impl UnknownItem {
    /// An item of type `ty`; `headers` are those beside `type` and `length`.
    #[must_use]
    pub fn new<'a>(ty: &str, headers: impl IntoIterator<Item = (&'a str, Value)>, payload: Vec<u8>) -> Self {
        let mut other: Map<String, Value> =
            headers.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        // They are given by `ty` and `payload`, and must not stand there twice.
        other.remove("type");
        other.remove("length");
        let item_count = item_count(&other);
        let header = ItemHeader { other: Some(&other), ..ItemHeader::new(ty, payload.len()) };
        // Serializing text and JSON values into memory does not fail.
        let header = serde_json::to_vec(&header).unwrap_or_default();
        Self { ty: ty.to_owned(), item_count, header, payload }
    }

    pub(super) fn from_slice(item: ItemSlice<'_>) -> Self {
        Self {
            item_count: item_count(&item.header.other),
            ty: item.header.ty,
            header: item.line.to_owned(),
            payload: item.payload.to_owned(),
        }
    }

    /// Its type.
    #[must_use]
    pub fn ty(&self) -> &str {
        &self.ty
    }

    /// Its headers, as the line of JSON they are.
    #[must_use]
    pub fn header_line(&self) -> &[u8] {
        &self.header
    }

    /// Its payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// How many records its headers say it holds: one if they do not say.
    #[must_use]
    pub fn item_count(&self) -> usize {
        self.item_count.unwrap_or(1)
    }
}

impl fmt::Debug for UnknownItem {
    /// The payload is not shown, only how long it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnknownItem")
            .field("ty", &self.ty)
            .field("item_count", &self.item_count)
            .field("payload", &self.payload.len())
            .finish_non_exhaustive()
    }
}

pub(super) fn item_count(headers: &Map<String, Value>) -> Option<usize> {
    usize::try_from(headers.get("item_count")?.as_u64()?).ok()
}
