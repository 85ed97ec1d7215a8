//! How a process goes, and what the server must see of its session.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ingest::Server;
use sentry::protocol::Value;

use crate::programs::Program::{self, Aborting, Crashing, This, Unwinding};
use crate::programs::run;

/// One update: whether it is the first, the status, the errors.
type Update = (bool, &'static str, u64);

/// Sessions counted by how they ended.
type Count = (&'static str, u64);

struct Row {
    program: Program,
    role: &'static str,
    setup: &'static str,
    told: &'static [Update],
    counted: &'static [Count],
}

const fn row(program: Program, role: &'static str, setup: &'static str, told: &'static [Update]) -> Row {
    Row { program, role, setup, told, counted: &[] }
}

const fn requests(role: &'static str, counted: &'static [Count]) -> Row {
    Row { program: This, role, setup: "requests cache", told: &[], counted }
}

const TABLE: &[Row] = &[
    // Ends well.
    row(This, "nothing", "", &[(true, "exited", 0)]),
    row(This, "nothing", "cache", &[(true, "exited", 0)]),
    row(This, "message", "", &[(true, "exited", 0)]),
    row(This, "warning", "", &[(true, "exited", 0)]),
    row(This, "end twice", "", &[(true, "exited", 0)]),
    row(This, "start twice", "", &[(true, "exited", 0), (true, "exited", 0)]),
    row(This, "fork", "cache", &[(true, "exited", 0)]),
    // Ends as the application says.
    row(This, "end as ok", "", &[(true, "exited", 0)]),
    row(This, "end as abnormal", "cache", &[(true, "abnormal", 0)]),
    row(This, "end as crashed", "cache", &[(true, "crashed", 1)]),
    row(This, "error, end", "", &[(true, "ok", 1), (false, "exited", 1)]),
    row(This, "error, end, sigkill", "cache", &[(true, "ok", 1), (false, "exited", 1)]),
    row(This, "caught panic, end", "cache", &[(true, "ok", 1), (false, "unhandled", 1)]),
    // Whatever happens after another one was started is a matter of that one.
    row(This, "start twice, error", "", &[(true, "exited", 0), (true, "ok", 1), (false, "exited", 1)]),
    row(This, "start twice, panic", "cache", &[(true, "exited", 0), (true, "ok", 1), (false, "crashed", 1)]),
    row(This, "start twice, sigkill", "cache", &[(true, "exited", 0), (true, "abnormal", 0)]),
    // Sessions of two hubs at once, of which one ends before the process does.
    row(This, "one of two ends, sigkill", "cache", &[(true, "abnormal", 0), (true, "exited", 0)]),
    row(This, "two, sigkill", "cache", &[(true, "abnormal", 0), (true, "ok", 1), (false, "abnormal", 1)]),
    // Errors that somebody handled.
    row(This, "error", "", &[(true, "ok", 1), (false, "exited", 1)]),
    row(This, "two errors", "", &[(true, "ok", 1), (false, "ok", 2), (false, "exited", 2)]),
    row(This, "end, error", "", &[(true, "exited", 0)]),
    row(This, "error", "unsampled", &[(true, "ok", 1), (false, "exited", 1)]),
    row(This, "two errors", "unsampled", &[(true, "ok", 1), (false, "exited", 2)]),
    row(This, "error", "dropping", &[(true, "exited", 0)]),
    // Events that say that nobody did.
    row(This, "unhandled event", "", &[(true, "crashed", 1)]),
    row(This, "unhandled event, errors", "cache", &[(true, "crashed", 1)]),
    row(This, "unhandled event", "unsampled", &[(true, "crashed", 1)]),
    row(This, "unhandled event", "dropping", &[(true, "exited", 0)]),
    // Panics.
    row(This, "panic", "", &[(true, "ok", 1), (false, "crashed", 1)]),
    row(This, "panic", "cache", &[(true, "ok", 1), (false, "crashed", 1)]),
    row(This, "error, panic", "cache", &[(true, "ok", 1), (false, "ok", 2), (false, "crashed", 2)]),
    row(This, "thread panics", "", &[(true, "ok", 1), (false, "unhandled", 1)]),
    row(This, "thread panics", "cache", &[(true, "ok", 1), (false, "unhandled", 1)]),
    row(This, "thread panics, main too", "", &[(true, "ok", 1), (false, "ok", 2), (false, "crashed", 2)]),
    row(This, "caught panic", "", &[(true, "ok", 1), (false, "unhandled", 1)]),
    row(This, "task panics", "", &[(true, "ok", 1), (false, "unhandled", 1)]),
    row(This, "exit in a hook", "", &[(true, "ok", 1), (false, "crashed", 1)]),
    // Panics that end by an abort.
    row(This, "nounwind", "", &[(true, "ok", 1), (false, "crashed", 1)]),
    row(This, "nounwind", "cache", &[(true, "ok", 1), (false, "crashed", 1)]),
    row(This, "nounwind in a thread", "", &[(true, "ok", 1), (false, "crashed", 1)]),
    row(This, "panic while unwinding", "cache", &[(true, "ok", 1), (false, "ok", 2), (false, "crashed", 2)]),
    row(Aborting, "main", "cache", &[(true, "crashed", 1)]),
    row(Aborting, "thread", "cache", &[(true, "crashed", 1)]),
    row(Aborting, "caught", "cache", &[(true, "crashed", 1)]),
    row(Unwinding, "main", "cache", &[(true, "ok", 1), (false, "crashed", 1)]),
    row(Unwinding, "thread", "cache", &[(true, "ok", 1), (false, "unhandled", 1)]),
    // Ends that nobody in the process sees: the next start tells, from what is on disk.
    row(This, "abort", "", &[]),
    row(This, "abort", "cache", &[(true, "abnormal", 0)]),
    row(This, "sigkill", "", &[]),
    row(This, "sigkill", "cache", &[(true, "abnormal", 0)]),
    row(This, "error, sigkill", "", &[(true, "ok", 1)]),
    row(This, "error, sigkill", "cache", &[(true, "ok", 1), (false, "abnormal", 1)]),
    // Whether the panic was caught, nobody could say any more.
    row(This, "caught panic, sigkill", "cache", &[(true, "ok", 1), (false, "crashed", 1)]),
    row(Unwinding, "exit", "", &[]),
    row(Unwinding, "exit", "cache", &[(true, "abnormal", 0)]),
    // A signal that nobody has a handler for.
    row(This, "sigterm", "", &[]),
    row(This, "sigterm", "cache", &[(true, "abnormal", 0)]),
    // Whatever happens to a process after the end of its session.
    row(This, "end, unhandled event", "", &[(true, "exited", 0)]),
    row(This, "end, panic", "cache", &[(true, "exited", 0)]),
    row(This, "end, thread panics", "cache", &[(true, "exited", 0)]),
    row(This, "end, nounwind", "cache", &[(true, "exited", 0)]),
    row(This, "end, abort", "cache", &[(true, "exited", 0)]),
    row(This, "end, sigterm", "cache", &[(true, "exited", 0)]),
    row(This, "end, sigkill", "cache", &[(true, "exited", 0)]),
    row(This, "end, exit", "cache", &[(true, "exited", 0)]),
    // Started by hand, it is a session like any other.
    row(This, "nothing", "manual", &[(true, "exited", 0)]),
    row(This, "error", "manual", &[(true, "ok", 1), (false, "exited", 1)]),
    row(This, "unhandled event", "manual", &[(true, "crashed", 1)]),
    row(This, "panic", "manual cache", &[(true, "ok", 1), (false, "crashed", 1)]),
    row(This, "thread panics", "manual cache", &[(true, "ok", 1), (false, "unhandled", 1)]),
    row(This, "abort", "manual cache", &[(true, "abnormal", 0)]),
    row(This, "sigterm", "manual cache", &[(true, "abnormal", 0)]),
    row(This, "sigkill", "manual cache", &[(true, "abnormal", 0)]),
    row(This, "exit", "manual cache", &[(true, "exited", 0)]),
    // Ends without the guard.
    row(This, "exit", "cache", &[(true, "exited", 0)]),
    row(This, "error, exit", "cache", &[(true, "ok", 1), (false, "exited", 1)]),
    row(This, "exit of the SDK", "", &[(true, "exited", 0)]),
    // Signals.
    row(Crashing, "nothing", "session", &[(true, "exited", 0)]),
    row(Crashing, "null-write", "session", &[(true, "crashed", 1)]),
    row(Crashing, "process-abort", "session", &[(true, "crashed", 1)]),
    row(Crashing, "overflow", "session", &[(true, "crashed", 1)]),
    row(Crashing, "nounwind-panic", "session", &[(true, "ok", 1), (false, "crashed", 1)]),
    row(Crashing, "caught-then-abort", "session", &[(true, "ok", 1), (false, "crashed", 2)]),
    // The process that crashes can tell nobody: the next start does, which finds its record and what it has left.
    row(Crashing, "locks-held", "session", &[(true, "crashed", 1)]),
    row(Crashing, "in-allocator", "session", &[(true, "crashed", 1)]),
    row(Crashing, "error, in-allocator", "session", &[(true, "ok", 1), (false, "crashed", 2)]),
    // Requests are counted when they are over.
    requests("nothing", &[("exited", 1)]),
    requests("message", &[("exited", 1)]),
    requests("error", &[("errored", 1)]),
    requests("two errors", &[("errored", 1)]),
    requests("unhandled event", &[("unhandled", 1)]),
    requests("unhandled event, errors", &[("unhandled", 1)]),
    requests("end, error", &[("exited", 1)]),
    requests("start twice", &[("exited", 2)]),
    requests("panic", &[("unhandled", 1)]),
    requests("thread panics", &[("exited", 1)]),
    requests("caught panic", &[("unhandled", 1)]),
    requests("nounwind", &[("crashed", 1)]),
    requests("abort", &[]),
    requests("sigkill", &[]),
    // The thread that exits takes its scopes along.
    requests("exit", &[("exited", 1)]),
    requests("fork", &[("exited", 1)]),
];

pub(crate) fn check() {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let mut wrong = Vec::new();
    for row in TABLE {
        let name = format!("{:?}: {:?} {:?}", row.program, row.role, row.setup);
        if only.as_ref().is_some_and(|only| !name.contains(only)) {
            continue;
        }
        match check_row(row) {
            Ok(()) => println!("{name} ... ok"),
            Err(told) => {
                println!("{name} ... WRONG\n  expected {:?} {:?}\n  told {told}", row.told, row.counted);
                wrong.push(name);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("{} rows", TABLE.len());
}

/// Runs the process, then another one that finds what it has left.
fn check_row(row: &Row) -> Result<(), String> {
    let (server, cache) = (Server::start(), Cache::new());
    run(row.program, row.role, row.setup, &server.dsn(), &cache.0);
    if row.program == Crashing {
        run(Crashing, "nothing", "", &server.dsn(), &cache.0);
    } else if row.setup.contains("cache") {
        run(This, "idle", "cache", &server.dsn(), &cache.0);
    }
    let mut updates: Vec<Value> = server.items("session").iter().map(ingest::Item::json).collect();
    // One session after the other, and the updates of each as they were made.
    let started =
        |update: &Value| update["started"].as_str().map(|time| time.trim_end_matches('Z').to_owned());
    let moment = |update: &Value| (started(update), update["seq"].as_u64());
    updates.sort_by_key(moment);
    let told: Vec<_> = updates.iter().map(course).collect();
    let counted = counted(&server.items("sessions"));
    let is_expected = |told: &[(bool, String, u64)]| {
        told.len() == row.told.len()
            && told.iter().zip(row.told).all(|(told, row)| (told.0, &*told.1, told.2) == *row)
    };
    let expected: BTreeMap<String, u64> =
        row.counted.iter().map(|(how, n)| ((*how).to_owned(), *n)).collect();
    if !is_expected(&told) || counted != expected {
        return Err(format!("{told:?} {counted:?}"));
    }
    consistent(&updates).map_err(|wrong| format!("{wrong}: {updates:?}"))
}

fn course(update: &Value) -> (bool, String, u64) {
    let status = update["status"].as_str().unwrap_or("ok").to_owned();
    (update["init"] == true, status, update["errors"].as_u64().unwrap_or(0))
}

fn counted(items: &[ingest::Item]) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for item in items {
        for bucket in item.json()["aggregates"].as_array().unwrap() {
            for how in ["exited", "errored", "unhandled", "crashed", "abnormal"] {
                let count = bucket[how].as_u64().unwrap_or(0);
                if count > 0 {
                    *all.entry(how.to_owned()).or_default() += count;
                }
            }
        }
    }
    all
}

/// What must hold for each session, however it went: the first update says so and no other, what does not change does not
/// change, and nothing comes after the end.
fn consistent(updates: &[Value]) -> Result<(), &'static str> {
    let mut sessions: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for update in updates {
        sessions.entry(update["sid"].as_str().ok_or("no id")?).or_default().push(update);
    }
    for session in sessions.values() {
        let is_first = |update: &Value| update["init"] == true;
        let is_end = |update: &Value| update["status"].as_str().is_some_and(|status| status != "ok");
        let (last, before) = session.split_last().ok_or("nothing")?;
        if !is_first(session[0]) || session[1..].iter().any(|update| is_first(update)) {
            return Err("only the first update is the first");
        }
        if before.iter().any(|update| is_end(update)) {
            return Err("something comes after the end");
        }
        if is_end(last) != last["duration"].is_number() {
            return Err("the end has a duration, and nothing else has");
        }
        for pair in session.windows(2) {
            if pair[0]["seq"].as_u64() >= pair[1]["seq"].as_u64() {
                return Err("the order is not told");
            }
            if ["did", "started", "attrs"].iter().any(|constant| pair[0][*constant] != pair[1][*constant]) {
                return Err("what must stay has changed");
            }
        }
        if !last["attrs"]["release"].is_string() {
            return Err("no release");
        }
    }
    Ok(())
}

/// A directory of its own, gone with the test.
struct Cache(PathBuf);

impl Cache {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("sentry-sessions-{}", std::process::id()));
        remove(&path);
        Self(path)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(path: &Path) {
    let _ = std::fs::remove_dir_all(path);
}
