//! The breadcrumb ring: bounded, and shared with snapshots instead of copied.
//!
//! While nobody else holds it the newest chunk is an ordinary ring, changed in place. A snapshot shares it; what comes next
//! then begins a chunk of its own in front, and never copies what the snapshot sees. Eviction of shared chunks is by
//! generation: when the newest generation is full it becomes the older one, and the one before that is let go. So the
//! ring holds at most three times its limit, usually just its limit, and shows the newest `max`.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use crate::breadcrumbs::{Fresh, Kept};
use crate::protocol::Breadcrumb;

/// A bounded sequence of breadcrumbs. Cloning it is a snapshot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring {
    newest: Option<Arc<Chunk>>,
    /// Crumbs in the newest generation: `newest` and what is before it.
    generation_len: usize,
    older: Option<Arc<Chunk>>,
    /// The limit of the newest push: no more than that show.
    max: usize,
}

#[derive(Debug, Default)]
struct Chunk {
    crumbs: VecDeque<Kept>,
    before: Option<Arc<Self>>,
}

impl Ring {
    /// Takes the breadcrumbs that are new, of which the newest `max` of their limit are kept.
    pub(crate) fn append(&mut self, fresh: &mut Fresh) {
        let (max, crumbs) = (fresh.max(), fresh.in_order());
        let len = crumbs.len();
        if len == 0 {
            return;
        }
        self.max = max;
        if len >= max {
            // They alone are all that shows.
            *self = Self { newest: Some(Chunk::of(crumbs, None)), generation_len: len, older: None, max };
            return;
        }
        let Some(chunk) = self.newest.as_mut().and_then(Arc::get_mut) else {
            return self.append_in_front(crumbs, max);
        };
        let surplus = (chunk.crumbs.len() + len).saturating_sub(max);
        chunk.crumbs.drain(..surplus);
        chunk.crumbs.extend(crumbs.drain(..));
        self.generation_len += len;
        if chunk.crumbs.len() >= max {
            // This chunk alone is all that shows.
            self.generation_len = chunk.crumbs.len();
            chunk.before = None;
            self.older = None;
        }
    }

    /// The newest chunk is shared, or there is none.
    #[cold]
    fn append_in_front(&mut self, crumbs: &mut Vec<Kept>, max: usize) {
        if self.generation_len + crumbs.len() > max {
            self.older = self.newest.take();
            self.generation_len = 0;
        }
        self.generation_len += crumbs.len();
        self.newest = Some(Chunk::of(crumbs, self.newest.take()));
    }

    /// How many crumbs show at most.
    pub(crate) fn limit(&self) -> usize {
        self.max
    }

    /// Whether nothing was added since one was cloned from the other.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let same = |a: &Option<Arc<Chunk>>, b: &Option<Arc<Chunk>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        same(&self.newest, &other.newest) && same(&self.older, &other.older)
    }

    /// Appends the newest `max` crumbs to `out`, oldest first.
    pub(crate) fn collect_into(&self, max: usize, out: &mut Vec<Breadcrumb>) {
        let max = max.min(self.max);
        let mut chunks: Vec<&Chunk> = Vec::new();
        for generation in [&self.newest, &self.older] {
            let mut next = generation.as_deref();
            while let Some(chunk) = next {
                chunks.push(chunk);
                next = chunk.before.as_deref();
            }
        }
        let total: usize = chunks.iter().map(|chunk| chunk.crumbs.len()).sum();
        let crumbs = chunks.iter().rev().flat_map(|chunk| &chunk.crumbs);
        out.extend(crumbs.skip(total.saturating_sub(max)).map(Kept::to_breadcrumb));
    }
}

impl Chunk {
    /// Takes `crumbs`, with their room unless there is much more of it than they need.
    fn of(crumbs: &mut Vec<Kept>, before: Option<Arc<Self>>) -> Arc<Self> {
        let is_roomy = crumbs.capacity() > 2 * crumbs.len();
        let crumbs = if is_roomy { crumbs.drain(..).collect() } else { mem::take(crumbs).into() };
        Arc::new(Self { crumbs, before })
    }
}

impl Drop for Chunk {
    // The derived drop would recurse once per chunk, and the list is as long as the user's `max_breadcrumbs` allows.
    fn drop(&mut self) {
        let mut next = self.before.take();
        while let Some(mut chunk) = next.and_then(Arc::into_inner) {
            next = chunk.before.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crumb(n: usize) -> Breadcrumb {
        Breadcrumb { message: Some(n.to_string()), ..Default::default() }
    }

    impl Ring {
        fn push(&mut self, crumb: Breadcrumb, max: usize) {
            self.push_all([crumb], max);
        }

        fn push_all<const N: usize>(&mut self, crumbs: [Breadcrumb; N], max: usize) {
            let mut fresh = Fresh::default();
            crumbs.into_iter().for_each(|crumb| fresh.push(&mut Some(Kept::Whole(crumb)), max));
            self.append(&mut fresh);
            assert!(fresh.is_empty());
        }
    }

    fn messages(ring: &Ring, max: usize) -> Vec<usize> {
        let mut out = Vec::new();
        ring.collect_into(max, &mut out);
        out.into_iter().map(|crumb| crumb.message.unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn oldest_breadcrumb_is_evicted_when_full() {
        for max in [1, 2, 5, 31, 32, 33, 100] {
            let mut ring = Ring::default();
            for n in 0..250 {
                ring.push(crumb(n), max);
                let expected: Vec<usize> = (0..=n).skip((n + 1).saturating_sub(max)).collect();
                assert_eq!(messages(&ring, max), expected, "max {max}, after {n}");
            }
        }
    }

    #[test]
    fn a_snapshot_does_not_see_later_pushes() {
        let mut ring = Ring::default();
        (0..40).for_each(|n| ring.push(crumb(n), 100));
        let snapshot = ring.clone();
        (40..300).for_each(|n| ring.push(crumb(n), 100));
        assert_eq!(messages(&snapshot, 100), (0..40).collect::<Vec<_>>());
        assert_eq!(messages(&ring, 100), (200..300).collect::<Vec<_>>());
    }

    #[test]
    fn a_snapshot_at_any_moment_changes_nothing_for_others() {
        for every in [1, 2, 3, 7, 99, 100, 101] {
            for max in [1, 5, 100] {
                let (mut ring, mut snapshots) = (Ring::default(), Vec::new());
                for n in 0..500 {
                    ring.push(crumb(n), max);
                    let expected: Vec<usize> = (0..=n).skip((n + 1).saturating_sub(max)).collect();
                    if n % every == 0 {
                        snapshots.push((ring.clone(), expected.clone()));
                    }
                    if n % 50 == 0 {
                        assert!(snapshots.drain(..).all(|(ring, seen)| messages(&ring, max) == seen));
                    }
                    assert_eq!(
                        messages(&ring, max),
                        expected,
                        "max {max}, snapshot every {every}, after {n}"
                    );
                }
            }
        }
    }

    #[test]
    fn several_at_a_time_are_the_same_as_one_by_one() {
        for max in [1, 2, 3, 7, 100] {
            for every in [1, 2, 5] {
                let (mut ring, mut snapshots) = (Ring::default(), Vec::new());
                for n in (0..400).step_by(3) {
                    ring.push_all([crumb(n), crumb(n + 1), crumb(n + 2)], max);
                    let expected: Vec<usize> = (0..=n + 2).skip((n + 3).saturating_sub(max)).collect();
                    assert_eq!(
                        messages(&ring, max),
                        expected,
                        "max {max}, snapshot every {every}, after {n}"
                    );
                    if n % every == 0 {
                        snapshots.push((ring.clone(), expected));
                    }
                }
                assert!(snapshots.into_iter().all(|(ring, seen)| messages(&ring, max) == seen));
            }
        }
    }

    #[test]
    fn zero_keeps_nothing() {
        let mut ring = Ring::default();
        ring.push(crumb(1), 0);
        assert!(messages(&ring, 1).is_empty());
    }

    #[test]
    fn a_long_list_of_shared_chunks_drops_without_recursion() {
        let mut ring = Ring::default();
        let mut snapshots = Vec::new();
        for n in 0..200_000 {
            ring.push(crumb(n), 1_000_000);
            snapshots.push(ring.clone());
            if snapshots.len() > 2 {
                snapshots.remove(0);
            }
        }
        drop(snapshots);
        drop(ring);
    }
}
