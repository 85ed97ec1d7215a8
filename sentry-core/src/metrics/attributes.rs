//! The attributes of a metric.
//!
//! Behind one pointer: so a metric is small, and stays in registers while no client is active. A thread uses what is there
//! again for the next metric, as long as it is small.

use std::borrow::Cow;
use std::cell::Cell;

use crate::protocol::LogAttribute;

/// A key and its value.
pub(super) type Entry = (Cow<'static, str>, LogAttribute);

/// Attributes, if there are any.
#[derive(Debug)]
pub(super) struct Attributes(Option<Box<List>>);

#[derive(Debug, Default)]
struct List(Vec<Entry>);

/// A thread keeps room for no more attributes than this.
const MAX: usize = 32;

thread_local! {
    static SPARE: Cell<Option<Box<List>>> = const { Cell::new(None) };
}

impl Attributes {
    pub(super) const NONE: Self = Self(None);

    #[inline]
    pub(super) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    #[inline]
    pub(super) fn entries(&self) -> &[Entry] {
        self.0.as_deref().map_or(&[], |list| &list.0)
    }

    pub(super) fn entries_mut(&mut self) -> &mut [Entry] {
        self.0.as_deref_mut().map_or(&mut [], |list| &mut list.0)
    }

    /// What is said twice counts as said last. Converts what is added itself, or whoever calls would have to be able to drop
    /// a metric in the middle.
    #[inline(never)]
    pub(super) fn with<K, V>(mut self, key: K, value: V) -> Self
    where
        K: Into<Cow<'static, str>>,
        V: Into<LogAttribute>,
    {
        let (key, value) = (key.into(), value.into());
        let entries = &mut self.list().0;
        match entries.iter_mut().find(|(known, _)| *known == key) {
            Some((_, slot)) => *slot = value,
            None => entries.push((key, value)),
        }
        self
    }

    /// Takes all of them out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Entry> {
        self.0.as_deref_mut().into_iter().flat_map(|list| list.0.drain(..))
    }

    fn list(&mut self) -> &mut List {
        self.0.get_or_insert_with(|| SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default())
    }
}

impl Drop for Attributes {
    #[inline]
    fn drop(&mut self) {
        if let Some(list) = self.0.take() {
            keep(list);
        }
    }
}

fn keep(mut list: Box<List>) {
    if list.0.capacity() <= MAX {
        list.0.clear();
        let _ = SPARE.try_with(|spare| spare.set(Some(list)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_metric_had_the_next_one_does_not_have() {
        let one = Attributes::NONE.with("a", 1).with("a", 2);
        assert_eq!(one.entries(), [("a".into(), 2.into())]);
        drop(one);
        let other = Attributes::NONE.with("b", 3);
        assert_eq!(other.entries(), [("b".into(), 3.into())]);
        assert!(!Attributes::NONE.is_some() && Attributes::NONE.entries().is_empty());
    }

    #[test]
    fn two_at_a_time_are_apart() {
        let (one, other) = (Attributes::NONE.with("a", 1), Attributes::NONE.with("b", 2));
        drop(one);
        assert_eq!(other.entries(), [("b".into(), 2.into())]);
    }

    #[test]
    fn what_was_large_once_is_not_kept() {
        drop((0..=MAX).fold(Attributes::NONE, |more, n| more.with(n.to_string(), 1)));
        let mut next = Attributes::NONE.with("a", 1);
        assert!(next.list().0.capacity() <= MAX);
    }
}
