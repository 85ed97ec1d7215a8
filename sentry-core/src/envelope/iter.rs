use std::slice;

use super::EnvelopeItem;
use super::envelope::Entry;

/// The items of an envelope.
#[derive(Clone, Debug)]
pub struct EnvelopeItemIter<'s> {
    entries: slice::Iter<'s, Entry>,
}

impl<'s> EnvelopeItemIter<'s> {
    pub(super) fn new(entries: &'s [Entry]) -> Self {
        Self { entries: entries.iter() }
    }
}

impl<'s> Iterator for EnvelopeItemIter<'s> {
    type Item = &'s EnvelopeItem;

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.next().map(|entry| &entry.item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl ExactSizeIterator for EnvelopeItemIter<'_> {}
