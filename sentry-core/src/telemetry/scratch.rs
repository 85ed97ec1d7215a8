//! Memory that a thread uses again for each record it encodes.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

/// A thread keeps no more than this.
const MAX: usize = 16 * 1024;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The buffer of this thread, given back when it is dropped.
///
/// Whoever encodes may run code of the application (`Display`), which may write a record itself: that one gets a buffer of
/// its own.
#[derive(Debug)]
pub(crate) struct Scratch(Vec<u8>);

impl Scratch {
    #[inline]
    pub(crate) fn take() -> Self {
        Self(SPARE.try_with(Cell::take).unwrap_or_default())
    }
}

impl Deref for Scratch {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.0);
        if buffer.capacity() <= MAX {
            buffer.clear();
            let _ = SPARE.try_with(|spare| spare.set(buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_used_again_and_one_within_another_is_apart() {
        let mut outer = Scratch::take();
        outer.extend_from_slice(b"outer");
        let mut inner = Scratch::take();
        assert!(inner.is_empty());
        inner.extend_from_slice(b"inner");
        drop(inner);
        assert_eq!(**outer, *b"outer");
        let memory = outer.as_ptr();
        drop(outer);
        let again = Scratch::take();
        assert_eq!((again.len(), again.as_ptr()), (0, memory));
    }

    #[test]
    fn what_was_large_once_is_not_kept() {
        let mut large = Scratch::take();
        large.reserve(MAX + 1);
        drop(large);
        assert!(Scratch::take().capacity() <= MAX);
    }
}
