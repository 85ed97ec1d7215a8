//! What was seen within a minute, as addresses.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use sentry_core::RawStack;

/// Samples of one chunk. It is sent early rather than grow beyond these.
const MAX_SAMPLES: usize = 50_000;
const MAX_STACKS: usize = 10_000;

/// One look at one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) time: SystemTime,
    pub(super) thread: u32,
    /// Its place in the list of stacks.
    pub(super) stack: usize,
}

/// Samples, and each stack once.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) samples: Vec<Sample>,
    pub(super) threads: BTreeMap<u32, Option<String>>,
    stacks: HashMap<Box<[usize]>, usize>,
}

impl Chunk {
    /// Adds a sample; `name` is asked once for each thread.
    pub(super) fn add(
        &mut self,
        time: SystemTime,
        thread: u32,
        stack: RawStack,
        name: impl FnOnce(u32) -> Option<String>,
    ) {
        let next = self.stacks.len();
        let stack = *self.stacks.entry(stack.addresses).or_insert(next);
        self.samples.push(Sample { time, thread, stack });
        self.threads.entry(thread).or_insert_with(|| name(thread));
    }

    pub(super) fn is_full(&self) -> bool {
        self.samples.len() >= MAX_SAMPLES || self.stacks.len() >= MAX_STACKS
    }

    /// The stacks, in the order that samples count them.
    pub(super) fn take_stacks(&mut self) -> Vec<RawStack> {
        let mut stacks: Vec<_> = std::mem::take(&mut self.stacks).into_iter().collect();
        stacks.sort_unstable_by_key(|(_, index)| *index);
        stacks.into_iter().map(|(addresses, _)| RawStack { addresses }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stack_is_kept_once() {
        let mut chunk = Chunk::default();
        for (thread, addresses) in [(1, [1, 2]), (2, [3, 2]), (1, [1, 2])] {
            let stack = RawStack { addresses: addresses.into() };
            chunk.add(SystemTime::UNIX_EPOCH, thread, stack, |thread| Some(format!("t{thread}")));
        }
        let stacks: Vec<_> = chunk.samples.iter().map(|sample| sample.stack).collect();
        assert_eq!(stacks, [0, 1, 0]);
        assert_eq!(chunk.threads[&2].as_deref(), Some("t2"));
        let stacks: Vec<_> = chunk.take_stacks().into_iter().map(|stack| stack.addresses.to_vec()).collect();
        assert_eq!(stacks, [[1, 2], [3, 2]]);
        assert!(!chunk.is_full());
    }
}
