//! What panics cost.
//!
//! ```text
//! panics caught     a panic that is caught on the spot, below 30 frames, one after the other: from `panic!` to the code behind
//! panics first      the first panic of a process, which touches everything for the first time
//! panics symbols    a panic while the worker looks up the names of the process's first stack
//! panics threads    10,000 of them in 8 threads, and a server that never answers: the whole program
//! ```
//!
//! Each figure is taken in a process of its own, `panics-client WHAT WAY DSN`. The hook before ours says nothing, but for the
//! programs of `threads` that say otherwise.

mod client;
mod threads;

use std::process::{Command, Stdio};

pub use self::client::client;
use crate::burst::Receiver;

/// Nanoseconds of a caught panic, the hook included.
const CAUGHT: f64 = 9_000.0;
/// Microseconds while symbols are loaded.
const SYMBOLS: f64 = 200.0;
/// An hour.
const NEVER: u64 = 3_600_000;

const WAYS: [&str; 3] = ["nothing", "official", "ours"];

/// `panics [WHAT]`.
pub fn measure(only: &[&str]) {
    let wanted = |what: &str| only.is_empty() || only.contains(&what);
    if wanted("caught") {
        caught();
    }
    if wanted("first") {
        first();
    }
    if wanted("symbols") {
        symbols();
    }
    match *only {
        [] => threads::measure(&[]),
        ["threads", ref programs @ ..] => threads::measure(programs),
        _ => {}
    }
}

fn caught() {
    println!("a panic below 30 frames, caught on the spot            least       p50   (ns)");
    for way in WAYS {
        let [least, median] = run("caught", way, 0, &[])[..] else { panic!("two numbers") };
        let end = if way == "ours" { verdict(least <= CAUGHT) } else { "" };
        println!("  {way:<46} {least:>11.0} {median:>9.0}   {end}");
    }
}

fn first() {
    println!(
        "the first panic of a process, of 25 processes           least       p50    faults    second   (us)"
    );
    let mut runs = [const { Vec::new() }; 3];
    for _ in 0..25 {
        for (way, runs) in WAYS.into_iter().zip(&mut runs) {
            runs.push(run("first", way, 0, &[]));
        }
    }
    for (way, runs) in WAYS.into_iter().zip(&mut runs) {
        runs.sort_by(|one, other| one[0].total_cmp(&other[0]));
        let (least, median) = (&runs[0], &runs[runs.len() / 2]);
        println!("  {way:<46} {:>11.1} {:>9.1} {:>9.0} {:>9.1}", least[0], median[0], median[1], median[2]);
    }
}

fn symbols() {
    println!(
        "a panic while the first names are looked up            first       p50       p99   panics   (us)"
    );
    for way in ["official", "ours"] {
        let [first, median, high, count] = run("symbols", way, 0, &[])[..] else { panic!("four numbers") };
        let end = if way == "ours" { verdict(median <= SYMBOLS) } else { "" };
        println!("  {way:<46} {first:>11.1} {median:>9.1} {high:>9.1} {count:>8.0}   {end}");
    }
}

/// Runs a client, and returns the numbers that it prints.
fn run(what: &str, way: &str, latency: u64, environment: &[(&str, &str)]) -> Vec<f64> {
    let server = Receiver::start(latency);
    let mut command = Command::new(std::env::current_exe().expect("our own path"));
    command.args(["panics-client", what, way, &format!("http://public@{}/42", server.address)]);
    command.envs(environment.iter().copied()).stderr(Stdio::null());
    let output = command.output().expect("a client");
    server.stop();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "the client said {text:?}");
    text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

fn verdict(is_within: bool) -> &'static str {
    if is_within { "ok" } else { "MISSED" }
}
