//! A persistent map: cloning is a snapshot, and writing to a shared one costs the same few allocations however much
//! it holds.
//!
//! Entries live in a `base` that is changed in place while nobody else holds it; otherwise changes pile up in front
//! of it as a short list, which is folded into a new base now and then. An entry can hide what the scope below has
//! under its key. One that is removed while nothing lies below leaves no trace, or a scope that lives as long as the
//! process would grow with every key it ever had.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::scope::key::Key;

/// Changes in front of the base before they are folded into it.
const FOLD_AT: usize = 32;

#[derive(Clone, Debug)]
pub(crate) struct Map<V> {
    base: Option<Arc<Entries<V>>>,
    changes: Option<Arc<Change<V>>>,
    /// As wide as a pointer: moving a map that was just made takes longer with anything narrower.
    pending: usize,
}

/// Never holds `Slot::Gone`.
type Entries<V> = BTreeMap<Key, Slot<V>>;

#[derive(Clone, Debug, PartialEq)]
enum Slot<V> {
    /// Not here any more. Says nothing about the scopes below.
    Gone,
    /// Not to be seen, whatever the scopes below have.
    Hidden,
    Value(V),
}

impl<V> Slot<V> {
    fn value(&self) -> Option<&V> {
        match self {
            Self::Value(value) => Some(value),
            Self::Gone | Self::Hidden => None,
        }
    }
}

/// What a map has to say about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Absent,
    Hidden,
    Present,
}

#[derive(Debug)]
struct Change<V> {
    key: Key,
    slot: Slot<V>,
    before: Option<Arc<Self>>,
}

impl<V> Default for Map<V> {
    fn default() -> Self {
        Self { base: None, changes: None, pending: 0 }
    }
}

impl<V: Clone> Map<V> {
    pub(crate) fn set(&mut self, key: &str, value: V) {
        self.write(key, Slot::Value(value));
    }

    /// Removes the key, which no scope below has.
    pub(crate) fn remove(&mut self, key: &str) {
        if self.entry(key) != Entry::Absent {
            self.write(key, Slot::Gone);
        }
    }

    /// Removes the key and hides it in the scopes below.
    pub(crate) fn hide(&mut self, key: &str) {
        self.write(key, Slot::Hidden);
    }

    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.slot(key)?.value()
    }

    pub(crate) fn entry(&self, key: &str) -> Entry {
        match self.slot(key) {
            None | Some(Slot::Gone) => Entry::Absent,
            Some(Slot::Hidden) => Entry::Hidden,
            Some(Slot::Value(_)) => Entry::Present,
        }
    }

    fn slot(&self, key: &str) -> Option<&Slot<V>> {
        let change = self.changes().find(|change| change.key.as_bytes() == key.as_bytes());
        change.map(|change| &change.slot).or_else(|| self.base.as_ref()?.get(key.as_bytes()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.base.is_none() && self.changes.is_none()
    }

    fn write(&mut self, key: &str, slot: Slot<V>) {
        if self.changes.is_none()
            && let Some(base) = self.base.as_mut().and_then(Arc::get_mut)
        {
            match (base.get_mut(key.as_bytes()), slot) {
                (_, Slot::Gone) => _ = base.remove(key.as_bytes()),
                (Some(old), slot) => *old = slot,
                (None, slot) => _ = base.insert(key.into(), slot),
            }
            return;
        }
        if let Some(newest) = self.changes.as_mut().and_then(Arc::get_mut)
            && newest.key.as_bytes() == key.as_bytes()
        {
            newest.slot = slot;
            return;
        }
        self.changes = Some(Arc::new(Change { key: key.into(), slot, before: self.changes.take() }));
        self.pending += 1;
        if self.pending >= FOLD_AT {
            self.fold();
        }
    }

    fn fold(&mut self) {
        let mut base = self.base.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        for (key, slot) in self.latest_changes() {
            match slot {
                Slot::Gone => _ = base.remove(key),
                slot => _ = base.insert(key.clone(), slot.clone()),
            }
        }
        *self = Self { base: Some(Arc::new(base)), changes: None, pending: 0 };
    }

    /// The changes, newest first.
    fn changes(&self) -> impl Iterator<Item = &Change<V>> {
        std::iter::successors(self.changes.as_deref(), |change| change.before.as_deref())
    }

    fn latest_changes(&self) -> BTreeMap<&Key, &Slot<V>> {
        let mut latest = BTreeMap::new();
        self.changes().for_each(|change| _ = latest.entry(&change.key).or_insert(&change.slot));
        latest
    }

    /// All entries, hiding ones included.
    fn entries(&self) -> BTreeMap<&str, &Slot<V>> {
        let changes = self.latest_changes();
        let base = self.base.iter().flat_map(|base| base.iter());
        let mut entries: BTreeMap<&str, &Slot<V>> = base.map(|(key, slot)| (key.as_str(), slot)).collect();
        for (key, slot) in changes {
            match slot {
                Slot::Gone => _ = entries.remove(key.as_str()),
                slot => _ = entries.insert(key.as_str(), slot),
            }
        }
        entries
    }

    /// Lays these entries over those in `out`.
    pub(crate) fn overlay<'a>(&'a self, out: &mut BTreeMap<&'a str, &'a V>) {
        let mut lay = |key: &'a str, slot: &'a Slot<V>| match slot {
            Slot::Gone => {}
            Slot::Hidden => _ = out.remove(key),
            Slot::Value(value) => _ = out.insert(key, value),
        };
        match (&self.base, &self.changes) {
            (None, None) => {}
            (Some(base), None) => base.iter().for_each(|(key, slot)| lay(key.as_str(), slot)),
            // Nothing was there before to be gone.
            (None, Some(only)) if only.before.is_none() => lay(only.key.as_str(), &only.slot),
            (None, Some(_)) => {
                self.latest_changes().into_iter().for_each(|(key, slot)| lay(key.as_str(), slot));
            }
            (Some(_), Some(_)) => self.entries().into_iter().for_each(|(key, slot)| lay(key, slot)),
        }
    }

    /// Repeats on `self` what `mine` changed since it was cloned from `base`.
    pub(crate) fn replay(&mut self, base: &Self, mine: &Self)
    where
        V: PartialEq,
    {
        let (before, after) = (base.entries(), mine.entries());
        for (key, slot) in &after {
            if before.get(key) != Some(slot) {
                self.write(key, (*slot).clone());
            }
        }
        for key in before.keys().filter(|key| !after.contains_key(*key)) {
            self.remove(key);
        }
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
                if n % 2 == 0 {
                    map.remove(&key)
                } else {
                    map.hide(&key)
                };
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
        above.hide("a");
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
        assert_eq!((mine.entry("a"), mine.entry("b")), (Entry::Present, Entry::Absent));
        theirs.set("a", 3);
        theirs.set("c", 3);
        theirs.replay(&base, &mine);
        assert_eq!(shown(&[&theirs]), [("a".into(), 2), ("c".into(), 3)]);
    }

    #[test]
    fn keys_that_come_and_go_leave_nothing_behind() {
        let mut map = Map::default();
        let mut snapshot = map.clone();
        for n in 0..10_000 {
            let key = n.to_string();
            map.set(&key, n);
            if n % 3 == 0 {
                snapshot = map.clone();
            }
            map.remove(&key);
        }
        drop(snapshot);
        assert!(map.entries().is_empty());
        assert!(map.base.as_ref().map_or(0, |base| base.len()) <= FOLD_AT);
        let pending = map.pending;
        map.remove("never there");
        assert_eq!(map.pending, pending);
    }
}
