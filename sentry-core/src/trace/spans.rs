//! The spans of a transaction that have ended.

use std::iter::Flatten;
use std::vec;

use crate::trace::record::Kept;

/// A list that grows without moving what it has: spans are large, and stay where they were put until the worker gives them
/// their wire form.
#[derive(Clone, Default)]
pub(super) struct Spans {
    full: Vec<Vec<Kept>>,
    open: Vec<Kept>,
    len: usize,
}

/// Room for so many is made at first.
const FIRST: usize = 8;

/// Room for so many is made at once.
const MOST: usize = 32;

impl Spans {
    /// Takes one more in.
    #[inline]
    pub(super) fn push(&mut self, span: Kept) {
        if self.open.len() == self.open.capacity() {
            self.make_room();
        }
        self.open.push(span);
        self.len += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// What it takes, free room included, without what the spans hold elsewhere.
    pub(super) fn bytes(&self) -> usize {
        let room: usize = self.full.iter().map(Vec::capacity).sum();
        size_of::<Kept>() * (room + self.open.capacity())
    }

    #[cold]
    fn make_room(&mut self) {
        let more = Vec::with_capacity(self.len.clamp(FIRST, MOST));
        let full = std::mem::replace(&mut self.open, more);
        if !full.is_empty() {
            self.full.push(full);
        }
    }
}

/// In the order in which they have ended.
impl IntoIterator for Spans {
    type Item = Kept;
    type IntoIter = Flatten<vec::IntoIter<Vec<Kept>>>;

    fn into_iter(mut self) -> Self::IntoIter {
        self.full.push(self.open);
        self.full.into_iter().flatten()
    }
}
