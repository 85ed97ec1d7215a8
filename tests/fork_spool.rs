//! A program that forks while the network is down: parent and child keep what they capture in runs of their own, the parent's
//! lock is held whatever the child does, and everything is delivered once.
#![cfg(all(unix, feature = "process", feature = "reqwest"))]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ingest::Server;
use sentry::options::{CacheOptions, CachePolicy};
use sentry::{ClientOptions, Level};

const LONG: Duration = Duration::from_secs(20);

/// Every file below `dir` whose name ends like that.
fn files(dir: &Path, end: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let of = |path: PathBuf| match path.is_dir() {
        true => files(&path, end),
        false => Vec::from_iter(path.to_str().is_some_and(|path| path.ends_with(end)).then_some(path)),
    };
    entries.flatten().flat_map(|entry| of(entry.path())).collect()
}

fn is_held(lock: &Path) -> bool {
    File::open(lock).is_ok_and(|file| file.try_lock().is_err())
}

#[expect(clippy::disallowed_methods, reason = "real time is measured")]
fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the long form is asked for from outside")]
fn a_child_keeps_what_is_its_own_and_leaves_the_parent_what_is_the_parents() {
    let forks = if std::env::var_os("SENTRY_TEST_LONG").is_some() { 200 } else { 15 };
    let cache = std::env::temp_dir().join(format!("sentry-fork-spool-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&cache);
    let server = Server::start();
    server.refuse();
    let cache_options = CacheOptions {
        dir: Some(cache.clone()),
        policy: CachePolicy::Always,
        pace: Duration::ZERO,
        ..CacheOptions::default()
    };
    let options = ClientOptions::new()
        .dsn(&server.dsn())
        .cache(cache_options)
        .shutdown_timeout(Duration::from_millis(300));

    let guard = sentry::init(options.clone());
    wait_for("the parent has a run", || files(&cache, ".lock").len() == 1);
    let lock = files(&cache, ".lock").remove(0);
    for n in 0..forks {
        let before = files(&cache, ".env").len();
        sentry::capture_message(&format!("parent {n}"), Level::Error);
        wait_for("it is kept", || files(&cache, ".env").len() > before);
        let Some(child) = forking::fork() else {
            sentry::capture_message(&format!("child {n}"), Level::Error);
            guard.close(Some(Duration::from_millis(300)));
            // Every destructor runs, as in a child that returns from `main`.
            drop(guard);
            forking::exit_now(0)
        };
        assert!(is_held(&lock), "while the child works");
        let ended = child.wait(LONG).and_then(|status| status.code());
        assert_eq!(ended, Some(0), "child {n}");
        assert!(is_held(&lock), "when the child has ended");
    }
    // Those of the children were left when they ended; nobody has touched the parent's.
    assert_eq!(files(&cache, ".env").len(), 2 * forks);
    let own = lock.with_extension("");
    assert_eq!(files(&own, ".env").len(), forks);
    drop(guard);
    assert_eq!(files(&cache, ".env").len(), 2 * forks);

    server.resume();
    let guard = sentry::init(options);
    wait_for("everything is delivered", || files(&cache, ".env").is_empty());
    assert!(guard.close(Some(LONG)));
    let mut times = BTreeMap::<String, usize>::new();
    for event in server.accepted_events() {
        *times.entry(event["message"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    let expected = (0..forks).flat_map(|n| [format!("child {n}"), format!("parent {n}")]);
    assert_eq!(times, expected.map(|message| (message, 1)).collect());
    std::fs::remove_dir_all(&cache).unwrap();
}
