//! What panics cost.
//!
//! ```text
//! panics caught     a panic that is caught on the spot, below 30 frames, one after the other: from `panic!` to the code behind
//! panics symbols    the same while the worker looks up the names of the process's first stack
//! panics threads    10,000 of them in 8 threads, and a server that never answers: the whole program
//! ```
//!
//! Each figure is taken in a process of its own, `panics-client WHAT WAY DSN`. The hook before ours says nothing.

mod client;

use std::process::{Command, Stdio};

pub use self::client::client;
use crate::burst::Receiver;

/// Nanoseconds of a caught panic, the hook included.
const CAUGHT: f64 = 9_000.0;
/// Microseconds while symbols are loaded.
const SYMBOLS: f64 = 200.0;
/// How much longer a program may take.
const LONGER: f64 = 1.1;

/// An hour.
const NEVER: u64 = 3_600_000;

const WAYS: [&str; 3] = ["nothing", "official", "ours"];

/// `panics [WHAT]`.
pub fn measure(only: &[&str]) {
    let wanted = |what: &str| only.is_empty() || only.contains(&what);
    if wanted("caught") {
        caught();
    }
    if wanted("symbols") {
        symbols();
    }
    if wanted("threads") {
        threads();
    }
}

fn caught() {
    println!("a panic below 30 frames, caught on the spot            least       p50   (ns)");
    for way in WAYS {
        let [least, median] = run("caught", way, 0)[..] else { panic!("two numbers") };
        let end = if way == "ours" { verdict(least <= CAUGHT) } else { "" };
        println!("  {way:<46} {least:>11.0} {median:>9.0}   {end}");
    }
}

fn symbols() {
    println!(
        "a panic while the first names are looked up            first       p50       p99   panics   (us)"
    );
    for way in ["official", "ours"] {
        let [first, median, high, count] = run("symbols", way, 0)[..] else { panic!("four numbers") };
        let end = if way == "ours" { verdict(median <= SYMBOLS) } else { "" };
        println!("  {way:<46} {first:>11.1} {median:>9.1} {high:>9.1} {count:>8.0}   {end}");
    }
}

fn threads() {
    println!("10,000 panics in 8 threads, no answer from the server   work      ratio    to the end   (s)");
    for what in ["threads-only", "threads-work"] {
        let mut best = [[f64::INFINITY; 2]; 3];
        for _ in 0..5 {
            for (way, best) in WAYS.into_iter().zip(&mut best) {
                let [work, whole] = run(what, way, NEVER)[..] else { panic!("two numbers") };
                *best = [best[0].min(work), best[1].min(whole)];
            }
        }
        for (way, [work, whole]) in WAYS.into_iter().zip(best) {
            let ratio = work / best[0][0];
            let is_limited = way == "ours" && what == "threads-work";
            let end = if is_limited { verdict(ratio <= LONGER) } else { "" };
            let name =
                format!("{way}{}", if what == "threads-work" { ", 0.25 ms of work for each" } else { "" });
            println!("  {name:<46} {work:>10.3} {ratio:>9.3}x {whole:>11.3}   {end}");
        }
    }
}

/// Runs a client, and returns the numbers that it prints.
fn run(what: &str, way: &str, latency: u64) -> Vec<f64> {
    let server = Receiver::start(latency);
    let mut command = Command::new(std::env::current_exe().expect("our own path"));
    command.args(["panics-client", what, way, &format!("http://public@{}/42", server.address)]);
    let output = command.stderr(Stdio::inherit()).output().expect("a client");
    server.stop();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "the client said {text:?}");
    text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

fn verdict(is_within: bool) -> &'static str {
    if is_within { "ok" } else { "MISSED" }
}
