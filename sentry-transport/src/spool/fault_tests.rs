//! Everything that can go wrong, at every call that the store makes, and an oracle over what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sentry_core::Durability;
use sentry_core::types::Uuid;

use super::fs::model::{Disk, EACCES, EINTR, EIO, ENOSPC, EROFS, Fault, Plan, Process};
use super::spare;
use super::store::{Limits, Spool};
use crate::store::{EntryId, Lost, Rank, Record, Store};

const START: u64 = 1_700_000_000;
const LIMITS: Limits = Limits { items: 6, bytes: 4_000, age: Duration::from_secs(86_400) };
const LARGEST: usize = 900;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn random(seed: &mut u64, below: u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed % below
}

/// What has become of an envelope, as far as its store has told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It was kept, so it is there.
    Kept,
    /// It was kept and synced.
    Safe,
    /// Nobody promised anything: the store failed, or the process died meanwhile.
    Open,
    /// It was given up or done with, and must not be seen again.
    Gone,
}

/// One process with a store, and what it has in its hands.
struct Living {
    process: Arc<Process>,
    spool: Spool,
    held: Vec<(EntryId, String)>,
}

struct World {
    disk: Disk,
    now: u64,
    fates: BTreeMap<String, Fate>,
    written: usize,
    /// Processes that died while they gave something up: each may have been about to tell of one.
    untold: usize,
    /// Of power that was lost: what was not synced is not promised.
    is_weak: bool,
    name: String,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Put {
        rank: Rank,
        size: usize,
        is_held: bool,
        durability: Durability,
    },
    Next,
    GiveBack,
    Remove,
    /// Time goes by, in seconds.
    Wait(u64),
    Expire,
    /// A file for the next crash is made.
    Prepare,
    /// An orderly end, and another process.
    Restart,
    /// Another process dies with something in its store.
    Orphan,
}

use Step::{Expire, GiveBack, Next, Orphan, Prepare, Put, Remove, Restart, Wait};

const fn put(rank: Rank) -> Step {
    Put { rank, size: 100, is_held: false, durability: Durability::Process }
}

const HELD: Step = Put { rank: Rank::Error, size: 50, is_held: true, durability: Durability::Process };
const LARGE: Step = Put { rank: Rank::Error, size: LARGEST, is_held: false, durability: Durability::Process };
const SAFE: Step = Put { rank: Rank::Crash, size: 300, is_held: true, durability: Durability::Power };

impl World {
    fn new(name: String) -> Self {
        let (disk, now) = (Disk::default(), START);
        disk.set_time(now);
        Self { disk, now, fates: BTreeMap::new(), written: 0, untold: 0, is_weak: false, name }
    }

    fn start(&self, plan: Option<Plan>) -> Option<Living> {
        let process = self.disk.process(plan);
        let dsn = "https://key@host/1".parse().unwrap();
        let fs = Arc::new(Arc::clone(&process));
        let spool = Spool::open_on(fs, Path::new("/state/cache"), &dsn, LIMITS).ok()?;
        Some(Living { process, spool, held: Vec::new() })
    }

    fn step(&mut self, living: &mut Living, step: Step) {
        let (fired, before) = (living.process.fired(), self.disk.files().len());
        match step {
            Put { rank, size, is_held, durability } => {
                self.written += 1;
                let mut text = format!("{} {rank:?} ", self.written);
                text.extend(std::iter::repeat_n('x', size.saturating_sub(text.len())));
                let record = Record {
                    bytes: text.as_bytes(),
                    rank,
                    event_id: Some(Uuid::from_u128(self.written as u128)),
                    session: None,
                    durability,
                    is_held,
                };
                self.fates.insert(text.clone(), Fate::Open);
                if let Ok(kept) = living.spool.put(record, at(self.now)) {
                    if !living.process.is_dead() {
                        let is_safe = durability == Durability::Power;
                        self.fates.insert(text.clone(), if is_safe { Fate::Safe } else { Fate::Kept });
                    }
                    self.give_up(kept.evicted);
                    if is_held {
                        living.held.push((kept.id, text));
                    }
                }
            }
            Next => {
                if let Some(entry) = living.spool.next(at(self.now)) {
                    let text = self.check(&entry.bytes);
                    assert!(
                        living.held.iter().all(|(_, other)| *other != text),
                        "{}: {text} twice",
                        self.name
                    );
                    living.held.push((entry.id, text));
                }
            }
            GiveBack => {
                if let Some((id, _)) = living.held.pop() {
                    living.spool.give_back(id, at(self.now));
                }
            }
            Remove => {
                if let Some((id, text)) = living.held.pop() {
                    living.spool.remove(id);
                    let failed = living.process.fired() > fired || living.process.is_dead();
                    // What could not be removed may come again, from another process.
                    self.fates.insert(text, if failed { Fate::Open } else { Fate::Gone });
                }
            }
            Wait(seconds) => {
                self.now += seconds;
                self.disk.set_time(self.now);
            }
            Expire => {
                let lost = living.spool.expire(at(self.now));
                self.give_up(lost);
            }
            Prepare => living.spool.prepare(at(self.now)),
            Restart => {
                if living.process.is_dead() {
                    return;
                }
                let next = self.start(None).unwrap();
                // Dropped when the other one runs already.
                let mut old = std::mem::replace(living, next);
                self.give_up(std::mem::take(&mut old.spool.lost));
            }
            Orphan => {
                let mut dying = self.start(None).unwrap();
                self.step(&mut dying, put(Rank::Error));
                self.step(&mut dying, put(Rank::Log));
                kill(dying);
            }
        }
        if living.process.is_dead() && living.process.fired() > fired {
            self.untold += 1;
        }
        let envelopes = self.envelopes(&living.spool);
        let used: usize = envelopes.iter().map(|(_, size)| size).sum();
        let most = LIMITS.bytes as usize + LARGEST;
        let is_within = used <= most && envelopes.len() <= LIMITS.items + 1;
        // What others have left may be more than that, and not to be removed at present.
        let has_grown = !matches!(step, Orphan) && self.disk.files().len() > before;
        assert!(is_within || !has_grown, "{}: {used} bytes, {envelopes:?}", self.name);
    }

    /// All envelopes, complete or not, in the runs of a store.
    fn envelopes(&self, spool: &Spool) -> Vec<(String, usize)> {
        let runs: Vec<_> = spool.runs.iter().flatten().map(|run| run.path().to_owned()).collect();
        let mut files = self.disk.files();
        files.retain(|(path, _)| {
            let is_spare = path.ends_with(spare::NAME);
            !is_spare && Path::new(path).parent().is_some_and(|dir| runs.iter().any(|run| run == dir))
        });
        files
    }

    /// Nothing torn, no garbage, and nothing that is done with.
    fn check(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let fate = self.fates.get(&text);
        assert!(fate.is_some(), "{}: garbage {text}", self.name);
        assert!(self.is_weak || fate != Some(&Fate::Gone), "{}: {text} is back", self.name);
        text
    }

    fn give_up(&mut self, lost: Vec<Lost>) {
        for lost in lost {
            match lost {
                Lost::Envelope(bytes) => {
                    let text = self.check(&bytes);
                    self.fates.insert(text, Fate::Gone);
                }
                Lost::Damaged(_) => self.untold += 1,
            }
        }
    }

    /// A fresh process finds everything that was promised, each once, and leaves a clean place.
    fn recover(&mut self) {
        // Long enough for a run that has lost its lock, not long enough to be too old.
        self.step_time(7_200);
        let mut heir = self.start(None).unwrap();
        let mut found = BTreeSet::new();
        while let Some(entry) = heir.spool.next(at(self.now)) {
            let text = self.check(&entry.bytes);
            assert!(found.insert(text.clone()), "{}: {text} twice", self.name);
            heir.spool.remove(entry.id);
        }
        let told = heir.spool.expire(at(self.now));
        for lost in told {
            match lost {
                Lost::Envelope(bytes) => assert!(found.insert(self.check(&bytes)), "{}", self.name),
                Lost::Damaged(_) if self.is_weak => {}
                Lost::Damaged(_) => panic!("{}: damaged without a loss of power", self.name),
            }
        }
        let is_promised = |fate: &Fate| *fate == Fate::Safe || (*fate == Fate::Kept && !self.is_weak);
        let missing: Vec<_> =
            self.fates.iter().filter(|(text, fate)| is_promised(fate) && !found.contains(*text)).collect();
        let missing: Vec<_> =
            missing.into_iter().map(|(text, fate)| (text.trim_end_matches('x'), fate)).collect();
        assert!(missing.len() <= self.untold, "{}: lost {missing:?}", self.name);
        drop(heir);
        let rest = self.disk.files().into_iter().filter(|(path, _)| !path.contains("aside"));
        assert_eq!(rest.collect::<Vec<_>>(), [], "{}", self.name);
        assert!(self.disk.dirs().len() <= 4, "{}: {:?}", self.name, self.disk.dirs());
    }

    fn step_time(&mut self, seconds: u64) {
        self.now += seconds;
        self.disk.set_time(self.now);
    }
}

/// As if the process had been killed: the locks go, everything else stays.
fn kill(living: Living) {
    living.process.set_plan(Some(Plan {
        fault: Fault::DieBefore,
        from: 0,
        calls: usize::MAX,
        only_changes: false,
    }));
    drop(living);
}

/// The protocol of the store, each part of it at least once.
const SCENARIOS: &[&[Step]] = &[
    &[put(Rank::Error), put(Rank::Log), Next, Remove, Next, GiveBack, Next, Remove],
    &[HELD, HELD, Next, GiveBack, Next, Remove, Remove],
    &[SAFE, SAFE, put(Rank::Error), GiveBack, Next, Remove],
    // With a file that is ready, used and not used.
    &[
        Prepare,
        put(Rank::Error),
        SAFE,
        Prepare,
        Prepare,
        put(Rank::Crash),
        Next,
        Remove,
        Prepare,
        SAFE,
        Prepare,
    ],
    &[Prepare, Restart, Prepare, put(Rank::Crash), Restart, Next, Prepare],
    // More than there is room for, by count and by size.
    &[
        put(Rank::Log),
        put(Rank::Error),
        put(Rank::Log),
        put(Rank::Error),
        put(Rank::Log),
        put(Rank::Error),
        put(Rank::Crash),
        put(Rank::Log),
        put(Rank::Error),
    ],
    &[LARGE, LARGE, put(Rank::Log), LARGE, LARGE, LARGE, HELD, LARGE, Next, Remove],
    // Age.
    &[put(Rank::Error), Wait(50_000), put(Rank::Error), Expire, Wait(50_000), Expire, Next, Remove],
    // What others have left, and an orderly end.
    &[Orphan, put(Rank::Error), Next, Remove, Next, Remove, Next, GiveBack],
    &[
        Orphan,
        Orphan,
        Expire,
        Next,
        Wait(700),
        Orphan,
        Expire,
        Remove,
        Next,
        Remove,
        Next,
        Remove,
        Next,
        Remove,
    ],
    &[put(Rank::Error), HELD, Next, Restart, Next, Next, Remove, Restart, Expire, Next],
];

const FAULTS: &[Fault] = &[
    Fault::DieBefore,
    Fault::DieWithin,
    Fault::DieAfter,
    Fault::Short,
    Fault::Full,
    Fault::Fail(EIO),
    Fault::Fail(ENOSPC),
    Fault::Fail(EROFS),
    Fault::Fail(EACCES),
    Fault::Fail(EINTR),
];

/// Runs a scenario and tells how many calls it took.
fn run(name: String, steps: &[Step], plan: Option<Plan>, power: Option<u64>) -> usize {
    let mut world = World::new(name);
    let witness = world.start(None).map(|mut witness| {
        world.step(&mut witness, SAFE);
        witness
    });
    let mut calls = 0;
    if let Some(mut living) = world.start(plan) {
        for step in steps {
            if living.process.is_dead() {
                break;
            }
            world.step(&mut living, *step);
        }
        calls = living.process.calls();
        // What nobody has asked for yet.
        world.give_up(std::mem::take(&mut living.spool.lost));
        kill(living);
    }
    // What the living hold is theirs: nobody else has touched it.
    let mut witness = witness.unwrap();
    if let Some(mut seed) = power {
        kill(witness);
        world.is_weak = true;
        world.disk.lose_power(|below| random(&mut seed, below));
    } else {
        world.step(&mut witness, GiveBack);
        assert_eq!(
            witness.spool.next(at(world.now)).map(|entry| entry.rank),
            Some(Rank::Crash),
            "{}",
            world.name
        );
        // By then it has taken over what the dead have left.
        world.step(&mut witness, Expire);
        kill(witness);
    }
    world.recover();
    calls
}

#[test]
fn the_store_recovers_from_every_fault_at_every_call() {
    let mut cases = 0;
    for (index, steps) in SCENARIOS.iter().enumerate() {
        let calls = run(format!("{index}"), steps, None, None);
        for fault in FAULTS {
            for from in 0..=calls {
                // Once, and for a while: a call that is made again fails again.
                for (length, only_changes) in [(1, false), (usize::MAX, true)] {
                    let plan = Plan { fault: *fault, from, calls: length, only_changes };
                    run(format!("{index}, {plan:?}"), steps, Some(plan), None);
                    cases += 1;
                }
            }
        }
    }
    assert!(cases > 5_000, "{cases}");
}

#[test]
fn what_was_synced_survives_the_loss_of_power_and_nothing_torn_is_sent() {
    let mut cases = 0;
    for (index, steps) in SCENARIOS.iter().enumerate() {
        let calls = run(format!("{index}"), steps, None, Some(1));
        for from in 0..=calls {
            for fault in [Fault::DieBefore, Fault::DieWithin, Fault::DieAfter] {
                for seed in 1..8 {
                    let plan = Plan { fault, from, calls: 1, only_changes: false };
                    let seed = seed * 7_919 + from as u64;
                    run(format!("{index}, {plan:?}, {seed}"), steps, Some(plan), Some(seed));
                    cases += 1;
                }
            }
        }
    }
    assert!(cases > 3_000, "{cases}");
}

#[test]
fn no_random_history_of_faults_loses_doubles_or_tears_anything() {
    for case in 0..10_000_u64 {
        let seed = &mut (case * 2_654_435_761 + 1);
        let mut steps = Vec::new();
        for _ in 0..4 + random(seed, 12) {
            let size = [20, 100, 400, LARGEST][random(seed, 4) as usize];
            let rank = Rank::ALL[random(seed, 7) as usize];
            let durability =
                [Durability::Process, Durability::Process, Durability::Power][random(seed, 3) as usize];
            steps.push(match random(seed, 18) {
                0..=6 => Put { rank, size, is_held: random(seed, 4) == 0, durability },
                7..=9 => Next,
                10 => GiveBack,
                11 | 12 => Remove,
                13 => [Wait(30), Wait(70), Wait(700), Wait(40_000)][random(seed, 4) as usize],
                14 => Expire,
                15 | 16 => Prepare,
                _ => [Orphan, Restart][random(seed, 2) as usize],
            });
        }
        let plan = Plan {
            fault: FAULTS[random(seed, FAULTS.len() as u64) as usize],
            from: random(seed, 80) as usize,
            calls: [1, 1, 2, 7, usize::MAX][random(seed, 5) as usize],
            only_changes: random(seed, 2) == 0,
        };
        let power = (random(seed, 3) == 0).then(|| random(seed, u64::MAX) | 1);
        run(format!("case {case}, {steps:?}, {plan:?}"), &steps, Some(plan), power);
    }
}
