use super::EnvelopeItem;
use crate::types::private::Sealed;

/// Decides which items stay in an envelope, and takes those that do not.
///
/// Implemented for `FnMut(&EnvelopeItem) -> bool`, and with a second closure by [`EnvelopeFilterCallbacks`].
pub trait EnvelopeFilter: Sealed {
    /// Whether `item` stays.
    fn filter(&mut self, item: &EnvelopeItem) -> bool;

    /// Takes an item that was removed: by this filter, or because what it belongs to was.
    fn on_filtered(&mut self, item: EnvelopeItem);
}

impl<F: FnMut(&EnvelopeItem) -> bool> Sealed for F {}

impl<F: FnMut(&EnvelopeItem) -> bool> EnvelopeFilter for F {
    fn filter(&mut self, item: &EnvelopeItem) -> bool {
        self(item)
    }

    fn on_filtered(&mut self, item: EnvelopeItem) {
        drop(item);
    }
}

/// A filter with a callback for the removed items, for instance to count them.
#[derive(Debug)]
pub struct EnvelopeFilterCallbacks<F, C> {
    filter: F,
    on_filtered: C,
}

impl<F, C> EnvelopeFilterCallbacks<F, C>
where
    F: FnMut(&EnvelopeItem) -> bool,
    C: FnMut(EnvelopeItem),
{
    /// Keeps what `filter` approves of and hands the rest to `on_filtered`.
    #[must_use]
    pub fn new(filter: F, on_filtered: C) -> Self {
        Self { filter, on_filtered }
    }
}

impl<F, C> Sealed for EnvelopeFilterCallbacks<F, C> {}

impl<F, C> EnvelopeFilter for EnvelopeFilterCallbacks<F, C>
where
    F: FnMut(&EnvelopeItem) -> bool,
    C: FnMut(EnvelopeItem),
{
    fn filter(&mut self, item: &EnvelopeItem) -> bool {
        (self.filter)(item)
    }

    fn on_filtered(&mut self, item: EnvelopeItem) {
        (self.on_filtered)(item);
    }
}
