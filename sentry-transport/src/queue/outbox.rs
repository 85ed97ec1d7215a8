//! What the worker has taken from the lanes and could not send yet.

use std::collections::VecDeque;
use std::time::Instant;

use sentry_core::types::Uuid;

use super::attempt::Attempt;

/// How many items may be in here before no more are taken from the lanes. A proxy that answers now and then keeps the
/// gate open, and what it refuses must not pile up: twenty refusals a second that wait for five seconds are a hundred.
const MAX: usize = 192;

/// The same in bytes in memory.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// How many of those that are in the store as well are kept at hand, so that they need not be read again.
const MAX_AT_HAND: usize = 64;

/// The same in bytes.
const MAX_BYTES_AT_HAND: usize = 1024 * 1024;

/// Rows of attempts, by what they wait for.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// For nothing but a request; they are in the store as well.
    at_hand: VecDeque<Attempt>,
    /// The bytes of those.
    at_hand_bytes: usize,
    /// For nothing.
    ready: VecDeque<Attempt>,
    /// For their time to be tried again.
    again: VecDeque<Attempt>,
    /// For another one with the same key, which is under way or waits itself.
    behind: VecDeque<Attempt>,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.at_hand.is_empty() && self.ready.is_empty() && self.again.is_empty() && self.behind.is_empty()
    }

    /// Whether another attempt that is in the store may be kept at hand.
    pub(super) fn has_hands_free(&self) -> bool {
        self.at_hand.len() < MAX_AT_HAND && self.at_hand_bytes < MAX_BYTES_AT_HAND
    }

    /// Keeps an attempt at hand that is in the store.
    pub(super) fn keep_at_hand(&mut self, attempt: Attempt) {
        self.at_hand_bytes += attempt.bytes;
        self.at_hand.push_back(attempt);
    }

    /// Whether the lanes shall keep what they have. What was under way together may go over the bound together.
    pub(super) fn is_full(&self) -> bool {
        let waiting = || self.again.iter().chain(&self.behind);
        waiting().count() >= MAX || waiting().map(|attempt| attempt.resident).sum::<usize>() >= MAX_BYTES
    }

    pub(super) fn push(&mut self, attempts: impl IntoIterator<Item = Attempt>) {
        self.ready.extend(attempts);
    }

    pub(super) fn try_again(&mut self, attempt: Attempt) {
        self.again.push_back(attempt);
    }

    /// The next attempt that may go now; `is_flying` knows the keys that are under way.
    pub(super) fn pop(&mut self, now: Instant, is_flying: impl Fn(Uuid) -> bool) -> Option<Attempt> {
        let waits = |outbox: &Self, key| is_flying(key) || has_key(&outbox.again, key);
        // What is at hand is older than what waits behind something with the same key.
        let has_older = |outbox: &Self, key| waits(outbox, key) || has_key(&outbox.at_hand, key);
        if let Some(attempt) = self.pop_again(now, &has_older) {
            return Some(attempt);
        }
        let is_free = |index: &usize| {
            let order = self.at_hand.get(*index).and_then(|attempt| attempt.order);
            let is_second = |key| self.at_hand.iter().take(*index).any(|other| other.order == Some(key));
            order.is_none_or(|key| !waits(self, key) && !is_second(key))
        };
        let index = (0..self.at_hand.len()).find(is_free);
        if let Some(attempt) = index.and_then(|index| self.at_hand.remove(index)) {
            self.at_hand_bytes = self.at_hand_bytes.saturating_sub(attempt.bytes);
            return Some(attempt);
        }
        self.pop_ready(&has_older)
    }

    /// The next one of those that are not at hand, for the store: there it does not have to wait for one that is in it already.
    pub(super) fn pop_from_memory(&mut self, now: Instant) -> Option<Attempt> {
        let is_only_here = |attempt: &Attempt| attempt.kept.is_none();
        let waits = |outbox: &Self, key| {
            outbox.again.iter().any(|other| other.order == Some(key) && is_only_here(other))
        };
        // What was tried and is in the store keeps its place here: there it would come after what follows it.
        let is_free = |attempt: &Attempt| {
            is_only_here(attempt) && attempt.order.is_none_or(|key| !has_key(&self.at_hand, key))
        };
        let due = self.again.iter().position(|attempt| attempt.is_due(now) && is_free(attempt));
        due.and_then(|index| self.again.remove(index))
            .or_else(|| self.pop_behind(&waits))
            .or_else(|| self.pop_ready(&waits))
    }

    /// Whether some wait for others.
    pub(super) fn has_followers(&self) -> bool {
        !self.behind.is_empty()
    }

    /// Takes back what was popped last and the store has refused. It may want the others: what nothing has to wait for comes
    /// last.
    pub(super) fn put_back(&mut self, attempt: Attempt) {
        match attempt.order {
            None => self.ready.push_back(attempt),
            Some(key) if has_key(&self.behind, key) => self.behind.push_front(attempt),
            Some(_) => self.ready.push_front(attempt),
        }
    }

    fn pop_again(&mut self, now: Instant, waits: &impl Fn(&Self, Uuid) -> bool) -> Option<Attempt> {
        if let Some(index) = self.again.iter().position(|attempt| attempt.is_due(now)) {
            return self.again.remove(index);
        }
        self.pop_behind(waits)
    }

    fn pop_behind(&mut self, waits: &impl Fn(&Self, Uuid) -> bool) -> Option<Attempt> {
        let is_free = |attempt: &Attempt| attempt.order.is_none_or(|key| !waits(self, key));
        let index = self.behind.iter().position(is_free)?;
        self.behind.remove(index)
    }

    /// Those whose turn it is not wait behind the one that has the same key.
    fn pop_ready(&mut self, waits: &impl Fn(&Self, Uuid) -> bool) -> Option<Attempt> {
        while let Some(attempt) = self.ready.pop_front() {
            match attempt.order.filter(|key| has_key(&self.behind, *key) || waits(self, *key)) {
                Some(_) => self.behind.push_back(attempt),
                None => return Some(attempt),
            }
        }
        None
    }

    /// Somebody has begun to wait: what may be tried sooner then, is.
    pub(super) fn hurry(&mut self) {
        for attempt in &mut self.again {
            attempt.not_before = attempt.not_before.min(attempt.not_before_in_hurry);
        }
    }

    /// When the first of those that have a time may be tried again.
    pub(super) fn next_try(&self) -> Option<Instant> {
        self.again.iter().filter_map(|attempt| attempt.not_before).min()
    }

    /// Takes out what must not be tried before `at`.
    pub(super) fn take_late(&mut self, at: Instant) -> Vec<Attempt> {
        let (due, late): (Vec<_>, Vec<_>) = self.again.drain(..).partition(|attempt| attempt.is_due(at));
        self.again = due.into();
        late
    }

    /// Takes out everything.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Attempt> + use<> {
        let Self { at_hand, at_hand_bytes: _, ready, again, behind } = std::mem::take(self);
        again.into_iter().chain(at_hand).chain(behind).chain(ready)
    }
}

fn has_key(row: &VecDeque<Attempt>, key: Uuid) -> bool {
    row.iter().any(|attempt| attempt.order == Some(key))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sentry_core::clock;
    use sentry_core::protocol::{Envelope, Event};

    use super::super::answers::Answers;
    use super::*;
    use crate::store::EntryId;

    fn attempt(epoch: u64, key: Option<u128>) -> Attempt {
        let mut attempt = Attempt::new(Envelope::from(Event::default()), Answers::One(epoch));
        attempt.order = key.map(Uuid::from_u128);
        attempt
    }

    fn epochs(outbox: &mut Outbox, flying: &[u128]) -> Vec<u64> {
        let is_flying = |key: Uuid| flying.contains(&key.as_u128());
        let popped = std::iter::from_fn(|| outbox.pop(clock::instant(), is_flying));
        popped
            .flat_map(|attempt| attempt.answers.by_epoch().map(|(epoch, _)| epoch).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn what_has_the_same_key_waits_for_its_turn_and_keeps_its_order() {
        let mut outbox = Outbox::default();
        outbox.push([attempt(1, Some(7)), attempt(2, None), attempt(3, Some(7)), attempt(4, Some(8))]);
        assert_eq!(epochs(&mut outbox, &[7]), [2, 4]);
        assert!(!outbox.is_empty());
        outbox.push([attempt(5, Some(7))]);
        let first = outbox.pop(clock::instant(), |_| false).unwrap();
        assert_eq!(first.answers.items(), 1);
        assert_eq!(epochs(&mut outbox, &[7]), [0; 0]);
        assert_eq!(epochs(&mut outbox, &[]), [3, 5]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_is_at_hand_goes_first_and_is_not_written_again() {
        let (mut outbox, now) = (Outbox::default(), clock::instant());
        outbox.push([attempt(2, None), attempt(4, Some(7))]);
        outbox.keep_at_hand(attempt(1, None));
        outbox.keep_at_hand(attempt(3, Some(7)));
        assert_eq!(outbox.pop_from_memory(now).map(|it| it.answers.by_epoch().collect()), Some(vec![(2, 1)]));
        assert_eq!(epochs(&mut outbox, &[7]), [1]);
        assert_eq!(epochs(&mut outbox, &[]), [3, 4]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_is_put_back_overtakes_nobody() {
        let (mut outbox, now) = (Outbox::default(), clock::instant());
        let back = |outbox: &mut Outbox| {
            let popped = outbox.pop_from_memory(now).unwrap();
            outbox.put_back(popped);
        };
        outbox.keep_at_hand(attempt(1, Some(7)));
        outbox.push([attempt(2, Some(7)), attempt(3, None)]);
        back(&mut outbox);
        assert_eq!(epochs(&mut outbox, &[]), [1, 2, 3]);
        // And with others behind it.
        outbox.push([attempt(1, Some(7)), attempt(2, Some(7)), attempt(3, Some(7))]);
        assert_eq!(epochs(&mut outbox, &[7]), [0; 0]);
        back(&mut outbox);
        outbox.keep_at_hand(attempt(4, None));
        assert_eq!(epochs(&mut outbox, &[]), [1, 2, 3, 4]);
    }

    #[test]
    fn what_is_at_hand_keeps_its_order_while_it_waits() {
        let mut outbox = Outbox::default();
        outbox.push([attempt(5, Some(7)), attempt(6, None)]);
        [(1, Some(7)), (2, None), (3, Some(7)), (4, Some(7))]
            .into_iter()
            .for_each(|(epoch, key)| outbox.keep_at_hand(attempt(epoch, key)));
        assert_eq!(epochs(&mut outbox, &[7]), [2, 6]);
        assert_eq!(epochs(&mut outbox, &[]), [1, 3, 4, 5]);
        assert!(outbox.is_empty() && outbox.at_hand_bytes == 0);
    }

    #[test]
    fn for_the_store_only_what_is_not_in_it_holds_back() {
        let (mut outbox, now) = (Outbox::default(), clock::instant());
        let later = |epoch, kept| Attempt {
            not_before: Some(now + Duration::from_secs(60)),
            kept,
            ..attempt(epoch, Some(u128::from(epoch)))
        };
        outbox.try_again(later(7, Some(EntryId(1))));
        outbox.try_again(later(8, None));
        // Due, and there already.
        outbox.try_again(Attempt { kept: Some(EntryId(2)), ..attempt(9, None) });
        outbox.push([attempt(1, Some(8)), attempt(2, Some(7))]);
        assert_eq!(outbox.pop_from_memory(now).unwrap().order, Some(Uuid::from_u128(7)));
        assert!(outbox.pop_from_memory(now).is_none() && outbox.has_followers());
    }

    #[test]
    fn hands_are_full_by_count_and_by_size() {
        let sized = |bytes| Attempt { bytes, ..attempt(1, None) };
        let held = |bytes| {
            let mut outbox = Outbox::default();
            while outbox.has_hands_free() {
                outbox.keep_at_hand(sized(bytes));
            }
            let held = outbox.at_hand.len();
            while outbox.pop(clock::instant(), |_| false).is_some() {}
            assert!(outbox.has_hands_free() && outbox.at_hand_bytes == 0);
            held
        };
        assert_eq!([held(100), held(MAX_BYTES_AT_HAND / 4)], [MAX_AT_HAND, 4]);
    }

    #[test]
    fn what_waits_for_another_try_holds_back_its_followers() {
        let now = clock::instant();
        let mut outbox = Outbox::default();
        let mut refused = attempt(1, Some(7));
        refused.not_before = Some(now + Duration::from_secs(3_600));
        outbox.try_again(refused);
        outbox.push([attempt(2, Some(7)), attempt(3, None)]);
        assert_eq!(epochs(&mut outbox, &[]), [3]);
        assert_eq!(outbox.take_late(now).len(), 1);
        assert_eq!(epochs(&mut outbox, &[]), [2]);
    }
}
