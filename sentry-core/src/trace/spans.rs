//! The spans of a transaction that have ended.

use std::iter::{Flatten, Take};
use std::vec;

use crate::trace::record::Kept;

/// A list that grows without moving what it has: spans are large, and stay where they were put until the worker gives them
/// their wire form.
#[derive(Clone, Default)]
pub(super) struct Spans {
    full: Vec<Vec<Kept>>,
    /// Those in front are taken, the others are blank.
    open: Vec<Kept>,
    taken: usize,
    len: usize,
}

/// Room for so many is made at first.
const FIRST: usize = 8;

/// Room for so many is made at once.
const MOST: usize = 32;

/// So many are made blank at once.
const BLANK: usize = 4;

impl Spans {
    /// Takes one more in: `put` writes it to its place.
    #[inline]
    pub(super) fn push(&mut self, put: impl FnOnce(&mut Kept)) {
        if self.taken == self.open.len() {
            self.make_room();
        }
        if let Some(place) = self.open.get_mut(self.taken) {
            put(place);
            self.taken += 1;
            self.len += 1;
        }
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
        if self.open.len() == self.open.capacity() {
            let more = Vec::with_capacity(self.len.clamp(FIRST, MOST));
            let full = std::mem::replace(&mut self.open, more);
            self.taken = 0;
            if !full.is_empty() {
                self.full.push(full);
            }
        }
        let blank = (self.open.len() + BLANK).min(self.open.capacity());
        self.open.resize_with(blank, Kept::default);
    }
}

/// In the order in which they have ended.
impl IntoIterator for Spans {
    type Item = Kept;
    type IntoIter = Take<Flatten<vec::IntoIter<Vec<Kept>>>>;

    fn into_iter(mut self) -> Self::IntoIter {
        self.full.push(self.open);
        self.full.into_iter().flatten().take(self.len)
    }
}
