//! What is on disk, in memory, in the order in which it is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use super::name::Name;
use crate::store::{EntryId, Rank};

/// A clock that shows less was not set yet: 2020.
const FIRST_TIME: u64 = 1_577_836_800;

/// How far ahead another clock may have been.
const SLACK: u64 = 3_600;

#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Where the run is in the list of runs.
    pub(super) run: usize,
    pub(super) name: Name,
    /// When it was written, as far as that can be believed.
    pub(super) time: u64,
    pub(super) state: State,
    /// The try that is under way is in the name: nobody knows yet whether this file ends processes.
    pub(super) is_noted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Waits to be tried.
    Free,
    /// Is being tried.
    Held,
    /// Done with, but the file could not be removed: it still takes room.
    Done,
}

impl Item {
    fn is_crash(&self) -> bool {
        self.name.rank == Rank::Crash && self.state != State::Done
    }
}

/// Every entry, and the free ones by rank and age. No question takes longer with many entries.
#[derive(Debug, Default)]
pub(super) struct Index {
    items: BTreeMap<EntryId, Item>,
    free: [BTreeSet<(u64, EntryId)>; Rank::ALL.len()],
    free_bytes: [u64; Rank::ALL.len()],
    /// How many entries each run has.
    runs: BTreeMap<usize, usize>,
    done: BTreeSet<EntryId>,
    /// The updates of each session.
    sessions: BTreeMap<u32, BTreeSet<EntryId>>,
    /// Of [`Rank::Crash`], free or held.
    crashes: usize,
    bytes: u64,
    last: u64,
}

impl Index {
    /// A number that no entry has had.
    pub(super) fn new_id(&mut self) -> EntryId {
        self.last += 1;
        EntryId(self.last)
    }

    pub(super) fn insert(&mut self, id: EntryId, item: Item) {
        self.bytes += u64::from(item.name.length);
        if item.name.session != 0 {
            self.sessions.entry(item.name.session).or_default().insert(id);
        }
        self.items.insert(id, item);
        *self.runs.entry(item.run).or_default() += 1;
        self.enter(id, item);
    }

    pub(super) fn remove(&mut self, id: EntryId) -> Option<Item> {
        let item = self.items.remove(&id)?;
        self.leave(id, item);
        self.bytes -= u64::from(item.name.length);
        if let Some(count) = self.runs.get_mut(&item.run) {
            *count -= 1;
            if *count == 0 {
                self.runs.remove(&item.run);
            }
        }
        if let Some(updates) = self.sessions.get_mut(&item.name.session) {
            updates.remove(&id);
            if updates.is_empty() {
                self.sessions.remove(&item.name.session);
            }
        }
        Some(item)
    }

    /// Changes an entry.
    pub(super) fn change(&mut self, id: EntryId, change: impl FnOnce(&mut Item)) {
        if let Some(mut item) = self.remove(id) {
            change(&mut item);
            self.insert(id, item);
        }
    }

    pub(super) fn get(&self, id: EntryId) -> Option<Item> {
        self.items.get(&id).copied()
    }

    /// Crashes first, then the oldest.
    pub(super) fn next(&self) -> Option<EntryId> {
        let [others @ .., crashes] = &self.free;
        let oldest = others.iter().filter_map(BTreeSet::first).min();
        crashes.first().or(oldest).map(|(_, id)| *id)
    }

    /// The least important, and the oldest of that.
    pub(super) fn least(&self) -> Option<EntryId> {
        self.free.iter().find_map(BTreeSet::first).map(|(_, id)| *id)
    }

    /// Any that was written before `time`.
    pub(super) fn older_than(&self, time: u64) -> Option<EntryId> {
        let oldest = self.free.iter().filter_map(BTreeSet::first).min()?;
        (oldest.0 < time).then_some(oldest.1)
    }

    /// The next update of a session that is free.
    pub(super) fn follower(&self, session: u32, after: EntryId) -> Option<EntryId> {
        let updates = self
            .sessions
            .get(&session)?
            .range((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded));
        updates.copied().find(|id| self.get(*id).is_some_and(|item| item.state == State::Free))
    }

    /// Times that no clock can have shown become the present one: they came from a clock that was wrong.
    pub(super) fn correct(&mut self, now: u64) {
        let wrong = |set: &BTreeSet<(u64, EntryId)>| {
            let (first, last) = (set.first()?, set.last()?);
            let is_wrong = |time: u64| believe(time, now) != time;
            if is_wrong(last.0) { Some(last.1) } else { is_wrong(first.0).then_some(first.1) }
        };
        while let Some(id) = self.free.iter().find_map(wrong) {
            self.change(id, |item| item.time = now);
        }
    }

    /// The oldest that is done with but was not removed.
    pub(super) fn done(&self) -> Option<EntryId> {
        self.done.first().copied()
    }

    /// Whether a crash waits or is on its way.
    pub(super) fn has_crashes(&self) -> bool {
        self.crashes > 0
    }

    pub(super) fn has_free(&self) -> bool {
        self.free.iter().any(|set| !set.is_empty())
    }

    pub(super) fn held(&self) -> Vec<EntryId> {
        let is_held = |(id, item): (&EntryId, &Item)| (item.state == State::Held).then_some(*id);
        self.items.iter().filter_map(is_held).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What is left of it once everything that may go has gone for something of this rank: entries and bytes.
    pub(super) fn fixed(&self, rank: Rank) -> (usize, u64) {
        let below = ..=rank as usize;
        let (items, bytes) = (&self.free[below], &self.free_bytes[below]);
        (
            self.items.len() - items.iter().map(BTreeSet::len).sum::<usize>(),
            self.bytes - bytes.iter().sum::<u64>(),
        )
    }

    pub(super) fn is_empty_run(&self, run: usize) -> bool {
        !self.runs.contains_key(&run)
    }

    fn enter(&mut self, id: EntryId, item: Item) {
        self.crashes += usize::from(item.is_crash());
        match item.state {
            State::Free => {
                self.free[item.name.rank as usize].insert((item.time, id));
                self.free_bytes[item.name.rank as usize] += u64::from(item.name.length);
            }
            State::Held => {}
            State::Done => _ = self.done.insert(id),
        }
    }

    fn leave(&mut self, id: EntryId, item: Item) {
        self.crashes -= usize::from(item.is_crash());
        match item.state {
            State::Free => {
                self.free[item.name.rank as usize].remove(&(item.time, id));
                self.free_bytes[item.name.rank as usize] -= u64::from(item.name.length);
            }
            State::Held => {}
            State::Done => _ = self.done.remove(&id),
        }
    }
}

/// Seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// When something was written, for all we know.
pub(super) fn believe(time: u64, now: u64) -> u64 {
    let is_from_the_future = time > now.saturating_add(SLACK);
    let was_never_set = time < FIRST_TIME && now >= FIRST_TIME;
    if is_from_the_future || was_never_set { now } else { time }
}
