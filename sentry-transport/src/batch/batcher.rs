//! Buckets, bounds and timers.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// How long the first item of a bucket waits at most.
pub(crate) const DELAY: Duration = Duration::from_secs(5);

/// How many buckets may be open; beyond this the oldest leaves early.
const MAX_BUCKETS: usize = 256;

/// What all open buckets may hold together, in full buckets; beyond this the oldest leave early. What has left the
/// lanes is not in their bound any more, and what merely waits for company must have one as well.
const MAX_FULL: usize = 4;

/// When a bucket is full.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Items in it.
    pub(crate) items: usize,
    /// Bytes in it. A single item may have more and then travels alone.
    pub(crate) bytes: usize,
}

/// Items that leave together.
#[derive(Debug)]
pub(crate) struct Batch<T> {
    /// In the order they came.
    pub(crate) items: Vec<T>,
    /// Of how many epochs they are, and how many of each.
    pub(crate) epochs: Vec<(u64, usize)>,
}

/// Gathers items by key.
#[derive(Debug)]
pub(crate) struct Batcher<K, T> {
    bounds: Bounds,
    buckets: HashMap<K, Bucket<T>>,
    /// Keys by the time their bucket is due. A bucket that left early leaves its entry behind.
    order: VecDeque<(Instant, K)>,
    /// What the open buckets hold in memory.
    held: usize,
}

#[derive(Debug)]
struct Bucket<T> {
    batch: Batch<T>,
    /// What the items are to be counted as.
    count: usize,
    bytes: usize,
    due: Instant,
}

impl<T> Bucket<T> {
    fn held(&self) -> usize {
        self.bytes + self.batch.items.len() * size_of::<T>()
    }
}

impl<K: Hash + Eq + Clone, T> Batcher<K, T> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, buckets: HashMap::new(), order: VecDeque::new(), held: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Adds an item that counts as so many, and of so many bytes; returns what is full now.
    pub(crate) fn add(
        &mut self,
        key: K,
        item: T,
        (items, bytes, epoch): (usize, usize, u64),
        now: Instant,
    ) -> impl Iterator<Item = Batch<T>> + use<K, T> {
        let mut ready = Vec::new();
        let bounds = self.bounds;
        let does_not_fit =
            |bucket: &Bucket<T>| bucket.bytes + bytes > bounds.bytes || bucket.count + items > bounds.items;
        if self.buckets.get(&key).is_some_and(does_not_fit) {
            ready.extend(self.take(&key));
        }
        if self.buckets.len() >= MAX_BUCKETS && !self.buckets.contains_key(&key) {
            ready.extend(self.take_oldest());
        }
        let order = &mut self.order;
        let bucket = self.buckets.entry(key.clone()).or_insert_with(|| {
            order.push_back((now + DELAY, key.clone()));
            let batch = Batch { items: Vec::new(), epochs: Vec::new() };
            Bucket { batch, count: 0, bytes: 0, due: now + DELAY }
        });
        bucket.count += items;
        bucket.bytes += bytes;
        self.held += bytes + size_of::<T>();
        bucket.batch.items.push(item);
        match bucket.batch.epochs.last_mut() {
            Some((last, count)) if *last == epoch => *count += items,
            _ => bucket.batch.epochs.push((epoch, items)),
        }
        let is_full = bucket.count >= bounds.items || bucket.bytes >= bounds.bytes;
        if is_full {
            ready.extend(self.take(&key));
        }
        while self.held > MAX_FULL * (self.bounds.bytes + self.bounds.items * size_of::<T>()) {
            let Some(oldest) = self.take_oldest() else { break };
            ready.push(oldest);
        }
        ready.into_iter()
    }

    /// Takes out what has waited long enough.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Batch<T>> {
        let mut due = Vec::new();
        while self.next_deadline().is_some_and(|at| at <= now) {
            due.extend(self.take_oldest());
        }
        due
    }

    /// When the oldest bucket has waited long enough.
    pub(crate) fn next_deadline(&mut self) -> Option<Instant> {
        loop {
            let (at, key) = self.order.front()?;
            if self.buckets.get(key).is_some_and(|bucket| bucket.due == *at) {
                return Some(*at);
            }
            self.order.pop_front();
        }
    }

    /// Takes out everything, the oldest bucket first.
    pub(crate) fn drain(&mut self) -> Vec<Batch<T>> {
        std::iter::from_fn(|| self.take_oldest()).collect()
    }

    fn take_oldest(&mut self) -> Option<Batch<T>> {
        self.next_deadline()?;
        let (_, key) = self.order.pop_front()?;
        self.take(&key)
    }

    fn take(&mut self, key: &K) -> Option<Batch<T>> {
        let taken = self.buckets.remove(key);
        self.held -= taken.as_ref().map_or(0, Bucket::held);
        // Entries of buckets that were full before their time: as many as there ever were, without this.
        if self.order.len() > 2 * MAX_BUCKETS {
            self.order.retain(|(at, key)| self.buckets.get(key).is_some_and(|bucket| bucket.due == *at));
        }
        taken.map(|bucket| bucket.batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { items: 3, bytes: 100 };

    fn batcher() -> (Batcher<u8, u32>, Instant) {
        (Batcher::new(BOUNDS), sentry_core::clock::instant())
    }

    fn items(batches: impl IntoIterator<Item = Batch<u32>>) -> Vec<Vec<u32>> {
        batches.into_iter().map(|batch| batch.items).collect()
    }

    #[test]
    fn a_bucket_leaves_when_it_is_full() {
        let (mut batcher, now) = batcher();
        assert!(items(batcher.add(1, 10, (1, 1, 7), now)).is_empty());
        assert!(items(batcher.add(2, 20, (1, 1, 7), now)).is_empty());
        assert!(items(batcher.add(1, 11, (1, 1, 7), now)).is_empty());
        let batch = batcher.add(1, 12, (1, 1, 8), now).next().unwrap();
        assert_eq!(batch.items, [10, 11, 12]);
        assert_eq!(batch.epochs, [(7, 2), (8, 1)]);
        assert_eq!(items(batcher.drain()), [[20]]);
        assert!(batcher.is_empty());
    }

    #[test]
    fn bytes_count_as_well_and_a_giant_travels_alone() {
        let (mut batcher, now) = batcher();
        assert!(items(batcher.add(1, 1, (1, 60, 0), now)).is_empty());
        assert_eq!(items(batcher.add(1, 2, (1, 60, 0), now)), [[1]]);
        assert_eq!(items(batcher.add(1, 3, (1, 5_000, 0), now)), [[2], [3]]);
        assert!(batcher.is_empty());
    }

    #[test]
    fn the_timer_starts_with_the_first_item_and_is_not_restarted() {
        let (mut batcher, now) = batcher();
        let later = now + Duration::from_secs(4);
        assert_eq!(batcher.next_deadline(), None);
        let _ = batcher.add(1, 1, (1, 1, 0), now);
        let _ = batcher.add(1, 2, (1, 1, 0), later);
        let _ = batcher.add(2, 3, (1, 1, 0), later);
        assert_eq!(batcher.next_deadline(), Some(now + DELAY));
        assert!(batcher.due(later).is_empty());
        assert_eq!(items(batcher.due(now + DELAY)), [[1, 2]]);
        assert_eq!(batcher.next_deadline(), Some(later + DELAY));
    }

    #[test]
    fn a_bucket_that_was_full_starts_a_new_timer() {
        let (mut batcher, now) = batcher();
        let later = now + Duration::from_secs(1);
        (0..3).for_each(|item| drop(batcher.add(1, item, (1, 1, 0), now)));
        let _ = batcher.add(1, 9, (1, 1, 0), later);
        assert_eq!(batcher.next_deadline(), Some(later + DELAY));
        assert!(batcher.due(now + DELAY).is_empty());
        assert_eq!(items(batcher.due(later + DELAY)), [[9]]);
    }

    #[test]
    fn too_many_buckets_send_the_oldest_away_and_nothing_is_lost() {
        let mut batcher = Batcher::new(BOUNDS);
        let now = sentry_core::clock::instant();
        let mut out = 0;
        for key in 0..10_000u32 {
            out += batcher.add(key, key, (1, 1, 0), now).map(|batch| batch.items.len()).sum::<usize>();
            assert!(batcher.buckets.len() <= MAX_BUCKETS && batcher.order.len() <= 2 * MAX_BUCKETS + 1);
        }
        out += batcher.drain().iter().map(|batch| batch.items.len()).sum::<usize>();
        assert_eq!(out, 10_000);
    }

    #[test]
    fn buckets_that_hold_too_much_together_leave_early_the_oldest_first() {
        let mut batcher = Batcher::new(Bounds { items: 1_000, bytes: 1_000 });
        let most = MAX_FULL * (1_000 + 1_000 * size_of::<u32>());
        let now = sentry_core::clock::instant();
        let mut out = Vec::new();
        for item in 0..2_000u32 {
            let key = item % 100;
            out.extend(batcher.add(key, item, (1, 900, 0), now + Duration::from_millis(u64::from(item))));
            assert_eq!(batcher.held, batcher.buckets.values().map(Bucket::held).sum::<usize>());
            assert!(batcher.held <= most, "{}", batcher.held);
        }
        assert!(out.windows(2).all(|two| two[0].items[0] < two[1].items[0]));
        out.extend(batcher.drain());
        assert_eq!(out.iter().map(|batch| batch.items.len()).sum::<usize>(), 2_000);
        assert_eq!(batcher.held, 0);
    }

    #[test]
    fn whatever_happens_every_item_comes_out_once_and_in_order() {
        let mut seed = 42u64;
        let mut random = move |below: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % below
        };
        let (mut batcher, mut now) = batcher();
        let mut out: HashMap<u8, Vec<u32>> = HashMap::new();
        let mut keys = Vec::new();
        let mut collect = |batches: Vec<Batch<u32>>, keys: &[u8]| {
            for batch in batches {
                assert!(batch.items.len() <= BOUNDS.items);
                assert_eq!(batch.epochs.iter().map(|(_, count)| count).sum::<usize>(), batch.items.len());
                batch.items.iter().for_each(|item| out.entry(keys[*item as usize]).or_default().push(*item));
            }
        };
        for item in 0..20_000u32 {
            let key = random(5) as u8;
            keys.push(key);
            collect(batcher.add(key, item, (1, random(60) as usize, random(3)), now).collect(), &keys);
            now += Duration::from_millis(random(3_000));
            collect(batcher.due(now), &keys);
        }
        collect(batcher.drain(), &keys);
        assert_eq!(out.values().map(Vec::len).sum::<usize>(), 20_000);
        assert!(out.values().all(|items| items.is_sorted()));
    }
}
