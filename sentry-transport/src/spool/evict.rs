//! What goes for want of room, for its age, or because it cannot be read.

use std::time::SystemTime;

use sentry_core::diagnostics;
use sentry_core::types::Uuid;

use super::dir;
use super::index::{State, seconds};
use super::name::{Name, checksum};
use super::session;
use super::store::{Found, Spool};
use crate::store::{EntryId, Lost};

/// What is given up in one go, so that neither time nor memory is without bound: entries, and bytes.
pub(super) const MAX_AT_ONCE: (usize, usize) = (256, 4 << 20);

/// Sessions whose first update was given up while there was no other, that are remembered.
const MAX_BEGINNINGS: usize = 64;

/// Files that are set aside; more, and larger ones, are removed.
const MAX_ASIDE: usize = 4;
const MAX_ASIDE_BYTES: u32 = 1 << 20;

impl Spool {
    /// Goes back within the limits: the least important first, and the oldest of those.
    pub(super) fn evict(&mut self) {
        let budget = &mut { MAX_AT_ONCE };
        while self.is_over(0, 0) && self.index.least().is_some_and(|id| self.withdraw(id, budget)) {}
    }

    /// Gives up what is too old.
    pub(super) fn age(&mut self, now: SystemTime) {
        let now = seconds(now);
        self.index.correct(now);
        let oldest = now.saturating_sub(self.limits.age.as_secs());
        let budget = &mut { MAX_AT_ONCE };
        while self.index.older_than(oldest).is_some_and(|id| self.withdraw(id, budget)) {}
    }

    /// Gives up an entry. Tells whether it is gone, and one may go on.
    fn withdraw(&mut self, id: EntryId, budget: &mut (usize, usize)) -> bool {
        let Some(item) = self.index.get(id) else { return false };
        let Some(left) = budget.0.checked_sub(1).filter(|_| budget.1 > 0) else { return false };
        *budget = (left, budget.1.saturating_sub(item.name.length as usize));
        let Some(path) = self.path(&item) else { return false };
        let found = self.read(&path, &item.name);
        if dir::delete(&*self.fs, &path).is_err() {
            return false;
        }
        self.forget(id);
        let lost = match found {
            Found::Bytes(bytes) => {
                self.hand_over(id, &bytes);
                Lost::Envelope(bytes)
            }
            Found::Damaged | Found::Gone | Found::Unreadable(_) => Lost::Damaged(item.name.rank),
        };
        self.lost.push(lost);
        true
    }

    /// If a session began with what was given up, it begins with its next update.
    fn hand_over(&mut self, id: EntryId, bytes: &[u8]) {
        for session in session::begun(bytes) {
            let follower = self.index.follower(session::number(session), id);
            if !follower.is_some_and(|follower| self.rewrite(follower, session)) {
                if self.beginnings.len() >= MAX_BEGINNINGS {
                    self.beginnings.pop_front();
                }
                self.beginnings.push_back(session);
            }
        }
    }

    /// Lets a session begin with this update: the new file appears, then the old one goes.
    fn rewrite(&mut self, id: EntryId, session: Uuid) -> bool {
        let Some(item) = self.index.get(id) else { return false };
        let (Some(old), Some(run)) = (self.path(&item), self.runs.get(item.run).and_then(Option::as_ref))
        else {
            return false;
        };
        let Found::Bytes(bytes) = self.read(&old, &item.name) else { return false };
        let Some(bytes) = session::begin(&bytes, session) else { return false };
        let Ok(length) = u32::try_from(bytes.len()) else { return false };
        let name = Name { length, checksum: checksum(&bytes), ..item.name };
        if let Err(unpublished) = dir::publish(&*self.fs, run.path(), &name.to_string(), &bytes, false) {
            self.litter.extend(unpublished.litter.map(|path| (path, u64::from(length))));
            return false;
        }
        if dir::delete(&*self.fs, &old).is_err() {
            self.litter.push((old, u64::from(item.name.length)));
        }
        self.index.change(id, |item| item.name = name);
        true
    }

    /// The session begins with `bytes` if its beginning was lost before.
    pub(super) fn begin(&mut self, session: Option<Uuid>, bytes: &[u8]) -> Option<Vec<u8>> {
        let session = session?;
        let at = self.beginnings.iter().position(|other| *other == session)?;
        let begun = session::begin(bytes, session)?;
        self.beginnings.remove(at);
        Some(begun)
    }

    /// The same for an entry that is free again.
    pub(super) fn begin_again(&mut self, id: EntryId) {
        let number = self.index.get(id).map_or(0, |item| item.name.session);
        let is_of = |other: &Uuid| number != 0 && session::number(*other) == number;
        if let Some(at) = self.beginnings.iter().position(is_of)
            && self.rewrite(id, self.beginnings[at])
        {
            self.beginnings.remove(at);
        }
    }

    /// Moves an entry where it does no harm and somebody may look at it.
    pub(super) fn set_aside(&mut self, id: EntryId) {
        let Some(item) = self.index.get(id) else { return };
        let Some(path) = self.path(&item) else { return };
        let aside = self.dir.join("aside");
        let has_room = item.name.length <= MAX_ASIDE_BYTES
            && self.fs.stat(&path).is_ok_and(|stat| stat.length <= u64::from(MAX_ASIDE_BYTES))
            && dir::ensure(&*self.fs, &aside).is_ok()
            && self.fs.list(&aside, MAX_ASIDE, &mut |_| ()).is_ok_and(|count| count < MAX_ASIDE);
        let is_moved = has_room && self.fs.rename(&path, &aside.join(item.name.to_string())).is_ok();
        if is_moved || dir::delete(&*self.fs, &path).is_ok() {
            self.forget(id);
        } else {
            self.index.change(id, |item| item.state = State::Done);
        }
        self.lost.push(Lost::Damaged(item.name.rank));
        diagnostics::warn_once("cache file", || {
            "a file of the cache directory was damaged or could not be sent, and was set aside".into()
        });
    }
}
