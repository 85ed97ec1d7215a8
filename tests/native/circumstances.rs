//! What else may be the matter while a process crashes.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ingest::Server;
use sentry::protocol::Value;

use crate::cache::Cache;
use crate::crashing::{run, unsent};
use crate::ways::{arrived, is_cut_off, succeed};
use crate::{is_wanted, path, repeats, together};

/// What else may be the matter while a process crashes.
pub(crate) fn check(program: &Path) {
    // Kind, hint, whether the dying process may get the event out, the function to blame.
    let all = [
        ("low-stack", "", true, "null_write"),
        ("many", "", true, "null_write"),
        ("locks-held", "", false, "null_write"),
        ("in-allocator", "", false, "in_allocator"),
        ("ruined-heap", "", true, "ruined_heap"),
        ("null-write", "crash", false, "null_write"),
        ("null-write", "hang", false, "null_write"),
        ("forked", "", false, "null_write"),
        ("forked-threads", "", false, "null_write"),
        ("plugin", "", true, "plugin"),
        ("new-plugin", "", true, "new_plugin"),
        ("in-hook", "", true, "null_write"),
        ("at-exit", "", false, "null_write"),
        ("closed", "", false, "null_write"),
        ("foreign", "", true, "deeper"),
    ];
    for (kind, hint, at_once, function) in all.into_iter().filter(|(kind, ..)| is_wanted(kind)) {
        let begun = Instant::now();
        // Those that wait for a deadline take seconds each.
        let times = if at_once { repeats() } else { repeats().div_ceil(5) };
        together(times, 6, || blames(program, kind, hint, at_once, function));
        println!("{kind} {hint}: ok, {times} times, in {:?}", begun.elapsed());
    }
}

fn blames(program: &Path, kind: &str, hint: &str, at_once: bool, function: &str) {
    let (cache, server) = (Cache::new("native"), Server::start());
    let bare = run(program, &["-", "-", kind, "main", ""]);
    let died = run(program, &[&server.dsn(), path(&cache), kind, "main", hint]);
    if kind != "ruined-heap" {
        assert_eq!(died.status, bare.status, "{kind} {hint}");
        assert_eq!(died.error, bare.error, "{kind} {hint}");
    }
    assert!(died.status.signal().is_some() || kind.starts_with("forked"), "{kind} {hint}: {:?}", died.status);
    for own in [&bare, &died].into_iter().filter_map(|ended| ended.said("own")) {
        assert_eq!(std::fs::read(own).expect("the file of the child"), b"", "{kind}: written into");
        let _ = std::fs::remove_file(own);
    }
    assert!(at_once || server.events().is_empty(), "{kind} {hint}: from the dying process");
    succeed(program, &server.dsn(), &cache);
    let events = arrived(&server, at_once && is_cut_off(&died));
    assert_eq!(events.len(), 1, "{kind} {hint}");
    let exception = &events[0]["exception"]["values"][0];
    // Another thread may have been the first to notice what is wrong with the heap.
    let is_other = kind == "ruined-heap" && exception["type"] == "SIGABRT";
    assert!(is_other || exception["type"] == "SIGSEGV", "{kind} {hint}: {}", exception["type"]);
    let frames = exception["stacktrace"]["frames"].as_array().expect("frames");
    let newest = frames.iter().rev().find(|frame| frame["in_app"] == true);
    let blamed = newest.and_then(|frame| frame["function"].as_str()).unwrap_or_default();
    assert!(is_other || blamed.ends_with(function), "{kind} {hint}: {blamed} of {frames:#?}");
    assert_eq!(events[0]["tags"]["kind"], kind, "{kind} {hint}");
    assert_eq!(unsent(&cache.0), Vec::<PathBuf>::new(), "{kind} {hint}");
}

/// A child that shares its memory crashes before it does: these are two crashes.
pub(crate) fn shared(program: &Path) {
    if !is_wanted("shared") {
        return;
    }
    let (cache, server) = (Cache::new("native"), Server::start());
    let bare = run(program, &["-", "-", "shared", "main", ""]);
    let died = run(program, &[&server.dsn(), path(&cache), "shared", "main", ""]);
    assert_eq!((&died.status, &died.error), (&bare.status, &bare.error));
    succeed(program, &server.dsn(), &cache);
    let events = arrived(&server, is_cut_off(&died));
    let names = |event: &Value| event["exception"]["values"][0]["stacktrace"].to_string();
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| names(event).contains("null_write")), "{events:#?}");
    assert_eq!(unsent(&cache.0), Vec::<PathBuf>::new());
    println!("shared: ok");
}

/// What would not end a process does not end it because of us.
pub(crate) fn survives(program: &Path) {
    for kind in ["blocked", "limited"].into_iter().filter(|kind| is_wanted(kind)) {
        let (cache, server) = (Cache::new("native"), Server::start());
        let bare = run(program, &["-", "-", kind, "main", ""]);
        let lived = run(program, &[&server.dsn(), path(&cache), kind, "main", ""]);
        assert_eq!(bare.status.code(), Some(0), "{kind}: {}", bare.error);
        assert_eq!((&lived.status, &lived.error), (&bare.status, &bare.error), "{kind}");
        assert!(server.events().is_empty(), "{kind}");
        println!("{kind}: ok");
    }
}

/// Without a cache directory the dying process is the only one who can send.
pub(crate) fn without_cache(program: &Path) {
    let server = Server::start();
    // It has two seconds; a machine that does much else may need another attempt.
    for _ in 0..5 {
        let died = run(program, &[&server.dsn(), "-", "null-write", "main", ""]);
        assert_eq!(died.status.signal(), Some(11));
        if !server.events().is_empty() {
            break;
        }
    }
    assert_eq!(server.events().len(), 1);
    println!("without a cache directory: ok");
}

/// Panics that end by an abort are reported by the hook, and not once more as a signal. Other aborts are.
pub(crate) fn panics(program: &Path) {
    for (kind, panics, signals) in
        [("double-panic", 2, 0), ("nounwind-panic", 1, 0), ("caught-then-abort", 1, 1)]
    {
        if !is_wanted(kind) {
            continue;
        }
        let (cache, server) = (Cache::new("native"), Server::start());
        let bare = run(program, &["-", "-", kind, "main", ""]);
        let died = run(program, &[&server.dsn(), path(&cache), kind, "main", ""]);
        assert_eq!(died.status, bare.status, "{kind}");
        succeed(program, &server.dsn(), &cache);
        let events = arrived(&server, is_cut_off(&died));
        let of = |mechanism: &str| {
            let is = |event: &&Value| event["exception"]["values"][0]["mechanism"]["type"] == mechanism;
            events.iter().filter(is).count()
        };
        assert_eq!((of("panic"), of("signalhandler")), (panics, signals), "{kind}");
        assert_eq!(unsent(&cache.0), Vec::<PathBuf>::new(), "{kind}");
        println!("{kind}: {panics} panics and {signals} signals");
    }
}
