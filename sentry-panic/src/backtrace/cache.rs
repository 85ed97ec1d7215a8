//! A bounded map from addresses to what is known about them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backtrace::symbol::Resolved;

/// Two generations: when the young one is full it becomes the old one, and the old one is forgotten. What is used
/// moves to the young one, so it survives.
#[derive(Debug)]
pub(crate) struct Cache {
    young: BTreeMap<usize, Arc<Resolved>>,
    old: BTreeMap<usize, Arc<Resolved>>,
    capacity: usize,
}

impl Cache {
    /// Holds at most `capacity` addresses.
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { young: BTreeMap::new(), old: BTreeMap::new(), capacity }
    }

    pub(crate) fn insert(&mut self, address: usize, resolved: Arc<Resolved>) {
        if self.young.len() >= self.capacity / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(address, resolved);
    }

    pub(crate) fn find(&mut self, address: usize) -> Option<Arc<Resolved>> {
        if let Some(found) = self.young.get(&address) {
            return Some(Arc::clone(found));
        }
        let found = self.old.remove(&address)?;
        self.insert(address, Arc::clone(&found));
        Some(found)
    }

    /// Forgets everything: a module was unloaded, and its addresses may come to mean something else.
    pub(crate) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved() -> Arc<Resolved> {
        Arc::new(Resolved { symbols: Box::default(), package: None, image: None })
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let mut cache = Cache::new(8);
        for address in 0..1_000 {
            cache.insert(address, resolved());
            assert!(cache.find(0).is_some(), "used every time: {address}");
            assert!(cache.young.len() + cache.old.len() <= 8);
        }
        assert!(cache.find(1).is_none());
        cache.clear();
        assert!(cache.find(0).is_none());
    }
}
