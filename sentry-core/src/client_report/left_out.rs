//! Root spans that were left out at the rate, which are more than all other losses together.
//!
//! Each of them is a transaction and a span, or only a span where spans are sent one by one. They are counted with one
//! instruction, and told apart where somebody reads.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use super::counter::Counter;
use super::protocol::{Category, Item, Reason};
use crate::types::IndexedEnum;

/// How many there were.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    whole: Roots,
    streamed: Roots,
}

#[derive(Debug, Default)]
struct Roots {
    all: Counter,
    /// Those that are part of a report.
    taken: Counter,
}

impl LeftOut {
    /// One more.
    #[inline]
    pub(super) fn add(&self, streams: bool) {
        let roots = if streams { &self.streamed } else { &self.whole };
        roots.all.add(1, SeqCst);
    }

    /// What no report knows yet.
    pub(super) fn take(&self) -> impl Iterator<Item = Item> {
        losses(self.whole.take(), self.streamed.take())
    }

    /// Adds all that there ever were to `items`, which are sorted.
    pub(super) fn add_to(&self, items: &mut Vec<Item>) {
        for item in losses(self.whole.all.get(Relaxed), self.streamed.all.get(Relaxed)) {
            let order = |item: &Item| (item.reason().as_index(), item.category().as_index());
            match items.binary_search_by_key(&order(&item), order) {
                Ok(at) => items[at] = item.with_more(items[at].quantity()),
                Err(at) => items.insert(at, item),
            }
        }
    }
}

impl Roots {
    fn take(&self) -> u64 {
        let all = self.all.get(SeqCst);
        // Somebody else may have taken more meanwhile.
        all.saturating_sub(self.taken.raise(all, Relaxed))
    }
}

/// What so many roots are to a report.
fn losses(whole: u64, streamed: u64) -> impl Iterator<Item = Item> {
    let of = |category, quantity| Item::new(category, Reason::SampleRate, quantity);
    [of(Category::Transaction, whole), of(Category::Span, whole.saturating_add(streamed))]
        .into_iter()
        .filter(|item| item.quantity() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_report::Recorder;

    fn item(category: Category, quantity: u64) -> Item {
        Item::new(category, Reason::SampleRate, quantity)
    }

    #[test]
    fn each_is_taken_once_and_stays_in_the_totals() {
        let left_out = LeftOut::default();
        left_out.add(false);
        left_out.add(false);
        left_out.add(true);
        let expected = [item(Category::Transaction, 2), item(Category::Span, 3)];
        assert_eq!(left_out.take().collect::<Vec<_>>(), expected);
        assert_eq!(left_out.take().count(), 0);
        left_out.add(true);
        assert_eq!(left_out.take().collect::<Vec<_>>(), [item(Category::Span, 1)]);

        let mut items = vec![item(Category::Transaction, 5)];
        left_out.add_to(&mut items);
        let quantity = |category| {
            items.iter().filter(|item| item.category() == category).map(Item::quantity).collect::<Vec<_>>()
        };
        assert_eq!([quantity(Category::Transaction), quantity(Category::Span)], [[7], [4]]);
    }

    #[test]
    fn the_first_of_a_report_rings_and_none_is_reported_while_that_is_off() {
        let recorder = Recorder::default();
        assert!(recorder.leave_out_root(false) && !recorder.leave_out_root(true));
        let expected = [item(Category::Span, 2), item(Category::Transaction, 1)];
        let taken = recorder.take().unwrap();
        assert_eq!((taken.items(), &*recorder.totals()), (&expected[..], &expected[..]));
        assert!(recorder.take().is_none());

        assert!(recorder.leave_out_root(true));
        recorder.set_enabled(false);
        assert!(!recorder.leave_out_root(true));
        recorder.set_enabled(true);
        assert_eq!(recorder.take().unwrap().items(), [item(Category::Span, 1)]);
        assert_eq!(recorder.totals()[0].quantity(), 4);
    }
}
