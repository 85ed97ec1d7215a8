//! How a flush knows that everything accepted before it is answered, whatever order the answers come in.
//!
//! Items are counted per epoch. A flush ends the current epoch and waits until every epoch up to that one is empty: two
//! additions per item, no list of items, and items accepted later do not delay it.

use std::collections::VecDeque;

/// Counts of unanswered items, oldest epoch first.
#[derive(Debug)]
pub(super) struct Epochs {
    first: u64,
    /// Never empty; the last one is open. Empty epochs in front are gone.
    open: VecDeque<usize>,
}

/// A flush's view: everything accepted before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

impl Ticket {
    /// Whether this epoch is the last one it waits for.
    pub(super) fn is_of(self, epoch: u64) -> bool {
        self.0 == epoch
    }
}

/// Beyond this many a flush joins the epoch of the one before: it may wait for a few later items, but a million flushes
/// against a dead server need no memory.
const MAX_EPOCHS: usize = 4_096;

impl Epochs {
    pub(super) fn new() -> Self {
        Self { first: 0, open: VecDeque::from([0]) }
    }

    /// One more item; returns its epoch.
    pub(super) fn accept(&mut self) -> u64 {
        self.accept_all(1)
    }

    /// So many more items; returns their epoch.
    pub(super) fn accept_all(&mut self, items: usize) -> u64 {
        let last = self.open.len() - 1;
        self.open[last] += items;
        self.first + last as u64
    }

    /// `items` of an epoch are answered. Tells whether an epoch has ended by it.
    pub(super) fn answer(&mut self, epoch: u64, items: usize) -> bool {
        let Some(count) = epoch.checked_sub(self.first).and_then(|index| self.open.get_mut(index as usize))
        else {
            return false;
        };
        *count = count.saturating_sub(items);
        if self.open[0] > 0 {
            return false;
        }
        while self.open.len() > 1 && self.open[0] == 0 {
            self.open.pop_front();
            self.first += 1;
        }
        true
    }

    /// A ticket for everything accepted so far.
    pub(super) fn cut(&mut self) -> Ticket {
        let last = self.open.len() - 1;
        if self.open[last] == 0 && last > 0 {
            return Ticket(self.first + last as u64 - 1);
        }
        let ticket = Ticket(self.first + last as u64);
        if self.open[last] > 0 && self.open.len() < MAX_EPOCHS {
            self.open.push_back(0);
        }
        ticket
    }

    /// Whether everything the ticket stands for is answered.
    pub(super) fn is_done(&self, ticket: Ticket) -> bool {
        ticket.0 < self.first || (ticket.0 == self.first && self.open[0] == 0)
    }

    /// Whether everything is answered.
    pub(super) fn is_idle(&self) -> bool {
        self.open.len() == 1 && self.open[0] == 0
    }

    /// Whether nothing but one item of this epoch is left of everything up to it.
    pub(super) fn is_last_of(&self, epoch: u64) -> bool {
        epoch == self.first && self.open[0] == 1
    }

    /// Forgets everything: whoever could have answered is gone.
    pub(super) fn clear(&mut self) {
        self.first += self.open.len() as u64;
        self.open = VecDeque::from([0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_done_when_everything_before_it_is_answered_in_any_order() {
        let mut epochs = Epochs::new();
        let items: Vec<_> = (0..3).map(|_| epochs.accept()).collect();
        let ticket = epochs.cut();
        let later = epochs.accept();
        assert!(!epochs.answer(later, 1));
        for item in &items[..2] {
            assert!(!epochs.answer(*item, 1));
            assert!(!epochs.is_done(ticket));
        }
        assert!(epochs.answer(items[2], 1));
        assert!(epochs.is_done(ticket) && epochs.is_idle());
    }

    #[test]
    fn later_items_do_not_delay_a_ticket() {
        let mut epochs = Epochs::new();
        let item = epochs.accept();
        let ticket = epochs.cut();
        epochs.accept();
        epochs.answer(item, 1);
        assert!(epochs.is_done(ticket));
        assert!(!epochs.is_idle());
    }

    #[test]
    fn a_second_ticket_without_new_items_is_the_same() {
        let mut epochs = Epochs::new();
        let item = epochs.accept();
        let first = epochs.cut();
        assert_eq!(epochs.cut(), first);
        epochs.answer(item, 1);
        let idle = epochs.cut();
        assert!(epochs.is_done(idle));
    }

    #[test]
    fn flushes_without_answers_are_bounded() {
        let mut epochs = Epochs::new();
        let first = epochs.accept();
        epochs.cut();
        for _ in 0..100_000 {
            let item = epochs.accept();
            epochs.cut();
            epochs.answer(item, 1);
        }
        assert!(epochs.open.len() <= MAX_EPOCHS);
        epochs.answer(first, 1);
        assert!(epochs.is_idle());
    }

    #[test]
    fn an_answer_from_before_a_clear_changes_nothing() {
        let mut epochs = Epochs::new();
        let old = epochs.accept();
        let ticket = epochs.cut();
        epochs.clear();
        assert!(epochs.is_done(ticket));
        epochs.accept();
        assert!(!epochs.answer(old, 1));
        assert!(!epochs.is_idle());
    }
}
