//! What became of the items a transport was given.

use std::sync::Mutex;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::SystemTime;

use super::counter::Counter;
use super::protocol::Item;
use crate::clock;
use crate::process::Held;
use crate::sync::lock;

/// The books of one client: what was given to its transport, and what became of it.
///
/// An item is what one capture hands over: an event with its attachments, a transaction with its spans, a log.
/// `accepted` is the sum of `delivered`, `limited`, `dropped`, `spooled` and `queued`. What was lost before it reached
/// the transport, by a callback or by sampling, stands in `losses` only. So does what was removed from disk because the user
/// has [revoked consent](crate::revoke_consent), one for each file: it stays counted as `spooled`.
///
/// Transports do this counting. With one that does not, a transport of the application's own for instance, all numbers of
/// items stay 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Items given to the transport.
    pub accepted: u64,
    /// Items the server has acknowledged.
    pub delivered: u64,
    /// Items discarded by the word of the server: a rate limit it answered with.
    pub limited: u64,
    /// Items given up for any other reason.
    pub dropped: u64,
    /// Items stored on disk, for a later run to deliver.
    pub spooled: u64,
    /// Items that wait or are under way.
    pub queued: u64,
    /// Bytes of request bodies the server has acknowledged, as they went over the wire.
    pub bytes_sent: u64,
    /// Requests that were tried again.
    pub retries: u64,
    /// Retries of requests that were cut after they had been sent: the only source of duplicates.
    pub ambiguous_retries: u64,
    /// Everything lost, by reason and category of the protocol.
    pub losses: Vec<Item>,
    /// What the last failed attempt to deliver failed with.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<SystemTime>,
}

/// The counters behind [`Stats`].
///
/// What is counted as answered was counted as accepted before, on another thread. Release and acquire keep that order
/// for the reader, who therefore never sees more answers than items.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Written by capturing threads, and by them only.
    accepted: Alone,
    delivered: Counter,
    limited: Counter,
    dropped: Counter,
    spooled: Counter,
    bytes_sent: Counter,
    retries: Counter,
    ambiguous_retries: Counter,
    last_error: Mutex<Option<(SystemTime, String)>>,
}

/// On a cache line of its own: capturing threads do not wait for what the worker writes.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Alone(Counter);

/// Characters of an error that are kept.
const ERROR_LEN: usize = 500;

impl Counters {
    /// For a fork.
    pub(super) fn hold<'a>(&'a self, held: &mut Held<'a>) {
        held.lock(&self.last_error);
    }

    #[inline]
    pub(super) fn accepted(&self, items: u64) {
        self.accepted.0.add(items, Relaxed);
    }

    pub(super) fn delivered(&self, items: u64, wire_bytes: u64) {
        self.delivered.add(items, Release);
        self.bytes_sent.add(wire_bytes, Relaxed);
    }

    pub(super) fn limited(&self, items: u64) {
        self.limited.add(items, Release);
    }

    pub(super) fn dropped(&self, items: u64) {
        self.dropped.add(items, Release);
    }

    pub(super) fn spooled(&self, items: u64) {
        self.spooled.add(items, Release);
    }

    pub(super) fn retry(&self, ambiguous: bool) {
        self.retries.add(1, Relaxed);
        if ambiguous {
            self.ambiguous_retries.add(1, Relaxed);
        }
    }

    pub(super) fn error(&self, error: &str) {
        let error = (clock::now(), error.chars().take(ERROR_LEN).collect());
        let previous = lock(&self.last_error).replace(error);
        drop(previous);
    }

    /// Forgets what is pending: somebody else has it.
    pub(super) fn disown_queued(&self) {
        // Takes no lock: the handler of a fork runs this.
        let answered = self.answers().into_iter().fold(0, u64::saturating_add);
        self.accepted.0.subtract(self.accepted.0.get(Relaxed).saturating_sub(answered), Relaxed);
    }

    fn answers(&self) -> [u64; 4] {
        [&self.delivered, &self.limited, &self.dropped, &self.spooled].map(|count| count.get(Acquire))
    }

    pub(super) fn stats(&self, losses: Vec<Item>) -> Stats {
        let answers @ [delivered, limited, dropped, spooled] = self.answers();
        // Last, or items that are answered in the meantime would be missing from it.
        let accepted = self.accepted.0.get(Relaxed);
        let answered = answers.into_iter().fold(0, u64::saturating_add);
        let (last_error_at, last_error) = lock(&self.last_error).clone().unzip();
        Stats {
            accepted,
            delivered,
            limited,
            dropped,
            spooled,
            queued: accepted.saturating_sub(answered),
            bytes_sent: self.bytes_sent.get(Relaxed),
            retries: self.retries.get(Relaxed),
            ambiguous_retries: self.ambiguous_retries.get(Relaxed),
            losses,
            last_error,
            last_error_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_is_accepted_is_delivered_given_up_stored_or_queued() {
        let counters = Counters::default();
        counters.accepted(10);
        counters.delivered(3, 700);
        counters.limited(1);
        counters.dropped(2);
        counters.spooled(1);
        counters.retry(false);
        counters.retry(true);
        counters.error("refused");
        counters.error(&"x".repeat(9_000));
        let stats = counters.stats(Vec::new());
        assert_eq!((stats.accepted, stats.delivered, stats.limited), (10, 3, 1));
        assert_eq!((stats.dropped, stats.spooled, stats.queued), (2, 1, 3));
        assert_eq!((stats.bytes_sent, stats.retries, stats.ambiguous_retries), (700, 2, 1));
        assert_eq!(stats.last_error.map(|error| error.len()), Some(ERROR_LEN));
        assert!(stats.last_error_at.is_some());
    }

    #[test]
    fn what_is_left_to_others_is_not_pending() {
        let counters = Counters::default();
        counters.accepted(5);
        counters.delivered(2, 0);
        counters.disown_queued();
        counters.accepted(1);
        let stats = counters.stats(Vec::new());
        assert_eq!((stats.accepted, stats.delivered, stats.queued), (3, 2, 1));
    }

    #[test]
    fn more_answers_than_items_are_no_queue() {
        let counters = Counters::default();
        counters.delivered(1, 0);
        assert_eq!(counters.stats(Vec::new()).queued, 0);
        assert_eq!(Counters::default().stats(Vec::new()), Stats::default());
    }

    #[test]
    fn no_reader_sees_an_item_answered_that_is_not_accepted() {
        const ITEMS: u64 = 50_000;
        let counters = Counters::default();
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for _ in 0..ITEMS {
                    counters.accepted(1);
                    counters.delivered(1, 1);
                }
            });
            while !writer.is_finished() {
                let stats = counters.stats(Vec::new());
                assert!(stats.accepted >= stats.delivered, "{stats:?}");
            }
        });
        assert_eq!(counters.stats(Vec::new()).queued, 0);
    }
}
