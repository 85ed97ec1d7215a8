//! Random identifiers at a few nanoseconds each.
//!
//! Ids must be unique, not secret, so each thread runs a xoroshiro128++ generator seeded once from the operating
//! system. Asking the system for every id would cost more than the rest of a capture.

use std::cell::Cell;
use std::time::SystemTime;

use crate::process;
use crate::types::Uuid;

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State { words: (0, 0), generation: NEVER }) };
}

#[derive(Clone, Copy)]
struct State {
    words: (u64, u64),
    /// The process it was seeded in. A child that went on with it would make the ids of its parent again.
    generation: u64,
}

/// No process: it was not seeded yet.
const NEVER: u64 = u64::MAX;

/// A random (version 4) UUID.
pub(crate) fn uuid() -> Uuid {
    build(pair())
}

/// The same for something that happens at `time`, which goes into it: where nobody notices a fork, parent and child run
/// the same generator, and a server keeps only one of two events with one id.
pub(crate) fn uuid_at(time: SystemTime) -> Uuid {
    let (high, low) = pair();
    let nanoseconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    build((high, low ^ nanoseconds.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

fn build((high, low): (u64, u64)) -> Uuid {
    uuid::Builder::from_random_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes()).into_uuid()
}

/// `N` random bytes that are never all zero.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    loop {
        for chunk in bytes.chunks_mut(8) {
            let word = next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        if N == 0 || bytes.iter().any(|byte| *byte != 0) {
            return bytes;
        }
    }
}

/// A random word that is never zero.
#[inline]
pub(crate) fn word() -> u64 {
    loop {
        let word = next();
        if word != 0 {
            return word;
        }
    }
}

/// A number in `[0, 1)`.
pub(crate) fn unit() -> f64 {
    const SCALE: f64 = 1.0 / (1u64 << 53) as f64;
    (next() >> 11) as f64 * SCALE
}

fn pair() -> (u64, u64) {
    draw(|words| {
        let (first, words) = step(words);
        let (second, words) = step(words);
        ((first, second), words)
    })
}

#[inline]
fn next() -> u64 {
    draw(step)
}

#[inline]
fn draw<T>(draw: impl Fn((u64, u64)) -> (T, (u64, u64))) -> T {
    // During the destruction of thread-locals there is no state left: seed anew for the few ids still needed.
    STATE
        .try_with(|state| {
            let State { mut words, generation } = state.get();
            let current = u64::from(process::generation());
            if generation != current {
                words = seed();
            }
            let (output, words) = draw(words);
            state.set(State { words, generation: current });
            output
        })
        .unwrap_or_else(|_| draw(seed()).0)
}

#[cold]
fn seed() -> (u64, u64) {
    // A v4 UUID has six fixed bits; the second one fills them.
    let (first, second) = (Uuid::new_v4().as_u128(), Uuid::new_v4().as_u128());
    let mixed = first ^ second.rotate_left(64);
    ((mixed >> 64) as u64, (mixed as u64) | 1)
}

#[inline]
fn step((s0, s1): (u64, u64)) -> (u64, (u64, u64)) {
    let output = s0.wrapping_add(s1).rotate_left(17).wrapping_add(s0);
    let mixed = s1 ^ s0;
    (output, (s0.rotate_left(49) ^ mixed ^ (mixed << 21), mixed.rotate_left(28)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_of_many_threads_are_distinct() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::Builder::new()
                    .spawn(|| (0..10_000).map(|_| uuid()).collect::<Vec<_>>())
                    .expect("threads are available in tests")
            })
            .collect();
        let all: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(all.len(), 40_000);
        assert!(all.iter().all(|id| id.get_version_num() == 4));
    }

    #[test]
    fn ids_of_a_process_and_its_fork_differ() {
        let before = STATE.get();
        let parent = uuid_at(SystemTime::UNIX_EPOCH);
        STATE.set(before);
        let child = uuid_at(SystemTime::UNIX_EPOCH + std::time::Duration::from_nanos(1));
        assert_ne!(parent, child);
        assert_eq!(child.get_version_num(), 4);
    }

    #[test]
    fn a_generator_of_another_process_is_seeded_anew() {
        uuid();
        let State { words, generation } = STATE.get();
        STATE.set(State { words, generation: generation.wrapping_sub(1) });
        let child = uuid();
        STATE.set(State { words, generation });
        assert_ne!(uuid(), child);
    }

    #[test]
    fn unit_covers_its_range_evenly() {
        let mut buckets = [0u32; 10];
        for _ in 0..100_000 {
            let value = unit();
            assert!((0.0..1.0).contains(&value));
            buckets[(value * 10.0) as usize] += 1;
        }
        assert!(buckets.iter().all(|count| (9_000..11_000).contains(count)), "{buckets:?}");
    }

    #[test]
    fn bytes_are_never_all_zero() {
        for _ in 0..1_000 {
            assert_ne!(bytes::<1>(), [0]);
        }
    }
}
