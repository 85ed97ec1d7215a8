//! What an envelope cannot take along into the store.
//!
//! All of an envelope is in memory when it is written to the store, and when it is read from there: files that are larger
//! stay behind, and are counted, so that the event is kept at least.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sentry_core::envelope::EnvelopeItem;
use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::{ItemLoss, LossSource, Reason};

use crate::store::EntryId;

/// The files of one envelope, together. What the store takes of one by default.
pub(super) const MAX_FILES: u64 = 8 * 1024 * 1024;

/// An envelope with no more files than may be, and what was left behind.
pub(super) fn pack(envelope: &Envelope, most: u64) -> (Cow<'_, Envelope>, Vec<ItemLoss>) {
    if !envelope.items().any(EnvelopeItem::is_attachment) {
        return (Cow::Borrowed(envelope), Vec::new());
    }
    let mut left = most;
    let mut fits = |size: u64| {
        let fits = size <= left && most > 0;
        left -= if fits { size } else { 0 };
        fits
    };
    let kept: Vec<bool> = envelope.items().map(|item| size(item).is_none_or(&mut fits)).collect();
    if kept.iter().all(|kept| *kept) {
        return (Cow::Borrowed(envelope), Vec::new());
    }
    let behind = envelope.items().zip(&kept).filter(|(_, kept)| !**kept);
    let losses = behind.flat_map(|(item, _)| item.losses().map(|loss| loss.with_reason(Reason::CacheOverflow)));
    let losses = losses.collect();
    let (mut packed, mut kept) = (envelope.clone(), kept.into_iter());
    packed.retain_items(|_| kept.next().unwrap_or(true));
    (Cow::Owned(packed), losses)
}

/// How large a file is; `None` for anything else.
fn size(item: &EnvelopeItem) -> Option<u64> {
    match item {
        EnvelopeItem::Attachment(attachment) => Some(attachment.buffer.len() as u64),
        // One that cannot be read is found out when it is written.
        EnvelopeItem::FileAttachment(file) => {
            Some(std::fs::metadata(file.path()).map_or(0, |metadata| metadata.len()))
        }
        EnvelopeItem::StoredAttachment(stored) => Some(stored.bytes().length()),
        item => item.is_attachment().then_some(0),
    }
}

/// What entries lack that are on their way in full: counted when only the entry is left.
#[derive(Debug, Default)]
pub(super) struct Behind(Mutex<HashMap<EntryId, Vec<ItemLoss>>>);

impl Behind {
    pub(super) fn note(&self, id: EntryId, losses: Vec<ItemLoss>) {
        if !losses.is_empty() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, losses);
        }
    }

    pub(super) fn take(&self, id: EntryId) -> Vec<ItemLoss> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id).unwrap_or_default()
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
