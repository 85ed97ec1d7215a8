//! A directory that somebody else has filled.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sentry_core::clock;
use sentry_core::types::Uuid;

use super::name::{Name, checksum};
use super::store::tests::{Place, drain, kill, put};
use super::store::{Limits, MAX_FATAL_TRIES, Spool};
use crate::store::{Lost, Rank, Store};

/// Opening and the first look may take 100 ms. Debug builds and machines with other work get more; the time is printed.
const START: Duration = Duration::from_millis(if cfg!(debug_assertions) { 5_000 } else { 400 });

fn limits() -> Limits {
    Limits { items: 10_000, bytes: 1 << 25, age: Duration::from_secs(86_400) }
}

fn try_open(place: &Place) -> std::io::Result<Spool> {
    Spool::open(&place.0, &"https://key@host/1".parse().unwrap(), limits())
}

fn home(place: &Place) -> PathBuf {
    super::home(&place.0, &"https://key@host/1".parse().unwrap())
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A name that fits these bytes.
fn name(sequence: u64, bytes: &[u8]) -> Name {
    Name {
        sequence,
        time: super::index::seconds(clock::now()),
        rank: Rank::Error,
        tries: 0,
        length: u32::try_from(bytes.len()).unwrap(),
        checksum: checksum(bytes),
        event_id: Uuid::from_u128(u128::from(sequence)),
        session: 0,
    }
}

/// The run of a process that has died and left one envelope.
fn left_behind(place: &Place, text: &str) -> PathBuf {
    let mut spool = place.open();
    put(&mut spool, text, Rank::Error, false);
    kill(spool);
    let is_it = |path: &PathBuf| fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes());
    place.envelopes().into_iter().find(is_it).unwrap().parent().unwrap().to_owned()
}

/// Everything below a directory, with what tells whether it was touched.
fn state(dir: &Path) -> Vec<(PathBuf, u64, u32, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let metadata = entry.metadata().unwrap();
        let bytes = if metadata.is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
        all.push((entry.path(), metadata.nlink(), metadata.mode(), bytes));
        if metadata.is_dir() {
            all.extend(state(&entry.path()));
        }
    }
    all.sort();
    all
}

#[test]
fn what_is_no_directory_of_ours_is_refused_and_left_alone() {
    let outside = Place::new("refused outside");
    fs::create_dir_all(outside.0.join("v1")).unwrap();
    fs::write(outside.0.join("file"), "theirs").unwrap();
    let before = state(&outside.0);
    let target = outside.0.clone();
    let file = target.join("file");
    type Trap<'a> = (&'a str, &'a dyn Fn(&Place));
    let traps: [Trap<'_>; 8] = [
        ("a link to a directory", &|place| symlink(&target, &place.0).unwrap()),
        ("a link to a file", &|place| symlink(&file, &place.0).unwrap()),
        ("a link to nothing", &|place| symlink("/nonexistent/x", &place.0).unwrap()),
        ("a link to itself", &|place| symlink(&place.0, &place.0).unwrap()),
        ("a pipe", &|place| fifo(&place.0)),
        ("a file", &|place| fs::write(&place.0, "").unwrap()),
        ("a link inside", &|place| {
            fs::create_dir_all(&place.0).unwrap();
            symlink(target.join("v1"), home(place)).unwrap();
        }),
        ("a pipe inside", &|place| {
            fs::create_dir_all(&place.0).unwrap();
            fifo(&home(place));
        }),
    ];
    for (what, set) in traps {
        let place = Place::new("refused");
        set(&place);
        let begun = clock::instant();
        assert!(try_open(&place).is_err(), "{what}");
        assert!(begun.elapsed() < START, "{what}");
        let _ = fs::remove_file(&place.0);
    }
    assert_eq!(state(&outside.0), before);
}

#[test]
fn a_directory_that_anybody_can_replace_is_refused() {
    let parent = Place::new("replaceable");
    fs::create_dir_all(&parent.0).unwrap();
    let place = Place(parent.0.join("cache"));
    for (mode, is_usable) in [(0o777, false), (0o1777, true), (0o755, true), (0o773, false)] {
        fs::set_permissions(&parent.0, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(try_open(&place).is_ok(), is_usable, "{mode:o}");
    }
    fs::set_permissions(&parent.0, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn what_belongs_to_others_is_refused_and_left_alone() {
    let place = Place::new("owners");
    fs::create_dir_all(home(&place)).unwrap();
    if chown(&place.0, Some(12_345), None).is_err() {
        return; // Only root can give a directory away.
    }
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o777)).unwrap();
    let kind = |error: std::io::Error| error.kind();
    assert_eq!(try_open(&place).map(|_| ()).map_err(kind), Err(std::io::ErrorKind::PermissionDenied));
    assert_eq!(fs::metadata(&place.0).unwrap().mode() & 0o777, 0o777, "nothing was changed");
    assert!(state(&home(&place)).is_empty(), "nothing was left in it");
    chown(&place.0, Some(fs::metadata(home(&place)).unwrap().uid()), None).unwrap();
    chown(home(&place), Some(12_345), None).unwrap();
    assert!(try_open(&place).is_err());
    chown(home(&place), Some(fs::metadata(&place.0).unwrap().uid()), None).unwrap();

    // A run, a lock and a file of somebody else, among ours.
    for what in ["run", "lock", "file"] {
        let theirs = left_behind(&place, "theirs");
        let ours = left_behind(&place, "ours");
        let path = match what {
            "run" => theirs.clone(),
            "lock" => theirs.with_extension("lock"),
            _ => fs::read_dir(&theirs).unwrap().flatten().next().unwrap().path(),
        };
        chown(&path, Some(12_345), None).unwrap();
        let mut spool = place.open();
        assert_eq!(drain(&mut spool), ["ours"], "{what}");
        assert!(!ours.exists());
        drop(spool);
        assert_eq!(path.exists(), what != "file", "{what}");
        let _ = fs::remove_dir_all(&theirs);
        let _ = fs::remove_file(theirs.with_extension("lock"));
        let _ = fs::remove_dir_all(home(&place).join("aside"));
    }
}

/// All at once: links, pipes, directories and rubbish in every place, among envelopes that others have left.
#[test]
fn a_hostile_directory_starts_quickly_delivers_what_is_good_and_touches_nothing_outside() {
    let (place, outside) = (Place::new("hostile"), Place::new("hostile outside"));
    fs::create_dir_all(outside.0.join("dir")).unwrap();
    let secret = name(900, b"a secret").to_string();
    fs::write(outside.0.join("secret"), "a secret").unwrap();
    fs::write(outside.0.join("dir").join(&secret), "a secret").unwrap();
    fs::write(outside.0.join("lock"), "").unwrap();
    fs::set_permissions(outside.0.join("dir"), fs::Permissions::from_mode(0o755)).unwrap();

    let runs: Vec<_> = (0..5).map(|index| left_behind(&place, &format!("good {index}"))).collect();
    let home = home(&place);
    let id = |number: u64| format!("{number:016x}");
    // Runs that are something else, or whose locks are.
    symlink(outside.0.join("dir"), home.join(id(1))).unwrap();
    fs::write(home.join(id(1) + ".lock"), "").unwrap();
    fifo(&home.join(id(2)));
    fs::write(home.join(id(2) + ".lock"), "").unwrap();
    fs::write(home.join(id(3)), "a file").unwrap();
    fs::write(home.join(id(3) + ".lock"), "").unwrap();
    for number in 4..8 {
        fs::create_dir(home.join(id(number))).unwrap();
        fs::write(home.join(id(number)).join(&secret), "a secret").unwrap();
    }
    fifo(&home.join(id(4) + ".lock"));
    symlink(outside.0.join("lock"), home.join(id(5) + ".lock")).unwrap();
    fs::create_dir(home.join(id(6) + ".lock")).unwrap();
    symlink(home.join(id(7) + ".lock"), home.join(id(7) + ".lock")).unwrap();
    fifo(&home.join(id(8) + ".lock.tmp"));
    symlink(outside.0.join("lock"), home.join(id(9) + ".lock.tmp")).unwrap();
    fs::write(home.join("...lock"), "").unwrap();
    fs::write(home.join("..\\..\\x.lock"), "").unwrap();
    fs::write(home.join(std::ffi::OsStr::from_bytes(b"\xff\xfe.lock")), "").unwrap();
    symlink(outside.0.join("dir"), home.join("aside")).unwrap();
    // Files that are something else.
    let run = &runs[0];
    let file = |number: u64, bytes: &[u8]| run.join(name(number, bytes).to_string());
    symlink(outside.0.join("secret"), file(100, b"a secret")).unwrap();
    fifo(&file(101, b"pipe"));
    fs::create_dir(file(102, b"directory")).unwrap();
    fs::write(file(103, b"truncated"), "trunc").unwrap();
    fs::write(file(104, b"checksum"), "Checksum").unwrap();
    fs::write(file(105, b"longer"), "longer than that").unwrap();
    let sparse = Name { length: 1 << 30, ..name(106, b"") };
    fs::File::create(run.join(sparse.to_string())).unwrap().set_len(1 << 30).unwrap();
    fs::File::create(file(107, b"small")).unwrap().set_len(1 << 30).unwrap();
    let sparse = Name { length: 30 << 20, ..name(109, b"") };
    fs::File::create(run.join(sparse.to_string())).unwrap().set_len(30 << 20).unwrap();
    fs::hard_link(outside.0.join("dir").join(&secret), file(108, b"a secret")).unwrap();
    fs::write(run.join(std::ffi::OsStr::from_bytes(b"\xff\xfe.env")), "x").unwrap();
    fs::write(run.join("..env"), "x").unwrap();
    symlink(outside.0.join("secret"), run.join("x.env.tmp")).unwrap();
    fs::create_dir(run.join("y.env.tmp")).unwrap();

    let before: Vec<_> =
        state(&outside.0).into_iter().map(|(path, _, mode, bytes)| (path, mode, bytes)).collect();
    let begun = clock::instant();
    let mut spool = try_open(&place).unwrap();
    let mut found: Vec<String> = Vec::new();
    while !spool.is_empty() || found.is_empty() {
        let one = clock::instant();
        let lost = spool.expire(clock::now());
        assert!(lost.iter().all(|lost| matches!(lost, Lost::Damaged(_))), "{lost:?}");
        if let Some(entry) = spool.next(clock::now()) {
            found.push(String::from_utf8(entry.bytes).unwrap());
            spool.remove(entry.id);
        }
        assert!(one.elapsed() < START, "{:?}", one.elapsed());
    }
    println!("a hostile directory: {:?} until it was drained", begun.elapsed());
    found.sort();
    // A second name for a file of ours is a file of ours.
    assert_eq!(found, ["a secret", "good 0", "good 1", "good 2", "good 3", "good 4"]);
    drop(spool);
    let after: Vec<_> =
        state(&outside.0).into_iter().map(|(path, _, mode, bytes)| (path, mode, bytes)).collect();
    assert_eq!(before, after);
}

#[test]
fn a_hundred_thousand_foreign_files_do_not_hold_up_the_start() {
    for inside in [false, true] {
        let place = Place::new("foreign");
        let run = left_behind(&place, "good");
        let dir = if inside { run } else { home(&place) };
        for number in 0..100_000 {
            fs::File::create(dir.join(format!("{number:016x}{}", [".lock", "-foreign", ""][number % 3])))
                .unwrap();
        }
        // The best of three: others use the machine too.
        let starts = (0..3).map(|_| {
            let begun = clock::instant();
            let mut spool = try_open(&place).unwrap();
            spool.expire(clock::now());
            let entry = spool.next(clock::now());
            let took = begun.elapsed();
            // As good as never looked at, for the next one.
            entry.into_iter().for_each(|entry| _ = spool.give_back(entry.id, clock::now()));
            took
        });
        let took = starts.min().unwrap();
        println!("100,000 foreign files, {}: {took:?}", if inside { "in a run" } else { "beside the runs" });
        assert!(took < START, "{took:?}");
        let mut spool = try_open(&place).unwrap();
        let mut entry = spool.next(clock::now());
        // Their locks lead nowhere, but have to be looked at: some at a time.
        for _ in 0..1_000 {
            if entry.is_some() {
                break;
            }
            let one = clock::instant();
            entry = spool.next(clock::now());
            assert!(one.elapsed() < START);
        }
        assert_eq!(entry.unwrap().bytes, b"good");
    }
}

/// Each kind is tried at most so often by readers that die of it, and never again; others are delivered all the same.
#[test]
fn poison_is_tried_five_times_and_set_aside() {
    let deep = "[".repeat(100_000);
    let kinds: Vec<Vec<u8>> = vec![
        b"".into(),
        b"\n".into(),
        b"\n\n\n".into(),
        b"{}".into(),
        b"{}\n".into(),
        b"{}\n{}".into(),
        b"{}\n{}\n".into(),
        b"{\"dsn\":".into(),
        b"null\nnull\nnull".into(),
        b"[]\n[]\n[]".into(),
        b"{}\n{\"type\":\"event\"}\n".into(),
        b"{}\n{\"type\":\"event\",\"length\":99999999999999999999}\n{}".into(),
        b"{}\n{\"type\":\"event\",\"length\":-1}\n{}".into(),
        b"{}\n{\"type\":\"event\",\"length\":18446744073709551615}\n{}".into(),
        b"{}\n{\"type\":\"event\",\"length\":1000}\n{}".into(),
        b"{}\n{\"type\":\"event\",\"length\":1}\n{}\n".into(),
        b"{}\n{\"type\":\"event\",\"length\":2}\n{}\n".into(),
        b"{}\n{\"type\":5}\n{}\n".into(),
        b"{}\n{\"type\":\"session\",\"length\":13}\n{\"init\":true}\n".into(),
        b"{\"event_id\":\"nonsense\"}\n{\"type\":\"event\",\"length\":2}\n{}\n".into(),
        b"{\"sent_at\":\"9999999-99-99\"}\n".into(),
        b"\0\0\0\0\0\0\0\0".into(),
        b"\xff\xfe\xfd\xfc".into(),
        b"\xef\xbb\xbf{}\n".into(),
        b"\x1f\x8b\x08\x00 gzip".into(),
        b"<html><body>502</body></html>".into(),
        b"\r\n\r\n".into(),
        vec![b'\n'; 10_000],
        vec![b'{'; 10_000],
        vec![b'"'; 10_000],
        vec![0xff; 10_000],
        format!("{{}}\n{{\"type\":\"event\",\"length\":{}}}\n{deep}\n", deep.len()).into(),
        format!("{deep}\n").into(),
        format!("{{\"a\":{deep}").into(),
        "{}\n{\"type\":\"log\"}\n".repeat(1_000).into(),
    ];
    assert!(kinds.len() >= 30);
    let place = Place::new("poison kinds");
    let mut tries = vec![0_u32; kinds.len()];
    let mut good = Vec::new();
    for round in 0..=u32::from(MAX_FATAL_TRIES) {
        let mut spool = place.open();
        if round == 0 {
            for bytes in &kinds {
                let text = name(0, bytes);
                let run = spool.runs[0].as_ref().unwrap().path().to_owned();
                fs::write(run.join(Name { sequence: 1_000 + good.len() as u64, ..text }.to_string()), bytes)
                    .unwrap();
                good.push(format!("good {}", good.len()));
                put(&mut spool, good.last().unwrap(), Rank::Error, false);
            }
            kill(spool);
            spool = place.open();
        }
        // Each reader takes all it can get, and dies of the poison.
        while let Some(entry) = spool.next(clock::now()) {
            let text = String::from_utf8_lossy(&entry.bytes).into_owned();
            if good.contains(&text) {
                good.retain(|other| *other != text);
                spool.remove(entry.id);
            } else {
                // It may be read without harm, too.
                let _ = sentry_core::protocol::Envelope::from_slice(&entry.bytes);
                tries[kinds.iter().position(|kind| *kind == entry.bytes).unwrap()] += 1;
            }
        }
        kill(spool);
    }
    assert!(good.is_empty(), "{good:?}");
    assert!(tries.iter().all(|tries| (1..=u32::from(MAX_FATAL_TRIES)).contains(tries)), "{tries:?}");
    let mut spool = place.open();
    assert!(drain(&mut spool).is_empty());
    assert_eq!(place.envelopes().len(), 4, "some are kept for somebody to look at");
    assert!(place.envelopes().iter().all(|path| path.parent().unwrap().ends_with("aside")));
    assert_eq!(spool.expire(clock::now()).len(), 0, "told by whoever set them aside");
}
