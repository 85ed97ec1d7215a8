//! What the last events of a client had in common, so that the next one need not hold it again.

use std::sync::{Arc, RwLock, RwLockReadGuard};

use crate::lean::constants::Constants;
use crate::lean::context::NamedContext;
use crate::process::Held;
use crate::protocol::DebugMeta;
use crate::size::chunk;
use crate::sync::{free, try_read};

/// Values that events of one client share. Bounded; the oldest makes way.
///
/// Nobody waits for it: a thread that finds it taken keeps a copy of its own, and so does one that panics meanwhile.
#[derive(Default)]
pub(crate) struct Known {
    shelves: RwLock<Shelves>,
}

#[derive(Default)]
struct Shelves {
    constants: Shelf<Constants, 4>,
    contexts: Shelf<NamedContext, 12>,
    images: Shelf<DebugMeta, 2>,
}

impl Known {
    /// What is known while one event is taken apart.
    pub(super) fn sharing(&self) -> Sharing<'_> {
        Sharing { known: self, shelves: try_read(&self.shelves), new: None, next: 0 }
    }

    /// For a fork.
    pub(crate) fn hold<'a>(&'a self, held: &mut Held<'a>) {
        held.write(&self.shelves);
    }
}

pub(super) struct Sharing<'a> {
    known: &'a Known,
    shelves: Option<RwLockReadGuard<'a, Shelves>>,
    new: Option<Box<Shelves>>,
    /// Where to look first: behind what was found last, as events have their contexts in one order.
    next: usize,
}

impl Sharing<'_> {
    pub(super) fn constants(&mut self, value: Constants) -> Share<Constants> {
        self.share(value, |shelves| &shelves.constants, |shelves| &mut shelves.constants)
    }

    pub(super) fn context(&mut self, value: NamedContext) -> Share<NamedContext> {
        self.share(value, |shelves| &shelves.contexts, |shelves| &mut shelves.contexts)
    }

    pub(super) fn images(&mut self, value: DebugMeta) -> Share<DebugMeta> {
        self.share(value, |shelves| &shelves.images, |shelves| &mut shelves.images)
    }

    /// Makes known what was not.
    pub(super) fn finish(self) {
        let Self { known, shelves, new, next: _ } = self;
        drop(shelves);
        let Some(new) = new else { return };
        let Some(mut shelves) = free(known.shelves.try_write()) else { return };
        let old = (
            shelves.constants.take_from(new.constants),
            shelves.contexts.take_from(new.contexts),
            shelves.images.take_from(new.images),
        );
        drop(shelves);
        drop(old);
    }

    fn share<T: PartialEq, const N: usize>(
        &mut self,
        value: T,
        shelf: impl Fn(&Shelves) -> &Shelf<T, N>,
        shelf_mut: impl Fn(&mut Shelves) -> &mut Shelf<T, N>,
    ) -> Share<T> {
        if let Some(shelves) = self.shelves.as_deref()
            && let Some((place, value)) = shelf(shelves).find(&value, self.next)
        {
            self.next = place + 1;
            return Share { value, is_first: false };
        }
        let value = Arc::new(value);
        shelf_mut(self.new.get_or_insert_default()).add(Arc::clone(&value));
        Share { value, is_first: true }
    }
}

/// The last `N` different values.
struct Shelf<T, const N: usize> {
    values: Vec<Arc<T>>,
    oldest: usize,
}

impl<T, const N: usize> Default for Shelf<T, N> {
    fn default() -> Self {
        Self { values: Vec::new(), oldest: 0 }
    }
}

impl<T: PartialEq, const N: usize> Shelf<T, N> {
    /// Looks everywhere, but at `first` first.
    fn find(&self, value: &T, first: usize) -> Option<(usize, Arc<T>)> {
        let is_it = |place: &usize| self.values.get(*place).is_some_and(|known| **known == *value);
        let place = Some(first).filter(is_it).or_else(|| (0..self.values.len()).find(is_it))?;
        Some((place, Arc::clone(self.values.get(place)?)))
    }

    /// Returns what made way: it may be large, and nothing is dropped under a lock.
    fn add(&mut self, value: Arc<T>) -> Option<Arc<T>> {
        if self.values.len() < N {
            self.values.push(value);
            return None;
        }
        let made_way = self.values.get_mut(self.oldest).map(|oldest| std::mem::replace(oldest, value));
        self.oldest = (self.oldest + 1) % N;
        made_way
    }

    /// Another thread may have added the same in the meantime.
    fn take_from(&mut self, other: Self) -> Vec<Arc<T>> {
        let new = other.values.into_iter();
        new.filter_map(|value| if self.find(&value, 0).is_some() { Some(value) } else { self.add(value) })
            .collect()
    }
}

/// A value that several events may share.
#[derive(Debug)]
pub(super) struct Share<T> {
    value: Arc<T>,
    /// Its room is charged to the event that brought it.
    is_first: bool,
}

impl<T> Share<T> {
    /// The bytes it takes in the event, where `inner` tells those that the value holds beside itself.
    pub(super) fn size(&self, inner: impl FnOnce(&T) -> usize) -> usize {
        const COUNTS: usize = 2 * size_of::<usize>();
        if self.is_first { chunk(COUNTS + size_of::<T>()) + inner(&self.value) } else { 0 }
    }
}

impl<T: Clone> Share<T> {
    pub(super) fn into_inner(self) -> T {
        Arc::unwrap_or_clone(self.value)
    }
}

impl<T> Clone for Share<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), is_first: false }
    }
}
