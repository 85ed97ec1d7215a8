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
    let losses =
        behind.flat_map(|(item, _)| item.losses().map(|loss| loss.with_reason(Reason::CacheOverflow)));
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

#[cfg(test)]
mod tests {
    use sentry_core::protocol::client_report::Category;
    use sentry_core::protocol::{Attachment, Event, FileAttachment};

    use super::*;

    fn attachment(bytes: usize) -> Attachment {
        Attachment { buffer: vec![0; bytes], ..Attachment::default() }
    }

    fn packed(most: u64) -> (usize, Vec<u64>) {
        let mut envelope = Envelope::from(Event::default());
        envelope.add_item(attachment(100));
        envelope.add_item(attachment(1_000));
        envelope.add_item(attachment(50));
        // Its size is not known: it is found out, and counted, when it is written.
        envelope.add_item(FileAttachment::new("/nowhere/at/all"));
        let (packed, losses) = pack(&envelope, most);
        assert!(packed.event().is_some());
        assert!(losses.iter().all(|loss| loss.category == Category::Attachment));
        (packed.items().count() - 1, losses.iter().map(|loss| loss.quantity).collect())
    }

    #[test]
    fn what_has_no_room_stays_behind_and_the_event_never() {
        assert_eq!(packed(2_000), (4, vec![]));
        assert_eq!(packed(1_000), (3, vec![1_000]));
        assert_eq!(packed(100), (2, vec![1_000, 50]));
        assert_eq!(packed(0), (0, vec![100, 1_000, 50, 1]));
    }

    #[test]
    fn what_an_entry_lacks_is_told_once() {
        let behind = Behind::default();
        let loss = ItemLoss::new(Category::Attachment, 7);
        behind.note(EntryId(1), vec![loss]);
        behind.note(EntryId(2), Vec::new());
        assert_eq!(behind.take(EntryId(2)), []);
        assert_eq!(behind.take(EntryId(1)), [loss]);
        assert_eq!(behind.take(EntryId(1)), []);
    }
}
