//! A persistent map: cloning is a snapshot, and writing to a shared one costs the same few allocations however much
//! it holds.
//!
//! Entries live in a `base` that is changed in place while nobody else holds it; otherwise changes pile up in front
//! of it as a short list, which is folded into a new base now and then. A removal is an entry without a value, so
//! that a scope can hide what the scope below it has.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Changes in front of the base before they are folded into it.
const FOLD_AT: u8 = 32;

#[derive(Clone, Debug)]
pub(crate) struct Map<V> {
    base: Option<Arc<Entries<V>>>,
    changes: Option<Arc<Change<V>>>,
    pending: u8,
}

type Entries<V> = BTreeMap<Arc<str>, Option<V>>;

#[derive(Debug)]
struct Change<V> {
    key: Arc<str>,
    value: Option<V>,
    before: Option<Arc<Self>>,
}

impl<V> Default for Map<V> {
    fn default() -> Self {
        Self { base: None, changes: None, pending: 0 }
    }
}

impl<V: Clone> Map<V> {
    pub(crate) fn set(&mut self, key: &str, value: V) {
        self.write(key, Some(value));
    }

    /// Removes the key here and hides it in the layers below.
    pub(crate) fn remove(&mut self, key: &str) {
        self.write(key, None);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.base.is_none() && self.changes.is_none()
    }

    fn write(&mut self, key: &str, value: Option<V>) {
        if self.changes.is_none()
            && let Some(base) = self.base.as_mut().and_then(Arc::get_mut)
        {
            match base.get_mut(key) {
                Some(slot) => *slot = value,
                None => _ = base.insert(key.into(), value),
            }
            return;
        }
        if let Some(newest) = self.changes.as_mut().and_then(Arc::get_mut)
            && *newest.key == *key
        {
            newest.value = value;
            return;
        }
        self.changes = Some(Arc::new(Change { key: key.into(), value, before: self.changes.take() }));
        self.pending += 1;
        if self.pending >= FOLD_AT {
            self.fold();
        }
    }

    fn fold(&mut self) {
        let mut base = self.base.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        for change in self.changes_oldest_first() {
            base.insert(Arc::clone(&change.key), change.value.clone());
        }
        *self = Self { base: Some(Arc::new(base)), changes: None, pending: 0 };
    }

    fn changes_oldest_first(&self) -> impl Iterator<Item = &Change<V>> {
        let mut changes = Vec::with_capacity(usize::from(self.pending));
        let mut next = self.changes.as_deref();
        while let Some(change) = next {
            changes.push(change);
            next = change.before.as_deref();
        }
        changes.into_iter().rev()
    }

    /// Lays these entries over those in `out`.
    pub(crate) fn overlay<'a>(&'a self, out: &mut BTreeMap<&'a str, &'a V>) {
        let base = self.base.iter().flat_map(|base| base.iter()).map(|(key, value)| (&**key, value.as_ref()));
        let changes = self.changes_oldest_first().map(|change| (&*change.key, change.value.as_ref()));
        for (key, value) in base.chain(changes) {
            match value {
                Some(value) => _ = out.insert(key, value),
                None => _ = out.remove(key),
            }
        }
    }

    /// Repeats on `self` what `mine` changed since it was cloned from `base`.
    pub(crate) fn replay(&mut self, base: &Self, mine: &Self)
    where
        V: PartialEq,
    {
        let before = base.entries();
        for (key, value) in mine.entries() {
            if before.get(key) != Some(&value) {
                self.write(key, value.cloned());
            }
        }
    }

    /// All entries, removals included.
    fn entries(&self) -> BTreeMap<&str, Option<&V>> {
        let base = self.base.iter().flat_map(|base| base.iter()).map(|(key, value)| (&**key, value.as_ref()));
        let changes = self.changes_oldest_first().map(|change| (&*change.key, change.value.as_ref()));
        base.chain(changes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(maps: &[&Map<u32>]) -> Vec<(String, u32)> {
        let mut out = BTreeMap::new();
        maps.iter().for_each(|map| map.overlay(&mut out));
        out.into_iter().map(|(key, value)| (key.to_owned(), *value)).collect()
    }

    #[test]
    fn behaves_like_a_map_whatever_is_shared() {
        let mut map = Map::default();
        let mut model: BTreeMap<String, u32> = BTreeMap::new();
        let mut snapshots = Vec::new();
        for n in 0..1_000u32 {
            let key = format!("k{}", n * 7 % 61);
            if n % 5 == 0 {
                map.remove(&key);
                model.remove(&key);
            } else {
                map.set(&key, n);
                model.insert(key, n);
            }
            if n % 3 == 0 {
                snapshots.push((map.clone(), model.clone()));
            }
            if n % 11 == 0 {
                snapshots.clear();
            }
        }
        snapshots.push((map, model));
        for (map, model) in snapshots {
            assert_eq!(shown(&[&map]), model.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_removal_hides_the_layer_below() {
        let (mut below, mut above) = (Map::default(), Map::default());
        below.set("a", 1);
        below.set("b", 2);
        above.remove("a");
        above.set("c", 3);
        assert_eq!(shown(&[&below, &above]), [("b".into(), 2), ("c".into(), 3)]);
    }

    #[test]
    fn replay_keeps_what_others_wrote_meanwhile() {
        let mut base = Map::default();
        base.set("a", 1);
        base.set("b", 1);
        let (mut mine, mut theirs) = (base.clone(), base.clone());
        mine.set("a", 2);
        mine.remove("b");
        theirs.set("a", 3);
        theirs.set("c", 3);
        theirs.replay(&base, &mine);
        assert_eq!(shown(&[&theirs]), [("a".into(), 2), ("c".into(), 3)]);
    }
}
