//! Attachments whose bytes wait outside of memory.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::{Attachment, AttachmentType};

/// Bytes that were put away, and stay where they are for as long as somebody holds this.
pub trait Stored: Send + Sync + fmt::Debug {
    /// How many there are. Never changes.
    fn length(&self) -> u64;

    /// Reads some of them, from `offset` on. Nothing is read at the end only.
    ///
    /// # Errors
    /// When they cannot be read any more.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// What becomes of the bytes of an attachment that waits.
#[derive(Clone, Debug)]
pub enum PutAway {
    /// They stay in memory.
    Kept,
    /// They are somewhere else now.
    Moved(Arc<dyn Stored>),
    /// There is no room for them anywhere. Whoever says so counts the loss.
    GivenUp,
}

/// An attachment that was in memory, and is sent from where a transport has put its bytes.
#[derive(Clone, Debug)]
pub struct StoredAttachment {
    /// The name it is sent under, without a path.
    pub filename: String,
    /// Its MIME type; `application/octet-stream` by default.
    pub content_type: Option<String>,
    /// What it is for; a plain file by default.
    pub ty: Option<AttachmentType>,
    bytes: Arc<dyn Stored>,
}

impl StoredAttachment {
    /// `attachment`, with its bytes in `bytes`.
    #[must_use]
    pub fn new(attachment: &Attachment, bytes: Arc<dyn Stored>) -> Self {
        Self {
            filename: attachment.filename.clone(),
            content_type: attachment.content_type.clone(),
            ty: attachment.ty.clone(),
            bytes,
        }
    }

    /// Where its bytes are.
    #[must_use]
    pub fn bytes(&self) -> &Arc<dyn Stored> {
        &self.bytes
    }
}

impl PartialEq for StoredAttachment {
    /// Bytes are the same if they are in the same place.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bytes, &other.bytes)
            && (&self.filename, &self.content_type, &self.ty)
                == (&other.filename, &other.content_type, &other.ty)
    }
}
