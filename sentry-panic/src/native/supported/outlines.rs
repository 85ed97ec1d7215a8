//! What is known about each thread before it crashes: events as JSON, in memory that is there from the start.
//!
//! One writer, the publisher. Each thread has two places in turn, so that the reader, in a crash, finds a whole one
//! while the other is being written. Nothing here locks or allocates.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};

/// Bytes of one event.
pub(crate) const LARGEST: usize = 48 << 10;
const WORDS: usize = LARGEST / 8;
/// Threads that are kept apart; beyond that the one that was quiet for longest gives its place away.
const THREADS: usize = 32;

/// Stands for threads that have nothing of their own.
pub(crate) const ANY: u32 = u32::MAX;
const NOBODY: u32 = 0;

static SLOTS: [Slot; THREADS] = [const { Slot::new() }; THREADS];

struct Slot {
    thread: AtomicU32,
    /// When it was written last.
    age: AtomicU64,
    /// The place that counts.
    current: AtomicUsize,
    places: [Place; 2],
}

struct Place {
    length: AtomicUsize,
    words: [AtomicU64; WORDS],
}

/// Remembers an event for a thread. For the publisher only.
pub(crate) fn put(thread: u32, content: &[u8]) {
    put_in(&SLOTS, thread, content);
}

/// Copies what is remembered for a thread, or for any, and tells how long it is; 0 without one.
pub(crate) fn get(thread: u32, to: &mut [u8]) -> usize {
    get_from(&SLOTS, thread, to)
}

fn put_in(slots: &[Slot], thread: u32, content: &[u8]) {
    if content.len() > LARGEST {
        return;
    }
    let latest = slots.iter().map(|slot| slot.age.load(Relaxed)).max().unwrap_or(0);
    let own = slots.iter().find(|slot| slot.thread.load(Relaxed) == thread);
    let quiet = || {
        let others = slots.iter().filter(|slot| slot.thread.load(Relaxed) != ANY);
        others.min_by_key(|slot| slot.age.load(Relaxed))
    };
    let Some(slot) = own.or_else(quiet) else { return };
    if slot.thread.load(Relaxed) != thread {
        slot.thread.store(NOBODY, Release);
    }
    let next = 1 - slot.current.load(Relaxed) % 2;
    slot.places[next].put(content);
    slot.current.store(next, Release);
    slot.age.store(latest + 1, Relaxed);
    slot.thread.store(thread, Release);
}

fn get_from(slots: &[Slot], thread: u32, to: &mut [u8]) -> usize {
    let find = |thread: u32| slots.iter().find(|slot| slot.thread.load(Acquire) == thread);
    let Some(slot) = find(thread).or_else(|| find(ANY)) else { return 0 };
    slot.places.get(slot.current.load(Acquire)).map_or(0, |place| place.get(to))
}

impl Slot {
    const fn new() -> Self {
        Self {
            thread: AtomicU32::new(NOBODY),
            age: AtomicU64::new(0),
            current: AtomicUsize::new(0),
            places: [const { Place::new() }; 2],
        }
    }
}

impl Place {
    const fn new() -> Self {
        Self { length: AtomicUsize::new(0), words: [const { AtomicU64::new(0) }; WORDS] }
    }

    fn put(&self, content: &[u8]) {
        for (word, bytes) in self.words.iter().zip(content.chunks(8)) {
            let mut whole = [0; 8];
            for (to, from) in whole.iter_mut().zip(bytes) {
                *to = *from;
            }
            word.store(u64::from_ne_bytes(whole), Relaxed);
        }
        self.length.store(content.len(), Release);
    }

    fn get(&self, to: &mut [u8]) -> usize {
        let length = self.length.load(Acquire);
        let Some(to) = to.get_mut(..length) else { return 0 };
        for (bytes, word) in to.chunks_mut(8).zip(&self.words) {
            for (to, from) in bytes.iter_mut().zip(word.load(Relaxed).to_ne_bytes()) {
                *to = from;
            }
        }
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(count: usize) -> Vec<Slot> {
        (0..count).map(|_| Slot::new()).collect()
    }

    fn seen(slots: &[Slot], thread: u32) -> String {
        let mut to = vec![0; LARGEST];
        let length = get_from(slots, thread, &mut to);
        String::from_utf8(to[..length].to_vec()).unwrap()
    }

    #[test]
    fn each_thread_finds_its_own_and_strangers_what_is_for_any() {
        let slots = slots(4);
        assert_eq!(seen(&slots, 7), "");
        put_in(&slots, ANY, b"for any");
        put_in(&slots, 7, b"first of 7");
        put_in(&slots, 7, b"second of 7, longer");
        put_in(&slots, 8, b"of 8");
        assert_eq!(seen(&slots, 7), "second of 7, longer");
        assert_eq!(seen(&slots, 8), "of 8");
        assert_eq!(seen(&slots, 9), "for any");
        put_in(&slots, 7, &[b'x'; LARGEST + 1]);
        assert_eq!(seen(&slots, 7), "second of 7, longer");
    }

    #[test]
    fn the_quietest_thread_gives_its_place_away() {
        let slots = slots(3);
        put_in(&slots, ANY, b"for any");
        for thread in [1, 2, 1, 3] {
            put_in(&slots, thread, format!("of {thread}").as_bytes());
        }
        assert_eq!([seen(&slots, 1), seen(&slots, 2), seen(&slots, 3)], ["of 1", "for any", "of 3"]);
    }
}
