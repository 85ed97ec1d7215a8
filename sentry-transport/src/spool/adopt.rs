//! Taking over what dead processes have left.

use std::time::{Duration, SystemTime};

use super::index::{Item, State, believe, seconds};
use super::run::{LOCK, Run, TEMPORARY};
use super::store::Spool;

/// How often to look for runs of processes that have died meanwhile.
const ADOPT_EVERY: Duration = Duration::from_secs(590);

/// How long after a look that has found somebody alive to look again, in seconds: the one before us may be about to end.
const EARLY: [u64; 4] = [1, 3, 8, 20];

/// Entries of a directory that are looked at, so that one which somebody has filled does not hold up the start.
const MAX_ENTRIES: usize = 1 << 17;

/// Runs that are taken over in one go: each costs a handful of system calls, and a thread that panics may be waiting.
const MAX_AT_ONCE: usize = 32;

/// Runs that are held at a time: each takes a file descriptor. The others wait until some are drained.
const MAX_HELD: usize = 64;

/// Where a run may be found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trace {
    Lock(u64),
    /// A run that has no lock.
    Unlocked(u64),
    /// The lock of a run that was not complete yet.
    Unnamed(u64),
}

impl Spool {
    /// Takes over what processes have left that are dead.
    pub(super) fn adopt(&mut self, now: SystemTime) {
        let early = EARLY.get(self.early_looks.wrapping_sub(1)).filter(|_| self.has_company);
        let pause = early.map_or(ADOPT_EVERY, |seconds| Duration::from_secs(*seconds));
        let is_recent = |at: SystemTime| now.duration_since(at).is_ok_and(|since| since < pause);
        if !self.looked.is_some_and(is_recent) {
            self.looked = Some(now);
            self.early_looks += usize::from(self.early_looks <= EARLY.len());
            self.has_company = false;
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
            match self.follow(trace, now) {
                Some(run) => self.take_over(run, now, &mut entries),
                None => self.has_company |= matches!(trace, Trace::Lock(_)),
            }
        }
        self.evict();
    }

    /// Whether to look again soon.
    pub(super) fn expects_more(&self) -> bool {
        self.has_company && (1..=EARLY.len()).contains(&self.early_looks)
    }

    fn find_traces(&self) -> Vec<Trace> {
        let known: Vec<u64> = self.runs.iter().flatten().filter_map(|run| id(run.id())).collect();
        let (mut locks, mut unnamed, mut runs) = (Vec::new(), Vec::new(), Vec::new());
        let look = &mut |name: &str| {
            let (complete, of) = match name.strip_suffix(TEMPORARY) {
                Some(name) => (name, &mut unnamed),
                None => (name, &mut locks),
            };
            let (of, list) = complete.strip_suffix(LOCK).map_or((name, &mut runs), |complete| (complete, of));
            list.extend(id(of).filter(|id| !known.contains(id)));
        };
        if self.fs.list(&self.dir, MAX_ENTRIES, look).is_err() {
            return Vec::new();
        }
        locks.sort_unstable();
        unnamed.sort_unstable();
        let has_none = |id: &u64| locks.binary_search(id).is_err() && unnamed.binary_search(id).is_err();
        let without: Vec<_> = runs.into_iter().filter(has_none).map(Trace::Unlocked).collect();
        // Taken from the end: locks first.
        let unnamed = unnamed.into_iter().map(Trace::Unnamed);
        without.into_iter().chain(unnamed).chain(locks.into_iter().map(Trace::Lock)).collect()
    }

    fn follow(&self, trace: Trace, now: SystemTime) -> Option<Run> {
        let (fs, owner) = (&*self.fs, self.owner);
        let name = |id| format!("{id:016x}");
        match trace {
            Trace::Lock(id) => Run::adopt(fs, &self.dir, &name(id), owner),
            Trace::Unlocked(id) => Run::adopt_unlocked(fs, &self.dir, &name(id), owner, now),
            Trace::Unnamed(id) => Run::adopt_unnamed(fs, &self.dir, &name(id), owner),
        }
    }

    fn take_over(&mut self, run: Run, now: SystemTime, entries: &mut usize) {
        let names = run.names(&*self.fs, entries, self.limits.items);
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

/// The id of the run that has this name.
fn id(name: &str) -> Option<u64> {
    let is_one = name.len() == 16 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    u64::from_str_radix(name, 16).ok().filter(|_| is_one)
}
