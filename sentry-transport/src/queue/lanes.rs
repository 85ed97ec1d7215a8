//! The bounded queue: one lane per kind of data.
//!
//! Bounded by bytes over all lanes; the number of items per lane is only a safety net. Overload sheds the lowest lane
//! first and the oldest item of it, and never a higher lane for a lower one.

use std::collections::VecDeque;

use sentry_core::Lane;

/// All lanes together.
pub(super) const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Each lane.
pub(super) const MAX_ITEMS: usize = 20_000;

/// The most one item is charged. A larger one (attachments may have 20 MiB) would otherwise never fit, or push out
/// everything else; two of them fill the queue.
const MAX_CHARGE: usize = MAX_BYTES / 2;

/// What a lane gets of the wire when all are waiting: the weights of protocol section 5.
const WEIGHTS: [i32; LANES] = [2, 3, 4, 5];

const LANES: usize = 4;

/// Items waiting for the worker.
#[derive(Debug)]
pub(super) struct Lanes<T> {
    lanes: [VecDeque<Waiting<T>>; LANES],
    capacity: [usize; LANES],
    /// Of the weighted round robin: what each lane is owed.
    credit: [i32; LANES],
    bytes: usize,
    /// Something was shed since an item was taken out last.
    is_overflowing: bool,
}

#[derive(Debug)]
struct Waiting<T> {
    charge: usize,
    item: T,
}

impl<T> Lanes<T> {
    /// Empty lanes; the error lane holds `errors` items at most.
    pub(super) fn new(errors: usize) -> Self {
        let mut capacity = [MAX_ITEMS; LANES];
        capacity[index(Lane::Error)] = errors.max(1);
        Self { lanes: Default::default(), capacity, credit: [0; LANES], bytes: 0, is_overflowing: false }
    }

    /// Adds an item of about `size` bytes and returns what had to go for it: possibly itself.
    pub(super) fn push(&mut self, lane: Lane, size: usize, item: T) -> Vec<T> {
        let own = index(lane);
        let charge = size.min(MAX_CHARGE);
        let mut shed = Vec::new();
        if self.lanes[own].len() >= self.capacity[own] {
            self.shed(own, &mut shed);
        }
        while self.bytes + charge > MAX_BYTES {
            let Some(lowest) = (0..=own).find(|lane| !self.lanes[*lane].is_empty()) else {
                self.is_overflowing = true;
                shed.push(item);
                return shed;
            };
            self.shed(lowest, &mut shed);
        }
        self.bytes += charge;
        self.lanes[own].push_back(Waiting { charge, item });
        shed
    }

    /// Whether something was shed since an item was taken out last.
    pub(super) fn is_overflowing(&self) -> bool {
        self.is_overflowing
    }

    /// The next items: by weight between lanes, oldest first within one. Those that go `together`, up to `most` records, count
    /// as one, or lanes of small items would get a smaller share than the weights say. `together` tells how many records an
    /// item is, and 0 if it goes alone.
    pub(super) fn pop(&mut self, together: impl Fn(&T) -> usize, most: usize) -> Vec<T> {
        let mut total = 0;
        let mut best: Option<usize> = None;
        for lane in (0..LANES).rev().filter(|lane| !self.lanes[*lane].is_empty()) {
            total += WEIGHTS[lane];
            self.credit[lane] += WEIGHTS[lane];
            if best.is_none_or(|best| self.credit[lane] > self.credit[best]) {
                best = Some(lane);
            }
        }
        let Some(lane) = best else { return Vec::new() };
        self.credit[lane] -= total;
        self.is_overflowing = false;
        let mut items = Vec::from_iter(self.take(lane));
        let mut records = items.last().map_or(0, &together);
        while records > 0
            && let Some(next) = self.lanes[lane].front().map(|next| together(&next.item))
            && next > 0
            && records + next <= most
        {
            records += next;
            items.extend(self.take(lane));
        }
        if self.lanes[lane].is_empty() {
            // An empty lane neither saves up nor owes.
            self.credit[lane] = 0;
        }
        items
    }

    /// How much of the bound in bytes is used, 0.0 to 1.0.
    pub(super) fn fill(&self) -> f64 {
        self.bytes as f64 / MAX_BYTES as f64
    }

    /// Whether nothing is waiting.
    pub(super) fn is_empty(&self) -> bool {
        self.lanes.iter().all(VecDeque::is_empty)
    }

    /// How many items are waiting.
    pub(super) fn len(&self) -> usize {
        self.lanes.iter().map(VecDeque::len).sum()
    }

    /// Everything that is waiting.
    pub(super) fn drain(&mut self) -> Vec<T> {
        self.bytes = 0;
        self.credit = [0; LANES];
        self.is_overflowing = false;
        self.lanes.iter_mut().flat_map(std::mem::take).map(|waiting| waiting.item).collect()
    }

    /// Makes room in a lane.
    fn shed(&mut self, lane: usize, shed: &mut Vec<T>) {
        self.is_overflowing = true;
        if shed.is_empty() {
            // One for one is the rule, and items are large.
            shed.reserve_exact(1);
        }
        shed.extend(self.take(lane));
    }

    fn take(&mut self, lane: usize) -> Option<T> {
        let waiting = self.lanes[lane].pop_front()?;
        self.bytes -= waiting.charge;
        Some(waiting.item)
    }
}

/// The lowest lane is shed first.
fn index(lane: Lane) -> usize {
    match lane {
        Lane::Log => 0,
        Lane::Trace => 1,
        Lane::Session => 2,
        Lane::Error => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn lanes() -> Lanes<u32> {
        Lanes::new(MAX_ITEMS)
    }

    fn pop(lanes: &mut Lanes<u32>) -> Option<u32> {
        lanes.pop(|_| 0, 100).pop()
    }

    #[test]
    fn the_lowest_lane_is_shed_first_and_the_oldest_of_it() {
        let mut lanes = lanes();
        for item in 0..4 {
            assert!(lanes.push(Lane::Trace, MIB, item).is_empty());
            assert!(lanes.push(Lane::Log, MIB, 10 + item).is_empty());
        }
        assert_eq!(lanes.push(Lane::Error, MIB, 20), [10]);
        assert_eq!(lanes.push(Lane::Error, 3 * MIB, 21), [11, 12, 13]);
        assert_eq!(lanes.push(Lane::Error, MIB, 22), [0]);
    }

    #[test]
    fn a_lower_item_never_displaces_a_higher_one() {
        let mut lanes = lanes();
        for item in 0..8 {
            assert!(lanes.push(Lane::Error, MIB, item).is_empty());
        }
        assert_eq!(lanes.push(Lane::Log, MIB, 9), [9]);
        assert_eq!(lanes.push(Lane::Error, MIB, 10), [0]);
    }

    #[test]
    fn an_oversized_item_fits_and_two_fill_the_queue() {
        let mut lanes = lanes();
        assert!(lanes.push(Lane::Error, 20 * MIB, 1).is_empty());
        assert!(lanes.push(Lane::Error, 20 * MIB, 2).is_empty());
        assert_eq!(lanes.push(Lane::Error, 20 * MIB, 3), [1]);
    }

    #[test]
    fn the_error_lane_has_its_own_capacity() {
        let mut lanes = Lanes::new(2);
        assert!(lanes.push(Lane::Error, 1, 1).is_empty());
        assert!(lanes.push(Lane::Error, 1, 2).is_empty());
        assert_eq!(lanes.push(Lane::Error, 1, 3), [1]);
        for item in 0..10 {
            assert!(lanes.push(Lane::Log, 1, item).is_empty());
        }
    }

    #[test]
    fn every_lane_gets_its_share_and_order_within_a_lane_is_kept() {
        let mut lanes = lanes();
        let all = [Lane::Log, Lane::Trace, Lane::Session, Lane::Error];
        for lane in all {
            for item in 0..140 {
                assert!(lanes.push(lane, 1, index(lane) as u32 * 1_000 + item).is_empty());
            }
        }
        let first: Vec<_> = std::iter::from_fn(|| pop(&mut lanes)).take(140).collect();
        for (lane, share) in all.into_iter().zip([20, 30, 40, 50]) {
            let range = index(lane) as u32 * 1_000..(index(lane) as u32 + 1) * 1_000;
            let own: Vec<_> = first.iter().filter(|item| range.contains(item)).collect();
            assert_eq!(own.len(), share, "{lane:?}");
            assert!(own.is_sorted());
        }
    }

    #[test]
    fn it_overflows_until_something_is_taken_out() {
        let mut lanes = Lanes::new(2);
        let mut push = |item| {
            let was_overflowing = lanes.is_overflowing();
            (was_overflowing, lanes.push(Lane::Error, 1, item))
        };
        assert_eq!([push(1), push(2)], [(false, vec![]), (false, vec![])]);
        assert_eq!([push(3), push(4)], [(false, vec![1]), (true, vec![2])]);
        assert_eq!(pop(&mut lanes), Some(3));
        assert!(!lanes.is_overflowing());
        lanes.push(Lane::Error, 1, 5);
        assert_eq!(lanes.push(Lane::Error, 1, 6), [4]);
        assert!(lanes.is_overflowing());
        lanes.drain();
        assert!(!lanes.is_overflowing());
    }

    #[test]
    fn draining_makes_room() {
        let mut lanes = lanes();
        for item in 0..8 {
            lanes.push(Lane::Error, MIB, item);
        }
        assert_eq!(lanes.drain().len(), 8);
        assert!(lanes.is_empty());
        assert!(lanes.push(Lane::Error, 4 * MIB, 1).is_empty());
        assert_eq!(pop(&mut lanes), Some(1));
        assert_eq!(pop(&mut lanes), None);
    }

    #[test]
    fn small_items_come_together_and_count_as_one() {
        let mut lanes = lanes();
        for item in 0..250 {
            lanes.push(Lane::Log, 1, item);
            lanes.push(Lane::Error, 1, 1_000 + item);
        }
        let is_small = |item: &u32| *item < 1_000;
        let runs: Vec<_> = std::iter::from_fn(|| {
            Some(lanes.pop(|item| usize::from(is_small(item)), 100)).filter(|run| !run.is_empty())
        })
        .collect();
        let small: Vec<_> = runs.iter().filter(|run| is_small(&run[0])).map(Vec::len).collect();
        assert_eq!(small, [100, 100, 50]);
        assert!(runs.iter().all(|run| is_small(&run[0]) || run.len() == 1));
        assert!(
            runs.iter().position(|run| run.len() == 50).unwrap() < 15,
            "two of seven requests are theirs"
        );
    }
}
