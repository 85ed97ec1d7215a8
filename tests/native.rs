//! Native crashes: a child per kind dies of its signal as it would have without the SDK, and exactly one event arrives, from
//! the dying process or from the next start.
//!
//! A program of its own, because the children are built first. `SENTRY_TEST_LONG` repeats more often, for more than 3,000 crashes
//! (reliability goals 10 and 11); `KIND` picks one kind.
#![expect(clippy::disallowed_methods, reason = "a test reads its environment and measures")]

#[path = "common/cache.rs"]
mod cache;
#[path = "common/crashing.rs"]
mod crashing;

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ingest::{Reply, Server};
use sentry::protocol::Value;

use crate::cache::Cache;
use crate::crashing::{Ended, run, unsent};

/// A process that lives so long had no time for all names.
const NAMING: Duration = Duration::from_millis(1_100);

/// A process that lives so long with the SDK may have been cut off: it has two seconds to send, and dies then, whether it has heard the
/// answer of the server or not. Only then the same event may arrive again.
const CUT_OFF: Duration = Duration::from_millis(1_800);

fn main() {
    if !cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))) {
        return;
    }
    let program = build();
    panics(&program);
    circumstances(&program);
    without_cache(&program);
    silence(&program);
    calls(&program);
    let (mut crashes, mut in_time, mut early) = (0, 0, 0);
    for case in CASES.iter().filter(|case| is_wanted(case.kind)) {
        for place in ["main", "thread"] {
            for way in [Way::AtOnce, Way::Spool, Way::Record] {
                let begun = Instant::now();
                // Those that wait for a deadline take seconds each.
                let times = if way == Way::AtOnce { repeats() } else { repeats().div_ceil(10) };
                let (mut at_once, mut cut_off) = (0, 0);
                for _ in 0..times {
                    let (came, is_cut_off) = check(&program, case, place, way);
                    at_once += usize::from(came);
                    cut_off += usize::from(is_cut_off);
                }
                crashes += times;
                // What a broken heap lets the dying process do is luck.
                if way == Way::AtOnce && case.kind != "heap" {
                    (in_time, early) = (in_time + times, early + at_once);
                }
                println!(
                    "{:14} {place:6} {way:?}: ok, {times} times, {at_once} at once, {cut_off} cut off, in {:?}",
                    case.kind,
                    begun.elapsed()
                );
            }
        }
    }
    println!("{crashes} crashes, each reported once; {early} of {in_time} by the process that crashed");
    if is_long() && std::env::var_os("KIND").is_none() {
        assert!(crashes >= 3_000);
        assert!(early * 1_000 >= in_time * 995, "{early} of {in_time}");
    }
}

/// What else may be the matter while a process crashes.
fn circumstances(program: &Path) {
    // Kind, hint, whether the dying process gets the event out, the function to blame.
    let all = [
        ("low-stack", "", true, "null_write"),
        ("many", "", true, "null_write"),
        ("locks-held", "", false, "null_write"),
        ("in-allocator", "", false, "in_allocator"),
        ("null-write", "crash", false, "null_write"),
        ("forked", "", false, "null_write"),
        ("plugin", "", true, "plugin"),
        ("foreign", "", true, "deeper"),
    ];
    for (kind, hint, at_once, function) in all {
        if !is_wanted(kind) {
            continue;
        }
        for _ in 0..repeats() {
            let (cache, server) = (Cache::new("native"), Server::start());
            let bare = run(program, &["-", "-", kind, "main", ""]);
            let died = run(program, &[&server.dsn(), path(&cache), kind, "main", hint]);
            assert_eq!(died.status, bare.status, "{kind} {hint}");
            assert_eq!(died.error, bare.error, "{kind} {hint}");
            assert!(at_once || server.events().is_empty(), "{kind} {hint}: from the dying process");
            run(program, &[&server.dsn(), path(&cache), "nothing", "main", ""]);
            let events = arrived(&server, at_once && is_cut_off(&died));
            assert_eq!(events.len(), 1, "{kind} {hint}");
            let exception = &events[0]["exception"]["values"][0];
            assert_eq!(exception["type"], "SIGSEGV", "{kind} {hint}");
            let frames = exception["stacktrace"]["frames"].as_array().expect("frames");
            let newest = frames.iter().rev().find(|frame| frame["in_app"] == true);
            let blamed = newest.and_then(|frame| frame["function"].as_str()).unwrap_or_default();
            assert!(blamed.ends_with(function), "{kind} {hint}: {blamed} of {frames:#?}");
            assert_eq!(events[0]["tags"]["kind"], kind, "{kind} {hint}");
            assert_eq!(unsent(&cache.0), Vec::<PathBuf>::new(), "{kind} {hint}");
        }
        println!("{kind} {hint}: ok, {} times", repeats());
    }
}

/// Without a cache directory the dying process is the only one who can send.
fn without_cache(program: &Path) {
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

/// A server that never answers delays the death of the process by two seconds; the next start reports the crash.
fn silence(program: &Path) {
    let cache = Cache::new("native-silence");
    let server = Server::builder().otherwise(Reply::hang()).start();
    let died = run(program, &[&server.dsn(), path(&cache), "null-write", "main", ""]);
    assert_eq!(died.status.signal(), Some(11));
    // Reliability goal 11; elsewhere other processes take their time too.
    assert!(!is_long() || died.took < Duration::from_millis(3_100), "{:?}", died.took);
    server.otherwise(Reply::ok());
    server.clear();
    run(program, &[&server.dsn(), path(&cache), "nothing", "main", ""]);
    assert_eq!(server.wait_for_events(1, Duration::from_secs(5)).len(), 1);
    println!("a server that never answers: the process died after {:?}", died.took);
}

/// Until its record is complete, a crash makes the system calls that are listed where they are made, and no others. Asks `strace`;
/// where there is none, nobody knows.
fn calls(program: &Path) {
    const HANDLER: [&str; 13] = [
        "gettid",
        "getpid",
        "prctl",
        "clock_gettime",
        "nanosleep",
        "clock_nanosleep",
        "write",
        "read",
        "poll",
        "rt_sigaction",
        "tgkill",
        "rt_sigreturn",
        "ppoll",
    ];
    const HELPER: [&str; 8] =
        ["process_vm_readv", "gettid", "getpid", "write", "read", "poll", "pwrite64", "fdatasync"];
    let (cache, server) = (Cache::new("native-calls"), Server::start());
    std::fs::create_dir_all(&cache.0).expect("a directory");
    let trace = cache.0.join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(&trace).arg(program);
    let status = command.args([&server.dsn(), path(&cache), "null-write", "main", ""]).output();
    let text = std::fs::read_to_string(&trace).unwrap_or_default();
    let Some(begin) = text.find("--- SIGSEGV").filter(|_| status.is_ok()) else {
        println!("system calls: not looked at, strace is missing or may not trace");
        return;
    };
    let crashed =
        text[..begin].rsplit('\n').next().and_then(|line| line.split(' ').next()).unwrap_or_default();
    let after = &text[begin..];
    let helper = after.lines().find(|line| line.contains("process_vm_readv(")).expect("a stack that is read");
    let helper = helper.split(' ').next().unwrap_or_default();
    let mut seen = BTreeSet::new();
    for line in after.lines().skip(1) {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start().trim_start_matches("<... ");
        let name = call.split(['(', ' ']).next().unwrap_or_default();
        let allowed = if thread == crashed {
            &HANDLER[..]
        } else if thread == helper {
            &HELPER[..]
        } else {
            continue;
        };
        assert!(allowed.contains(&name), "{line}");
        seen.insert(name.to_owned());
        if thread == helper && name == "fdatasync" {
            break;
        }
    }
    assert!(seen.contains("fdatasync"), "{seen:?}");
    println!("system calls until the record is complete: {seen:?}");
}

/// Panics that end by an abort are reported by the hook, and not once more as a signal. Other aborts are.
fn panics(program: &Path) {
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
        run(program, &[&server.dsn(), path(&cache), "nothing", "main", ""]);
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

fn is_wanted(kind: &str) -> bool {
    std::env::var("KIND").map_or(true, |wanted| wanted == kind)
}

fn repeats() -> usize {
    let given = std::env::var("REPEATS").ok().and_then(|repeats| repeats.parse().ok());
    given.unwrap_or_else(|| if is_long() { 100 } else { 1 })
}

fn is_long() -> bool {
    std::env::var_os("SENTRY_TEST_LONG").is_some()
}

fn path(cache: &Cache) -> &str {
    cache.0.to_str().expect("a path of ours")
}

/// How an event is to arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// From the dying process.
    AtOnce,
    /// By the next start, finished and stored by the dying process: nobody listens meanwhile.
    Spool,
    /// By the next start, from the record: the dying process gets nowhere with the SDK.
    Record,
}

struct Case {
    kind: &'static str,
    signal: &'static str,
    /// The newest frame of the application; empty where the stack cannot be known.
    function: &'static str,
    value: &'static str,
}

const CASES: [Case; 19] = [
    case("null-write", "SIGSEGV", "null_write", "no memory is mapped there at 0x0"),
    case("null-read", "SIGSEGV", "null_read", "no memory is mapped there at 0x0"),
    case("wild-read", "SIGSEGV", "wild_read", ""),
    case("null-call", "SIGSEGV", "null_call", "no memory is mapped there at 0x0"),
    case("illegal", "SIGILL", "illegal", "unknown instruction"),
    case("divide", "SIGFPE", "divide", "division by zero"),
    case("breakpoint", "SIGTRAP", "breakpoint", ""),
    case("bus", "SIGBUS", "bus", "the mapped file ends before"),
    case("libc-abort", "SIGABRT", "libc_abort", "the process was aborted"),
    case("process-abort", "SIGABRT", "process_abort", "the process was aborted"),
    case("double-free", "SIGABRT", "double_free", "the process was aborted"),
    // Whoever uses the heap next may be the one who crashes.
    case("heap", "", "", ""),
    case("allocation", "SIGABRT", "allocation", "memory allocation failed"),
    case("overflow", "SIGSEGV", "deeper", "stack overflow at"),
    case("smashed-frame", "SIGSEGV", "smashed_frame", ""),
    case("smashed-stack", "SIGSEGV", "smashed_stack", ""),
    case("sys", "SIGSYS", "sys", ""),
    case("raise-fpe", "SIGFPE", "raise_fpe", "arithmetic error"),
    case("in-libc", "SIGSEGV", "in_libc", "no memory is mapped there at 0x0"),
];

const fn case(kind: &'static str, signal: &'static str, function: &'static str, value: &'static str) -> Case {
    Case { kind, signal, function, value }
}

/// Runs a child of one kind, and its successor. Tells whether the event came from the dying process, and whether that may have
/// been cut off.
fn check(program: &Path, case: &Case, place: &str, way: Way) -> (bool, bool) {
    let about = format!("{} {place} {way:?}", case.kind);
    let cache = Cache::new("native");
    let server = Server::start();
    let dsn = server.dsn();
    let bare = run(program, &["-", "-", case.kind, place, ""]);
    if way == Way::Spool {
        server.refuse();
    }
    let hint = if way == Way::Record { "hang" } else { "" };
    let died = run(program, &[&dsn, path(&cache), case.kind, place, hint]);
    let took = died.took;
    if case.kind == "heap" {
        // What a broken heap does depends on what lies in it.
        assert!(died.status.signal().is_some(), "{about}: {:?}", died.status);
    } else {
        assert_eq!(died.status, bare.status, "{about}: ends otherwise; {}", died.error);
        assert_eq!(died.error, bare.error, "{about}: says something else");
    }
    assert!(took < Duration::from_secs(10), "{about}: took {took:?}");
    if way == Way::Spool {
        server.resume();
    }
    let at_once = server.events().len();
    assert!(at_once == 0 || way == Way::AtOnce, "{about}: from the dying process");
    let next = run(program, &[&dsn, path(&cache), "nothing", place, ""]);
    assert_eq!(next.status.code(), Some(0), "{about}: {}", next.error);
    let events = arrived(&server, way == Way::AtOnce && is_cut_off(&died));
    assert_eq!(events.len(), 1, "{about}");
    verify(&events[0], case, place, way, &died, &about);
    assert_eq!(unsent(&cache.0), Vec::<PathBuf>::new(), "{about}: left behind");
    (at_once > 0, is_cut_off(&died))
}

fn verify(event: &Value, case: &Case, place: &str, way: Way, died: &Ended, about: &str) {
    if std::env::var_os("SHOW").is_some() {
        println!("{event:#}");
    }
    let exceptions = event["exception"]["values"].as_array().expect("exceptions");
    assert_eq!(exceptions.len(), 1, "{about}");
    let exception = &exceptions[0];
    let (mechanism, signal) = (&exception["mechanism"], &exception["mechanism"]["meta"]["signal"]);
    if !case.signal.is_empty() {
        assert_eq!(exception["type"], case.signal, "{about}");
    }
    assert!(
        exception["value"].as_str().unwrap_or_default().contains(case.value),
        "{about}: {}",
        exception["value"]
    );
    assert_eq!(
        (&mechanism["type"], &mechanism["handled"]),
        (&"signalhandler".into(), &false.into()),
        "{about}"
    );
    assert_eq!(signal["name"], exception["type"], "{about}");
    // std ends an overflow by an abort of its own.
    if case.kind != "overflow" {
        assert_eq!(signal["number"].as_i64(), died.status.signal().map(i64::from), "{about}");
    }
    assert_eq!(event["level"], "fatal", "{about}");
    let crashed: Vec<&Value> = event["threads"]["values"]
        .as_array()
        .expect("threads")
        .iter()
        .filter(|thread| thread["crashed"] == true)
        .collect();
    assert_eq!(crashed.len(), 1, "{about}");
    assert_eq!(crashed[0]["id"], exception["thread_id"], "{about}");
    let is_any = case.kind == "heap";
    let name = if place == "thread" { "worker" } else { "crashing" };
    assert!(is_any || crashed[0]["name"] == name, "{about}: {}", crashed[0]["name"]);
    assert!(exception["stacktrace"]["registers"].as_object().is_some_and(|all| all.len() > 10), "{about}");
    assert!(event["debug_meta"]["images"].as_array().is_some_and(|images| images.len() > 1), "{about}");
    assert_eq!((&event["release"], &event["environment"]), (&"crashing@1".into(), &"test".into()), "{about}");
    assert_eq!(event["tags"]["kind"], case.kind, "{about}: {}", event["tags"]);
    assert_eq!(event["user"]["id"], "42", "{about}");
    assert_eq!(event["breadcrumbs"]["values"][0]["message"], "about to crash", "{about}");
    assert!(event["contexts"]["os"]["name"].is_string(), "{about}: {}", event["contexts"]);
    if case.function.is_empty() {
        return;
    }
    let frames = exception["stacktrace"]["frames"].as_array().expect("frames");
    if way != Way::Record && frames[0]["package"].is_null() && died.took > NAMING {
        // The dying process had no time for more names: a machine that does much else.
        println!("{about}: not all frames have names");
        return;
    }
    let newest = frames
        .iter()
        .rev()
        .find(|frame| frame["in_app"] == true)
        .unwrap_or_else(|| panic!("{about}: {frames:#?}"));
    let function = newest["function"].as_str().unwrap_or_default();
    assert!(function.ends_with(&format!("kinds::{}", case.function)), "{about}: {function} of {frames:#?}");
    assert!(newest["filename"].as_str().unwrap_or_default().ends_with("kinds.rs"), "{about}: {newest}");
    if let Some(line) = died.number("line") {
        let lines = line..=died.number("last").unwrap_or(line);
        assert!(newest["lineno"].as_u64().is_some_and(|line| lines.contains(&line)), "{about}: {newest}");
    }
}

/// What arrived, each event id once: the same event twice is wrong unless its process was cut off while it sent.
fn arrived(server: &Server, may_be_sent_twice: bool) -> Vec<Value> {
    let mut events = server.wait_for_events(1, Duration::from_secs(5));
    let count = events.len();
    events.sort_by_key(|event| event["event_id"].to_string());
    events.dedup_by_key(|event| event["event_id"].to_string());
    assert!(events.len() == count || may_be_sent_twice, "{count} events");
    events
}

fn is_cut_off(died: &Ended) -> bool {
    died.took > CUT_OFF
}

fn build() -> PathBuf {
    if let Some(built) = std::env::var_os("CRASHING") {
        return built.into();
    }
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("crashing");
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["build", "--quiet", "--package", "crashing", "--features", "crash-handler", "--target-dir"])
        .arg(&target);
    let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo starts");
    assert!(status.success(), "cargo build");
    target.join("debug/crashing")
}
