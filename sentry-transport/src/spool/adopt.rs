//! Taking over what dead processes have left.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use super::index::{Item, State, believe, seconds};
use super::run::{LOCK, Run, TEMPORARY};
use super::store::Spool;

/// How often to look for runs of processes that have died meanwhile.
const ADOPT_EVERY: Duration = Duration::from_secs(590);

/// Entries of a directory that are looked at, so that one which somebody has filled does not hold up the start.
const MAX_ENTRIES: usize = 1 << 17;

/// Runs that are taken over in one go: each costs a handful of system calls, and a thread that panics may be waiting.
const MAX_AT_ONCE: usize = 32;

/// Runs that are held at a time: each takes a file descriptor. The others wait until some are drained.
const MAX_HELD: usize = 64;

/// Where a run may be found.
#[derive(Clone, Debug)]
pub(super) enum Trace {
    Lock(String),
    /// A run that has no lock.
    Unlocked(String),
    /// The lock of a run that was not complete yet.
    Unnamed(String),
}

impl Spool {
    /// Takes over what processes have left that are dead.
    pub(super) fn adopt(&mut self, now: SystemTime) {
        let is_recent = |at: SystemTime| now.duration_since(at).is_ok_and(|since| since < ADOPT_EVERY);
        if !self.looked.is_some_and(is_recent) {
            self.looked = Some(now);
            self.keep_lock();
            self.traces = self.find_traces();
        }
        if self.traces.is_empty() {
            return;
        }
        let mut entries = MAX_ENTRIES;
        for _ in 0..MAX_AT_ONCE {
            // One that waits for room, or for the next call, is not forgotten.
            if self.runs.iter().flatten().count() >= MAX_HELD || entries == 0 {
                return;
            }
            let Some(trace) = self.traces.pop() else { break };
            if let Some(run) = self.follow(trace, now) {
                self.take_over(run, now, &mut entries);
            }
        }
        self.evict();
    }

    fn find_traces(&self) -> Vec<Trace> {
        let Ok(names) = self.fs.list(&self.dir, MAX_ENTRIES) else { return Vec::new() };
        let known: BTreeSet<&str> = self.runs.iter().flatten().map(Run::id).collect();
        let (mut locks, mut unnamed, mut runs) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for name in &names {
            let stripped = name.strip_suffix(TEMPORARY);
            let (of, set) = match (stripped.unwrap_or(name).strip_suffix(LOCK), stripped) {
                (Some(id), Some(_)) => (id, &mut unnamed),
                (Some(id), None) => (id, &mut locks),
                (None, _) => (name.as_str(), &mut runs),
            };
            if is_id(of) && !known.contains(of) {
                set.insert(of);
            }
        }
        let without = runs.iter().filter(|id| !locks.contains(*id) && !unnamed.contains(*id));
        let without = without.map(|id| Trace::Unlocked((*id).to_owned()));
        let unnamed = unnamed.iter().map(|id| Trace::Unnamed((*id).to_owned()));
        let locks = locks.iter().map(|id| Trace::Lock((*id).to_owned()));
        // Taken from the end: locks first.
        without.chain(unnamed).chain(locks).collect()
    }

    fn follow(&self, trace: Trace, now: SystemTime) -> Option<Run> {
        let (fs, owner) = (&*self.fs, self.owner);
        match trace {
            Trace::Lock(id) => Run::adopt(fs, &self.dir, &id, owner),
            Trace::Unlocked(id) => Run::adopt_unlocked(fs, &self.dir, &id, owner, now),
            Trace::Unnamed(id) => Run::adopt_unnamed(fs, &self.dir, &id, owner),
        }
    }

    fn take_over(&mut self, run: Run, now: SystemTime, entries: &mut usize) {
        let names = run.names(&*self.fs, entries);
        if names.is_empty() {
            run.remove(&*self.fs);
            return;
        }
        let now = seconds(now);
        let run = self.add_run(run);
        let mut too_large = Vec::new();
        for name in names {
            let id = self.index.new_id();
            let time = believe(name.time, now);
            self.index.insert(id, Item { run, name, time, state: State::Free, is_noted: false });
            if u64::from(name.length) > self.limits.bytes {
                too_large.push(id);
            }
        }
        // Nothing shall have to go for what cannot be meant.
        too_large.into_iter().for_each(|id| self.set_aside(id));
    }
}

/// Whether that is the name of a run.
fn is_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
