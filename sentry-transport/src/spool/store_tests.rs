use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use sentry_core::clock;

use super::*;
use crate::store::Rank;

/// A directory of its own, gone with the test.
pub(in crate::spool) struct Place(pub(in crate::spool) PathBuf);

impl Place {
    pub(in crate::spool) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sentry-spool-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    pub(in crate::spool) fn open(&self) -> Spool {
        self.open_with(Limits { items: 10_000, bytes: 1 << 25, age: Duration::from_secs(86_400) })
    }

    pub(in crate::spool) fn open_with(&self, limits: Limits) -> Spool {
        Spool::open(&self.0, &"https://key@host/1".parse().unwrap(), limits).unwrap()
    }

    /// Every file below, with its path.
    pub(in crate::spool) fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut dirs) = (Vec::new(), vec![self.0.clone()]);
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).unwrap().flatten() {
                if entry.file_type().unwrap().is_dir() {
                    dirs.push(entry.path())
                } else {
                    files.push(entry.path())
                }
            }
        }
        files
    }

    pub(in crate::spool) fn envelopes(&self) -> Vec<PathBuf> {
        self.files()
            .into_iter()
            .filter(|path| path.extension().is_some_and(|extension| extension == "env"))
            .collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(in crate::spool) fn put(spool: &mut Spool, bytes: &str, rank: Rank, is_held: bool) -> Kept {
    let record = Record {
        bytes: bytes.as_bytes(),
        rank,
        event_id: Some(Uuid::from_u128(7)),
        session: None,
        durability: Durability::Process,
        is_held,
    };
    spool.put(record, clock::now()).unwrap()
}

pub(in crate::spool) fn lost(text: &str) -> Lost {
    Lost::Envelope(text.as_bytes().to_vec())
}

pub(in crate::spool) fn drain(spool: &mut Spool) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(entry) = spool.next(clock::now()) {
        all.push(String::from_utf8(entry.bytes).unwrap());
        spool.remove(entry.id);
    }
    all
}

/// As if the process had been killed: the lock goes, everything else stays.
pub(in crate::spool) fn kill(mut spool: Spool) {
    spool.index = Index::default();
    spool.runs.clear();
}

#[test]
fn crashes_come_first_then_the_oldest() {
    let place = Place::new("order");
    let mut spool = place.open();
    put(&mut spool, "a", Rank::Error, false);
    put(&mut spool, "b", Rank::Other, false);
    put(&mut spool, "crash", Rank::Crash, false);
    put(&mut spool, "c", Rank::Error, false);
    assert_eq!(drain(&mut spool), ["crash", "a", "b", "c"]);
    assert!(spool.is_empty() && place.envelopes().is_empty());
}

#[test]
fn what_is_held_is_not_offered_before_it_is_given_back() {
    let place = Place::new("held");
    let mut spool = place.open();
    let kept = put(&mut spool, "on its way", Rank::Error, true);
    assert!(spool.next(clock::now()).is_none() && spool.is_empty());
    assert!(spool.give_back(kept.id, clock::now()).is_none());
    assert!(!spool.is_empty());
    assert_eq!(drain(&mut spool), ["on its way"]);
}

#[cfg(unix)]
#[test]
fn a_directory_that_is_there_for_others_as_well_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt;

    for (mode, is_usable) in [(0o1777, false), (0o2775, false), (0o2700, true), (0o755, true), (0o750, true)]
    {
        let place = Place::new(&format!("for-others-{mode:o}"));
        fs::create_dir_all(&place.0).unwrap();
        fs::set_permissions(&place.0, fs::Permissions::from_mode(mode)).unwrap();
        let limits = Limits { items: 10, bytes: 1 << 20, age: Duration::from_secs(60) };
        let opened = Spool::open(&place.0, &"https://key@host/1".parse().unwrap(), limits);
        assert_eq!(opened.is_ok(), is_usable, "{mode:o}");
        assert_eq!(fs::metadata(&place.0).unwrap().permissions().mode() & 0o7777, mode);
    }
}

#[cfg(unix)]
#[test]
fn everything_is_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new("mode");
    fs::create_dir_all(&place.0).unwrap();
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o777)).unwrap();
    let mut spool = place.open();
    put(&mut spool, "secret", Rank::Error, false);
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    for file in place.files() {
        assert_eq!(mode(&file), 0o600, "{file:?}");
        assert!(
            file.ancestors()
                .skip(1)
                .take_while(|dir| dir.starts_with(&place.0))
                .all(|dir| mode(dir) == 0o700)
        );
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_refused() {
    let place = Place::new("link");
    let elsewhere = Place::new("elsewhere");
    fs::create_dir_all(&elsewhere.0).unwrap();
    std::os::unix::fs::symlink(&elsewhere.0, &place.0).unwrap();
    let limits = Limits { items: 1, bytes: 1, age: Duration::ZERO };
    assert!(Spool::open(&place.0, &"https://key@host/1".parse().unwrap(), limits).is_err());
    assert!(elsewhere.files().is_empty());
    fs::remove_file(&place.0).unwrap();
}

#[test]
fn the_dead_are_inherited_and_the_living_are_not() {
    let place = Place::new("orphans");
    let (mut dead, mut alive) = (place.open(), place.open());
    put(&mut dead, "of the dead", Rank::Error, true);
    put(&mut alive, "of the living", Rank::Error, false);
    kill(dead);
    let mut heir = place.open();
    assert_eq!(drain(&mut heir), ["of the dead"]);
    assert_eq!(drain(&mut alive), ["of the living"]);
    drop((heir, alive));
    assert!(place.files().is_empty(), "{:?}", place.files());
}

#[test]
fn who_was_alive_at_the_start_is_looked_after_for_a_while() {
    let place = Place::new("company");
    let (mut ending, mut next, start) = (place.open(), place.open(), clock::now());
    put(&mut ending, "of the one before", Rank::Error, true);
    let after = |seconds| start + Duration::from_secs(seconds);
    assert!(next.next(after(0)).is_none() && !next.is_empty(), "there may be more");
    kill(ending);
    assert!(next.next(after(0)).is_none());
    let found = next.next(after(1)).expect("what it has left");
    next.remove(found.id);
    assert!(next.next(after(5)).is_none() && next.is_empty(), "nobody else is alive");

    let _alive = place.open();
    let mut patient = place.open();
    let mut looks = 0;
    while !patient.is_empty() {
        assert!(patient.next(after(looks)).is_none() && looks < 60);
        looks += 1;
    }
    assert_eq!(looks, 33, "seconds, and not for ever");
}

#[test]
fn a_dsn_gets_only_what_was_meant_for_it() {
    let place = Place::new("dsn");
    let mut spool = place.open();
    put(&mut spool, "for project 1", Rank::Error, false);
    kill(spool);
    for other in ["https://key@host/2", "https://other@host/1", "https://key@elsewhere/1"] {
        let limits = Limits { items: 10, bytes: 1_000, age: Duration::from_secs(60) };
        let mut spool = Spool::open(&place.0, &other.parse().unwrap(), limits).unwrap();
        assert!(spool.next(clock::now()).is_none());
    }
    assert_eq!(drain(&mut place.open()), ["for project 1"]);
}

#[test]
fn the_least_important_goes_first_and_the_oldest_of_it() {
    let place = Place::new("evict");
    let mut spool = place.open_with(Limits { items: 3, bytes: 100, age: Duration::from_secs(60) });
    for (text, rank) in [("error", Rank::Error), ("log 1", Rank::Other), ("log 2", Rank::Other)] {
        assert!(put(&mut spool, text, rank, false).evicted.is_empty());
    }
    assert_eq!(put(&mut spool, "crash", Rank::Crash, false).evicted, [lost("log 1")]);
    assert_eq!(put(&mut spool, &"x".repeat(95), Rank::Error, false).evicted, [lost("log 2"), lost("error")]);
    assert_eq!(drain(&mut spool)[0], "crash");
    let too_large = Record {
        bytes: &[0; 101],
        rank: Rank::Crash,
        event_id: None,
        session: None,
        durability: Durability::Power,
        is_held: false,
    };
    assert!(spool.put(too_large, clock::now()).is_err());
}

#[test]
fn what_is_too_old_is_given_up() {
    let place = Place::new("age");
    let mut spool = place.open_with(Limits { items: 3, bytes: 100, age: Duration::from_secs(60) });
    put(&mut spool, "old", Rank::Crash, false);
    assert!(spool.expire(clock::now()).is_empty());
    assert_eq!(spool.expire(clock::now() + Duration::from_secs(120)), [lost("old")]);
    assert!(place.envelopes().is_empty());
}

#[test]
fn a_file_that_kills_its_reader_is_set_aside() {
    let place = Place::new("poison");
    let mut spool = place.open();
    put(&mut spool, "poison", Rank::Error, false);
    for _ in 0..MAX_FATAL_TRIES {
        kill(spool);
        spool = place.open();
        assert_eq!(spool.next(clock::now()).unwrap().bytes, b"poison");
    }
    kill(spool);
    let mut spool = place.open();
    assert!(spool.next(clock::now()).is_none());
    assert_eq!(place.envelopes().len(), 1, "somebody may look at it");
    // A reader that lives has not been killed by it.
    put(&mut spool, "refused by the network", Rank::Error, false);
    for _ in 0..100 {
        let entry = spool.next(clock::now()).unwrap();
        spool.give_back(entry.id, clock::now());
    }
}

#[test]
fn garbage_is_set_aside_and_the_rest_is_found() {
    let place = Place::new("garbage");
    let mut spool = place.open();
    for text in ["torn", "zeroed", "longer", "gone", "good"] {
        put(&mut spool, text, Rank::Error, false);
    }
    kill(spool);
    let file = |text: &str| {
        let has = |path: &PathBuf| fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes());
        place.envelopes().into_iter().find(has).unwrap()
    };
    fs::write(file("torn"), "to").unwrap();
    fs::write(file("zeroed"), [0; 6]).unwrap();
    fs::write(file("longer"), vec![b'x'; 1 << 20]).unwrap();
    fs::remove_file(file("gone")).unwrap();
    let dir = file("good").parent().unwrap().to_owned();
    for name in ["..env", "0-0-0.env", "no name", "x.tmp"] {
        fs::write(dir.join(name), "hostile").unwrap();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        "/etc/passwd",
        dir.join(file("good").file_name().unwrap().to_str().unwrap().replace("-5-00-", "-6-00-")),
    )
    .unwrap();
    let mut spool = place.open();
    assert_eq!(drain(&mut spool), ["good"]);
    #[cfg(unix)]
    assert!(Path::new("/etc/passwd").exists());
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_and_not_the_end() {
    let place = Place::new("readonly");
    fs::write(&place.0, "a file").unwrap();
    let limits = Limits { items: 1, bytes: 1, age: Duration::ZERO };
    assert!(Spool::open(&place.0, &"https://key@host/1".parse().unwrap(), limits).is_err());
    fs::remove_file(&place.0).unwrap();
    let mut spool = place.open();
    put(&mut spool, "before", Rank::Error, false);
    fs::remove_dir_all(&place.0).unwrap();
    put(&mut spool, "after somebody cleaned up", Rank::Error, false);
    assert_eq!(drain(&mut spool), ["after somebody cleaned up"]);
}

#[test]
fn starting_over_ten_thousand_files_reads_none() {
    let place = Place::new("many");
    let mut spool = place.open();
    (0..10_000).for_each(|index| _ = put(&mut spool, &index.to_string(), Rank::Error, false));
    kill(spool);
    let start = clock::instant();
    let mut spool = place.open();
    let first = spool.next(clock::now()).unwrap();
    println!("10,000 files: open and first entry {:?}", start.elapsed());
    assert_eq!(first.bytes, b"0");
}

/// Random operations and deaths, against a model: what was put and not removed is there, exactly once, in whatever process.
#[test]
fn no_sequence_of_operations_and_deaths_loses_or_doubles_anything() {
    let place = Place::new("model");
    let mut seed = 0x5eed_u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let mut spools: Vec<Spool> = (0..3).map(|_| place.open()).collect();
    let mut model = BTreeSet::new();
    // Deaths in the middle of a try, by envelope.
    let mut deaths: BTreeMap<String, u8> = BTreeMap::new();
    let mut out: Vec<(usize, EntryId, String)> = Vec::new();
    for step in 0..4_000 {
        let which = random(3) as usize;
        match random(10) {
            0..=3 => {
                let text = format!("envelope {step}");
                let held = random(4) == 0;
                let kept = put(&mut spools[which], &text, Rank::Error, held);
                if held {
                    out.push((which, kept.id, text.clone()));
                }
                model.insert(text);
            }
            4..=6 => {
                spools[which].looked = None;
                if let Some(entry) = spools[which].next(clock::now()) {
                    let text = String::from_utf8(entry.bytes).unwrap();
                    assert!(model.contains(&text), "{text} was removed before");
                    assert!(out.iter().all(|(_, _, other)| *other != text), "{text} is on its way already");
                    out.push((which, entry.id, text));
                }
            }
            7 | 8 => {
                if out.is_empty() {
                    continue;
                }
                let (owner, id, text) = out.swap_remove(random(out.len() as u64) as usize);
                if random(2) == 0 {
                    spools[owner].remove(id);
                    model.remove(&text);
                } else {
                    spools[owner].give_back(id, clock::now());
                }
            }
            _ if random(10) == 0 => {
                kill(std::mem::replace(&mut spools[which], place.open()));
                for (_, _, text) in out.extract_if(.., |(owner, ..)| *owner == which) {
                    *deaths.entry(text).or_default() += 1;
                }
            }
            _ => {}
        }
    }
    spools.into_iter().for_each(kill);
    for (_, _, text) in out {
        *deaths.entry(text).or_default() += 1;
    }
    let left: BTreeSet<_> = drain(&mut place.open()).into_iter().collect();
    assert!(left.is_subset(&model));
    for lost in model.difference(&left) {
        assert!(
            deaths.get(lost).is_some_and(|deaths| *deaths >= MAX_FATAL_TRIES),
            "{lost}: {:?}",
            deaths.get(lost)
        );
    }
}
