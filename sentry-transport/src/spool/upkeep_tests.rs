//! Over time: a place that fails and comes back, clocks that jump, locks that vanish, sessions that begin late.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sentry_core::types::Uuid;
use sentry_core::{Durability, clock};

use super::fs::model::{Disk, EACCES, EIO, ENOSPC, EROFS, Fault, Plan, Process};
use super::session;
use super::store::tests::{Place, drain, kill, lost, put};
use super::store::{Limits, Spool};
use crate::store::{Kept, Lost, Rank, Record, Store};

const DAY: Duration = Duration::from_secs(86_400);

fn open_on(disk: &Disk) -> (Arc<Process>, Spool) {
    let process = disk.process(None);
    let limits = Limits { items: 100, bytes: 1 << 20, age: 30 * DAY };
    let dsn = "https://key@host/1".parse().unwrap();
    let spool = Spool::open_on(Arc::new(Arc::clone(&process)), Path::new("/cache"), &dsn, limits).unwrap();
    (process, spool)
}

fn record(text: &str) -> Record<'_> {
    Record {
        bytes: text.as_bytes(),
        rank: Rank::Error,
        event_id: None,
        session: None,
        durability: Durability::Process,
        is_held: false,
    }
}

#[test]
fn a_place_that_fails_is_left_alone_for_a_minute_and_used_again_by_itself() {
    for code in [ENOSPC, EROFS, EACCES, EIO] {
        let (process, mut spool) = open_on(&Disk::default());
        let start = clock::now();
        spool.put(record("before"), start).unwrap();
        let broken = Plan { fault: Fault::Fail(code), from: 0, calls: usize::MAX, only_changes: true };
        process.set_plan(Some(broken));
        assert!(spool.put(record("fails"), start).is_err());
        let calls = process.calls();
        for second in 0..60 {
            let now = start + Duration::from_secs(second);
            assert!(spool.put(record("not even tried"), now).is_err());
            assert!(spool.next(now).is_none() && spool.expire(now).is_empty());
        }
        assert_eq!(process.calls(), calls, "the place is left alone");
        // Still broken: one attempt, and another minute.
        let later = start + Duration::from_secs(60);
        assert!(spool.put(record("tried"), later).is_err());
        let calls = process.calls();
        assert!(spool.put(record("not tried"), later + Duration::from_secs(59)).is_err());
        assert_eq!(process.calls(), calls);
        process.set_plan(None);
        let healed = later + Duration::from_secs(60);
        spool.put(record("after"), healed).unwrap();
        let mut found = Vec::new();
        while let Some(entry) = spool.next(healed) {
            found.push(String::from_utf8(entry.bytes).unwrap());
            spool.remove(entry.id);
        }
        assert_eq!(found, ["before", "after"]);
    }
}

#[test]
fn what_a_failed_write_has_left_is_removed_when_that_is_possible_again() {
    let disk = Disk::default();
    let (process, mut spool) = open_on(&disk);
    let now = clock::now();
    // The file is made, and then nothing works any more.
    let from = process.calls() + 1;
    process.set_plan(Some(Plan { fault: Fault::Fail(EIO), from, calls: usize::MAX, only_changes: true }));
    assert!(spool.put(record("fails"), now).is_err());
    process.set_plan(None);
    let unfinished = || disk.files().into_iter().filter(|(path, _)| path.ends_with(".env.tmp")).count();
    assert_eq!(unfinished(), 1);
    spool.expire(now + Duration::from_secs(61));
    assert_eq!(unfinished(), 0);
}

#[test]
fn a_place_that_cannot_be_changed_sends_nothing_it_could_not_remove() {
    let (process, mut spool) = open_on(&Disk::default());
    let now = clock::now();
    spool.put(record("kept"), now).unwrap();
    process.set_plan(Some(Plan {
        fault: Fault::Fail(EROFS),
        from: 0,
        calls: usize::MAX,
        only_changes: true,
    }));
    assert!(spool.next(now).is_none());
    process.set_plan(None);
    assert!(spool.next(now).is_none(), "not before the minute is over");
    assert_eq!(spool.next(now + Duration::from_secs(61)).unwrap().bytes, b"kept");
}

#[test]
fn what_was_delivered_and_cannot_be_removed_is_not_sent_again() {
    let (process, mut spool) = open_on(&Disk::default());
    let now = clock::now();
    spool.put(record("delivered"), now).unwrap();
    let entry = spool.next(now).unwrap();
    process.set_plan(Some(Plan { fault: Fault::Fail(EIO), from: 0, calls: usize::MAX, only_changes: true }));
    spool.remove(entry.id);
    assert!(spool.is_empty());
    process.set_plan(None);
    assert!(spool.next(now).is_none());
    spool.expire(now);
    drop(spool);
}

#[test]
fn a_clock_that_jumps_neither_keeps_anything_for_ever_nor_drops_all_of_it() {
    let (_process, mut spool) = open_on(&Disk::default());
    let now = clock::now();
    // Written by a clock that was a century ahead, and by one that was never set.
    spool.put(record("future"), now + 36_500 * DAY).unwrap();
    spool.put(record("1970"), SystemTime::UNIX_EPOCH + DAY).unwrap();
    spool.put(record("present"), now).unwrap();
    assert_eq!(spool.expire(now), []);
    assert_eq!(spool.expire(now + 29 * DAY), []);
    let mut expired = spool.expire(now + 32 * DAY);
    expired.sort_by_key(|lost| format!("{lost:?}"));
    assert_eq!(expired.len(), 3, "{expired:?}");
    // A clock that is set back drops nothing.
    spool.put(record("again"), now).unwrap();
    assert_eq!(spool.expire(now - 400 * DAY), []);
    assert_eq!(spool.expire(SystemTime::UNIX_EPOCH), []);
    assert_eq!(spool.next(now).unwrap().bytes, b"again");
}

#[test]
fn a_lock_that_somebody_has_removed_is_made_again() {
    let place = Place::new("lock");
    let mut spool = place.open();
    put(&mut spool, "kept", Rank::Error, false);
    let lock = |place: &Place| {
        place.files().into_iter().find(|path| path.extension().is_some_and(|end| end == "lock"))
    };
    fs::remove_file(lock(&place).unwrap()).unwrap();
    // Too young to be taken for a run that is abandoned.
    assert!(place.open().next(clock::now()).is_none());
    spool.looked = None;
    spool.expire(clock::now());
    let lock = fs::File::open(lock(&place).unwrap()).unwrap();
    assert!(lock.try_lock().is_err(), "it is held");
    assert!(place.open().next(clock::now()).is_none());
    assert_eq!(drain(&mut spool), ["kept"]);
}

#[test]
fn a_run_without_a_lock_is_taken_over_after_a_while() {
    for jump in [Duration::from_secs(4_000), Duration::ZERO] {
        let place = Place::new("unlocked");
        let mut spool = place.open();
        put(&mut spool, "left", Rank::Error, false);
        kill(spool);
        let lock = place.files().into_iter().find(|path| path.extension().is_some_and(|end| end == "lock"));
        fs::remove_file(lock.unwrap()).unwrap();
        let mut heir = place.open();
        let found = heir.next(clock::now() + jump);
        assert_eq!(found.is_some(), jump > Duration::ZERO);
        if let Some(entry) = found {
            assert!(place.open().next(clock::now() + jump).is_none(), "it has a lock again");
            heir.remove(entry.id);
        }
        drop(heir);
        if jump > Duration::ZERO {
            assert!(place.files().is_empty(), "{:?}", place.files());
        }
    }
}

#[test]
fn more_dead_processes_than_may_be_held_are_drained_one_after_the_other() {
    let place = Place::new("crowd");
    for index in 0..150 {
        let mut spool = place.open();
        put(&mut spool, &format!("{index}"), Rank::Error, false);
        kill(spool);
    }
    let mut heir = place.open();
    let mut found = drain(&mut heir);
    assert!(heir.runs.len() <= 65, "each takes a descriptor");
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 150);
    drop(heir);
    assert!(place.files().is_empty());
}

// ── sessions ──

fn update(session: Uuid, init: bool, errors: u32) -> String {
    let init = if init { r#","init":true"# } else { "" };
    let update = format!(
        r#"{{"sid":"{session}","started":"2024-01-01T00:00:00Z"{init},"status":"ok","errors":{errors},"attrs":{{"release":"r"}}}}"#
    );
    format!("{{}}\n{{\"type\":\"session\",\"length\":{}}}\n{update}\n", update.len())
}

fn put_update(spool: &mut Spool, session: Uuid, init: bool, errors: u32, now: SystemTime) -> Kept {
    let text = update(session, init, errors);
    let record = Record { rank: Rank::Session, session: Some(session), ..record(&text) };
    spool.put(record, now).unwrap()
}

fn begun(spool: &mut Spool, now: SystemTime) -> Vec<(bool, String)> {
    let mut all = Vec::new();
    while let Some(entry) = spool.next(now) {
        let text = String::from_utf8(entry.bytes.clone()).unwrap();
        all.push((!session::begun(&entry.bytes).is_empty(), text));
        spool.remove(entry.id);
    }
    all
}

#[test]
fn a_session_whose_first_update_is_evicted_begins_with_the_next_one() {
    let place = Place::new("session");
    let limits = Limits { items: 3, bytes: 1 << 20, age: DAY };
    let (one, other, now) = (Uuid::from_u128(1), Uuid::from_u128(2), clock::now());
    let mut spool = place.open_with(limits);
    put_update(&mut spool, one, true, 0, now);
    put_update(&mut spool, other, false, 0, now);
    put_update(&mut spool, one, false, 1, now);
    let kept = put_update(&mut spool, one, false, 2, now);
    assert_eq!(kept.evicted, [lost(&update(one, true, 0))], "as it was put in");
    // The next process finds it on disk.
    kill(spool);
    let mut spool = place.open_with(limits);
    let found = begun(&mut spool, now);
    let init: Vec<_> = found.iter().map(|(begun, _)| *begun).collect();
    assert_eq!(init, [false, true, false], "{found:?}");
    assert!(found[1].1.contains(r#""errors":1"#));
}

#[test]
fn a_session_that_was_dropped_by_age_begins_with_the_next_update_to_come() {
    let place = Place::new("late session");
    let (one, now) = (Uuid::from_u128(1), clock::now());
    let mut spool = place.open_with(Limits { items: 3, bytes: 1 << 20, age: DAY });
    put_update(&mut spool, one, true, 0, now);
    let later = now + 2 * DAY;
    assert_eq!(spool.expire(later).len(), 1);
    put_update(&mut spool, one, false, 1, later);
    put_update(&mut spool, one, false, 2, later);
    let init: Vec<_> = begun(&mut spool, later).into_iter().map(|(begun, _)| begun).collect();
    assert_eq!(init, [true, false]);
}

/// At every call of the rewriting, the process dies: the update is there, once, and nothing else is.
#[test]
fn an_update_is_rewritten_at_once_or_not_at_all() {
    let (one, now) = (Uuid::from_u128(1), clock::now());
    for fault in [Fault::DieBefore, Fault::DieWithin, Fault::DieAfter, Fault::Fail(EIO), Fault::Full] {
        for from in 0..40 {
            let disk = Disk::default();
            let (process, mut spool) = open_on(&disk);
            spool.limits = Limits { items: 2, bytes: 1 << 20, age: DAY };
            put_update(&mut spool, one, true, 0, now);
            put_update(&mut spool, one, false, 1, now);
            let calls = process.calls();
            process.set_plan(Some(Plan { fault, from: calls + from, calls: 1, only_changes: false }));
            let text = update(one, false, 2);
            let record = Record { rank: Rank::Session, session: Some(one), ..record(&text) };
            let kept = spool.put(record, now);
            let is_alive = !process.is_dead();
            process.set_plan(Some(Plan {
                fault: Fault::DieBefore,
                from: 0,
                calls: usize::MAX,
                only_changes: false,
            }));
            drop(spool);
            let (_heir_process, mut heir) = open_on(&disk);
            let found = begun(&mut heir, now);
            let second: Vec<_> = found.iter().filter(|(_, text)| text.contains(r#""errors":1"#)).collect();
            let name = format!("{fault:?} at {from}: {found:?}");
            assert_eq!(second.len(), 1, "{name}");
            assert!(found.len() <= 3, "{name}");
            if let Ok(kept) = kept
                && is_alive
                && fault != Fault::Full
            {
                // If it could not be read when it was given up, or the next one could not be written.
                let excused =
                    kept.evicted.contains(&Lost::Damaged(Rank::Session)) || fault == Fault::Fail(EIO);
                let inits = found.iter().filter(|(begun, _)| *begun).count();
                assert!(inits == 1 || excused, "{name}");
            }
            drop(heir);
            assert!(disk.files().is_empty(), "{name}");
        }
    }
}
