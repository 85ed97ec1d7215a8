//! The crash table: a child per kind of crash and way to build a program. Exactly one event arrives for each, it says where that
//! was in the child's own words, and the child ends as it would have without the SDK.
//!
//! A program of its own, because the children are built first. `SENTRY_TEST_LONG` builds them in all six ways and repeats each row
//! 20 times (or `REPEATS`); otherwise there are two ways and one time. A word as argument picks rows.
#![expect(clippy::disallowed_methods, reason = "a test reads its environment and measures")]

#[path = "../common/cache.rs"]
mod cache;
mod costs;
#[path = "../common/crashing.rs"]
mod crashing;
mod event;
mod frames;
mod programs;
mod rows;

use std::time::{Duration, Instant};

use ingest::Server;

use crate::cache::Cache;
use crate::crashing::{run, unsent};
use crate::event::Facts;
use crate::frames::Frames;
use crate::programs::{BUILDS, Program};
use crate::rows::{ROWS, Row};

/// A child that took so long may not have had the time for all that it does: it shares its processor with too many others. It may
/// have died before it had heard the answer of the server, with a part of the names, or with something left behind.
const STARVED: Duration = Duration::from_millis(1_100);
/// How often to try again then.
const TRIES: usize = 8;

fn main() {
    if !cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))) {
        return;
    }
    let is_long = std::env::var_os("SENTRY_TEST_LONG").is_some();
    let given = std::env::var("REPEATS").ok().and_then(|repeats| repeats.parse().ok());
    let repeats: usize = given.unwrap_or(if is_long { 20 } else { 1 });
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let (mut table, mut frames, mut wrong) = (Table::default(), Frames::default(), Vec::new());
    let begun = Instant::now();
    for build in BUILDS.iter().filter(|build| is_long || build.is_short) {
        let program = build.make();
        if only.is_empty() || only == "costs" {
            costs::check(&program, is_long);
        }
        for row in ROWS {
            let name = format!("{:16} {:16} {:6}", build.name, row.kind, row.place);
            if !name.contains(&only) {
                continue;
            }
            let mut line = String::new();
            for _ in 0..repeats {
                match check(&program, row, &mut frames) {
                    Ok(crash) => {
                        table.add(row, &crash);
                        line = crash.line;
                    }
                    Err(error) => wrong.push(format!("{name}: {error}")),
                }
            }
            table.rows += usize::from(!line.is_empty());
            println!("{name} {line}");
        }
    }
    println!("\n{} rows, {} crashes in {:?}", table.rows, table.crashes, begun.elapsed());
    println!(
        "{} of {} from the dying process, {} tries on a machine without time",
        table.at_once, table.in_time, table.starved
    );
    println!("{frames}");
    wrong.iter().for_each(|wrong| println!("WRONG {wrong}"));
    assert!(wrong.is_empty(), "{} of {}", wrong.len(), wrong.len() + table.crashes);
    assert!(!only.is_empty() || table.rows >= 40);
    frames.assert(if is_long && only.is_empty() { 500 } else { 0 });
    // Reliability goal 11.
    assert!(
        !is_long || table.at_once * 1_000 >= table.in_time * 995,
        "{} of {}",
        table.at_once,
        table.in_time
    );
}

/// What came of a crash.
struct Crash {
    /// The event came from the process that crashed.
    at_once: bool,
    starved: usize,
    line: String,
}

#[derive(Default)]
struct Table {
    rows: usize,
    crashes: usize,
    /// Where the dying process had all that it needs to send.
    in_time: usize,
    at_once: usize,
    starved: usize,
}

impl Table {
    fn add(&mut self, row: &Row, crash: &Crash) {
        self.crashes += 1;
        self.in_time += usize::from(row.is_in_time);
        self.at_once += usize::from(row.is_in_time && crash.at_once);
        self.starved += crash.starved;
    }
}

/// Runs the child without the SDK and with it, and then its successor.
fn check(program: &Program, row: &Row, frames: &mut Frames) -> Result<Crash, String> {
    let expected = row.events(program.build);
    let path = &program.path;
    for starved in 0..TRIES {
        let (cache, server) = (Cache::new("crash-table"), Server::start());
        let (dsn, directory) = (server.dsn(), cache.0.display().to_string());
        let bare = run(path, &["-", "-", row.kind, row.place, ""]);
        let died = run(path, &[&dsn, &directory, row.kind, row.place, ""]);
        let at_once = server.events().len() >= expected;
        let next = run(path, &[&dsn, &directory, "nothing", "main", ""]);
        same("exit status", &died.status, &bare.status)?;
        same("standard error", &died.error, &bare.error)?;
        same("exit status of the successor", &next.status.code(), &Some(0))?;
        let mut events = server.events();
        let arrived = events.len();
        events.sort_by_key(|event| event["event_id"].to_string());
        events.dedup_by_key(|event| event["event_id"].to_string());
        let facts = Facts { row, program, said: &died };
        let checked = same("left behind", &unsent(&cache.0), &Vec::new())
            .and_then(|()| same("events", &events.len(), &expected))
            .and_then(|()| same("events, each once", &arrived, &expected))
            .and_then(|()| facts.check(&events));
        if checked.is_err() && died.took.max(next.took) > STARVED {
            continue;
        }
        let about = checked?;
        if program.build.has_tables {
            events.iter().for_each(|event| frames.add(event, path));
        }
        let when = if at_once { "at once" } else { "next start" };
        let line = format!("{:9} {expected} {when:10} {about}", end(&died.status));
        return Ok(Crash { at_once, starved, line });
    }
    Err(format!("{TRIES} times without enough time"))
}

fn end(status: &std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, signal) => format!("signal {}", signal.unwrap_or_default()),
    }
}

/// Complains about what should be the same.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, expected: &T) -> Result<(), String> {
    if is == expected { Ok(()) } else { Err(format!("{what}: {is:?} instead of {expected:?}")) }
}
