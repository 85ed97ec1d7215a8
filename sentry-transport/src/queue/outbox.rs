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

    /// Takes back what was popped last.
    pub(super) fn put_back(&mut self, attempt: Attempt) {
        let row = if attempt.order.is_some() { &mut self.behind } else { &mut self.ready };
        row.push_front(attempt);
    }

    pub(super) fn try_again(&mut self, attempt: Attempt) {
        self.again.push_back(attempt);
    }

    /// The next attempt that may go now; `is_flying` knows the keys that are under way.
    pub(super) fn pop(&mut self, now: Instant, is_flying: impl Fn(Uuid) -> bool) -> Option<Attempt> {
        if let Some(attempt) = self.pop_again(now, &is_flying) {
            return Some(attempt);
        }
        while let Some(attempt) = self.at_hand.pop_front() {
            self.at_hand_bytes = self.at_hand_bytes.saturating_sub(attempt.bytes);
            if let Some(attempt) = self.in_order(attempt, &is_flying) {
                return Some(attempt);
            }
        }
        self.pop_ready(&is_flying)
    }

    /// The next one of those that are not at hand.
    pub(super) fn pop_from_memory(&mut self, now: Instant) -> Option<Attempt> {
        self.pop_again(now, &|_| false).or_else(|| self.pop_ready(&|_| false))
    }

    fn pop_again(&mut self, now: Instant, is_flying: &impl Fn(Uuid) -> bool) -> Option<Attempt> {
        if let Some(index) = self.again.iter().position(|attempt| attempt.is_due(now)) {
            return self.again.remove(index);
        }
        let is_free =
            |attempt: &Attempt| attempt.order.is_none_or(|key| !is_flying(key) && !self.retries(key));
        if let Some(index) = self.behind.iter().position(is_free) {
            return self.behind.remove(index);
        }
        None
    }

    fn pop_ready(&mut self, is_flying: &impl Fn(Uuid) -> bool) -> Option<Attempt> {
        while let Some(attempt) = self.ready.pop_front() {
            if let Some(attempt) = self.in_order(attempt, is_flying) {
                return Some(attempt);
            }
        }
        None
    }

    /// An attempt whose turn it is; others wait behind the one that has the same key.
    fn in_order(&mut self, attempt: Attempt, is_flying: &impl Fn(Uuid) -> bool) -> Option<Attempt> {
        let Some(key) = attempt.order else { return Some(attempt) };
        let is_second = self.behind.iter().any(|other| other.order == Some(key));
        if !is_second && !is_flying(key) && !self.retries(key) {
            return Some(attempt);
        }
        self.behind.push_back(attempt);
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
        again.into_iter().chain(behind).chain(at_hand).chain(ready)
    }

    fn retries(&self, key: Uuid) -> bool {
        self.again.iter().any(|attempt| attempt.order == Some(key))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sentry_core::clock;
    use sentry_core::protocol::{Envelope, Event};

    use super::super::answers::Answers;
    use super::*;

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
