use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sentry_core::protocol::{Attachment, Envelope, Event};
use sentry_core::types::Dsn;
use sentry_core::{Durability, clock};

use super::super::{Limits, Spool, home, show};
use super::*;
use crate::store::{Record, Store};

struct Cache(PathBuf);

impl Cache {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sentry-view-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn open(&self) -> Spool {
        let limits = Limits { items: 1_000, bytes: 1 << 20, age: Duration::from_secs(86_400) };
        Spool::open(&self.0, &dsn(), limits).unwrap()
    }

    fn home(&self) -> PathBuf {
        home(&self.0, &dsn())
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn dsn() -> Dsn {
    "http://public@localhost/42".parse().unwrap()
}

fn put(spool: &mut Spool, envelope: Envelope, rank: Rank) {
    let mut bytes = Vec::new();
    envelope.write_to(&mut bytes).unwrap();
    let event_id = envelope.uuid().copied();
    let record = Record {
        bytes: &bytes,
        rank,
        event_id,
        session: None,
        durability: Durability::Process,
        is_held: false,
    };
    spool.put(record, clock::now()).unwrap();
}

fn event(message: &str) -> Envelope {
    Event { message: Some(message.into()), ..Event::new() }.into()
}

#[test]
fn what_waits_is_listed_with_who_looks_after_it() {
    let cache = Cache::new();
    let mut dead = cache.open();
    let crash = event("down");
    let id = crash.uuid().copied();
    put(&mut dead, crash, Rank::Crash);
    put(&mut dead, event("error"), Rank::Error);
    drop(dead);
    let mut live = cache.open();
    put(&mut live, event("fresh"), Rank::Other);

    let entries = list(&cache.0).unwrap();
    let kinds: Vec<_> = entries.iter().map(|entry| (entry.kind, entry.state)).collect();
    assert!(kinds.contains(&(Kind::Crash, State::Orphan)), "{kinds:?}");
    assert!(kinds.contains(&(Kind::Error, State::Orphan)));
    assert!(kinds.contains(&(Kind::Other, State::Live)));
    assert_eq!(entries.len(), 3);
    let crash = entries.iter().find(|entry| entry.kind == Kind::Crash).unwrap();
    assert_eq!((crash.event_id, crash.tries), (id, 0));
    assert_eq!(crash.size, fs::metadata(&crash.path).unwrap().len());
    assert!(crash.time <= clock::now());
    assert!(list(cache.0.join("missing")).is_err());
}

#[test]
fn an_envelope_is_shown_as_text_and_its_attachments_as_sizes() {
    let cache = Cache::new();
    let mut spool = cache.open();
    let mut envelope = event("in \u{1b}[31m red \u{202e} and \u{9b}");
    envelope.add_item(Attachment {
        buffer: b"hush, a secret".to_vec(),
        filename: "core.txt".into(),
        ..Attachment::default()
    });
    put(&mut spool, envelope, Rank::Error);
    let entry = list(&cache.0).unwrap().remove(0);
    let text = show(&entry).unwrap();
    for part in ["\"event_id\"", "\"type\": \"event\"", "\"message\": \"in", "core.txt", "(14 bytes)"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("hush") && !text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{text}");
    // Not what its name says any more.
    fs::write(&entry.path, "something else").unwrap();
    assert_eq!(show(&entry).unwrap_err().kind(), ErrorKind::InvalidData);
    fs::remove_file(&entry.path).unwrap();
    assert_eq!(show(&entry).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_purge_leaves_the_living_alone_unless_it_is_told_otherwise() {
    let cache = Cache::new();
    let (mut dead, mut live) = (cache.open(), cache.open());
    put(&mut dead, event("left"), Rank::Error);
    put(&mut live, event("mine"), Rank::Error);
    drop(dead);
    assert_eq!(purge(&cache.0).unwrap(), 1);
    let left = list(&cache.0).unwrap();
    assert_eq!((left.len(), left[0].state), (1, State::Live));
    assert_eq!(purge(&cache.0).unwrap(), 0);
    assert_eq!(purge_all(&cache.0).unwrap(), 1);
    assert!(list(&cache.0).unwrap().is_empty());
    assert!(live.next(clock::now()).is_none(), "what has gone is not sent");
    put(&mut live, event("again"), Rank::Error);
    assert_eq!(list(&cache.0).unwrap().len(), 1, "the run itself is still there");
}

#[test]
fn what_was_set_aside_is_listed_and_purged() {
    let cache = Cache::new();
    let mut spool = cache.open();
    put(&mut spool, event("bad"), Rank::Error);
    let path = list(&cache.0).unwrap().remove(0).path;
    fs::create_dir_all(cache.home().join(ASIDE)).unwrap();
    fs::rename(&path, cache.home().join(ASIDE).join(path.file_name().unwrap())).unwrap();
    let aside = list(&cache.0).unwrap().remove(0);
    assert_eq!((aside.state, aside.run), (State::Aside, None));
    assert_eq!(purge(&cache.0).unwrap(), 1);
}

#[cfg(unix)]
#[test]
fn strange_things_are_neither_followed_nor_removed() {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    let cache = Cache::new();
    let victim = Cache::new();
    fs::create_dir_all(&victim.0).unwrap();
    let mut spool = cache.open();
    put(&mut spool, event("good"), Rank::Error);
    drop(spool);
    let good = list(&cache.0).unwrap().remove(0);
    let name = good.path.file_name().unwrap().to_owned();
    fs::copy(&good.path, victim.0.join(&name)).unwrap();
    let run = good.path.parent().unwrap().to_owned();
    // Links where a project, a run, a lock, an envelope and the place for bad ones should be; a pipe as a lock.
    symlink(&victim.0, cache.0.join("v1-0000000000000000")).unwrap();
    symlink(&victim.0, cache.home().join("0000000000000001")).unwrap();
    symlink(&victim.0, cache.home().join(ASIDE)).unwrap();
    fs::create_dir(cache.home().join("0000000000000002")).unwrap();
    Command::new("mkfifo").arg(cache.home().join("0000000000000002.lock")).status().unwrap();
    let linked = Name { sequence: 99, ..good.name }.to_string();
    symlink(victim.0.join(&name), run.join(&linked)).unwrap();
    fs::create_dir(run.join(Name { sequence: 98, ..good.name }.to_string())).unwrap();
    fs::write(run.join("..env"), "x").unwrap();
    fs::write(cache.home().join("stray"), "x").unwrap();

    assert_eq!(list(&cache.0).unwrap(), [good]);
    purge_all(&cache.0).unwrap();
    assert!(victim.0.join(&name).exists(), "nothing outside was touched");
    assert!(cache.home().join("stray").exists());
    assert!(list(&cache.0).unwrap().is_empty());
    symlink(&cache.0, victim.0.join("link")).unwrap();
    assert!(list(victim.0.join("link")).is_err() && purge(victim.0.join("link")).is_err());
}

#[test]
fn two_may_look_at_once_and_a_look_takes_nobody_for_dead() {
    let cache = Cache::new();
    let mut spool = cache.open();
    put(&mut spool, event("one"), Rank::Error);
    let (cache, spool) = (Arc::new(cache), spool);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert!(list(&cache.0).unwrap().iter().all(|entry| entry.state == State::Live));
                }
            });
        }
    });
    drop(spool);
    assert!(list(&cache.0).unwrap().iter().all(|entry| entry.state == State::Orphan));
}
