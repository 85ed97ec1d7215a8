//! Breadcrumbs of the scope on top of a hub that nobody has looked at yet.
//!
//! Most breadcrumbs are never sent: later ones push them out. So they wait here, where the hub's lock is all that adding
//! one takes, and become part of the scope only when somebody looks at it.

use std::mem;

use super::Kept;

/// The newest breadcrumbs, of which as many are kept as the scope will show.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    crumbs: Vec<Kept>,
    /// Where the oldest one is.
    oldest: usize,
    /// The limit of the newest push.
    max: usize,
}

impl Fresh {
    /// Takes a breadcrumb. It is large: it stays where it is until it goes to its place, and the one that has to make room for
    /// it is left there instead, to be dropped without the lock.
    #[inline]
    pub(crate) fn push(&mut self, breadcrumb: &mut Option<Kept>, max: usize) {
        let Some(crumb) = breadcrumb else { return };
        crumb.limit();
        if max != self.max {
            self.limit(max);
        }
        if self.crumbs.len() < max {
            self.crumbs.extend(breadcrumb.take());
        } else if let Some(oldest) = self.crumbs.get_mut(self.oldest) {
            match (oldest, crumb) {
                // Which are nothing but addresses.
                (Kept::Brief(oldest), Kept::Brief(crumb)) => mem::swap(oldest, crumb),
                (oldest, crumb) => mem::swap(oldest, crumb),
            }
            self.oldest = if self.oldest + 1 < max { self.oldest + 1 } else { 0 };
        }
    }

    /// Keeps no more than `max` from now on.
    #[cold]
    fn limit(&mut self, max: usize) {
        let surplus = self.in_order().len().saturating_sub(max);
        self.crumbs.drain(..surplus);
        self.max = max;
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.crumbs.is_empty()
    }

    /// The scope is gone. The room stays for the next one.
    #[inline]
    pub(crate) fn clear(&mut self) {
        if !self.crumbs.is_empty() {
            self.crumbs.clear();
            self.oldest = 0;
        }
    }

    /// How many show at most.
    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// What there is, the oldest first, for whoever takes it out.
    pub(super) fn in_order(&mut self) -> &mut Vec<Kept> {
        self.crumbs.rotate_left(self.oldest);
        self.oldest = 0;
        &mut self.crumbs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breadcrumbs::Brief;
    use crate::protocol::{Breadcrumb, Level};

    #[test]
    fn the_newest_are_kept_whatever_the_limit_becomes() {
        let mut fresh = Fresh::default();
        let mut expected: Vec<String> = Vec::new();
        for (n, max) in [3; 5].into_iter().chain([2, 4, 4, 4, 4, 4, 1, 1, 0, 2, 2, 2]).enumerate() {
            let message = n.to_string();
            // Whichever makes room for whichever.
            let crumb = if n % 3 == 1 {
                let mut brief = Brief::new("", Level::Info);
                brief.message(&message);
                Kept::Brief(brief)
            } else {
                Kept::Whole(Breadcrumb { message: Some(message), ..Default::default() })
            };
            let mut crumb = Some(crumb);
            fresh.push(&mut crumb, max);
            Brief::reuse(&mut crumb);
            expected.push(n.to_string());
            expected.drain(..expected.len().saturating_sub(max));
            let kept = fresh.crumbs.iter().cycle().skip(fresh.oldest).take(fresh.crumbs.len());
            let kept: Vec<String> = kept.filter_map(|crumb| crumb.to_breadcrumb().message).collect();
            assert_eq!(kept, expected, "after {n}");
        }
    }
}
