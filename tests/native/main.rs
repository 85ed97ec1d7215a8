//! Native crashes: a child per kind dies of its signal as it would have without the SDK, and exactly one event arrives, from
//! the dying process or from the next start.
//!
//! A program of its own, because the children are built first. `SENTRY_TEST_LONG` repeats more often, for more than 3,000 crashes
//! (reliability goals 10 and 11); `REPEATS` says how often, `KIND` picks one kind.
#![expect(clippy::disallowed_methods, reason = "a test reads its environment and measures")]

#[path = "../common/cache.rs"]
mod cache;
mod calls;
mod cases;
mod circumstances;
#[path = "../common/crashing.rs"]
mod crashing;
mod event;
mod silence;
mod ways;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::cache::Cache;
use crate::cases::{CASES, Case};
use crate::ways::{Crash, Way, check};

/// The threads that crash.
const PLACES: [&str; 2] = ["main", "thread"];

fn main() {
    if !cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))) {
        return;
    }
    let program = build();
    calls::check(&program);
    circumstances::panics(&program);
    circumstances::check(&program);
    circumstances::shared(&program);
    circumstances::survives(&program);
    circumstances::without_cache(&program);
    silence::check(&program);
    let mut all = Counts::default();
    for case in CASES.iter().filter(|case| is_wanted(case.kind)) {
        for place in PLACES {
            all.add(repeat(&program, case, place, Way::AtOnce));
        }
        // These wait for deadlines, and do nothing meanwhile.
        std::thread::scope(|scope| {
            let program = &program;
            let start = |(place, way)| scope.spawn(move || repeat(program, case, place, way));
            let ways = PLACES.map(|place| [(place, Way::Spool), (place, Way::Record)]);
            let running = ways.as_flattened().iter().copied().map(start).collect::<Vec<_>>();
            running.into_iter().for_each(|counts| all.add(counts.join().expect("no failure")));
        });
    }
    let Counts { crashes, nameable, named, in_time, early, without_memory } = all;
    println!(
        "{crashes} crashes, each reported once and completely, {without_memory} of them without an allocation"
    );
    println!("{named} of {nameable} with the right names, {early} of {in_time} by the process that crashed");
    if is_long() && std::env::var_os("KIND").is_none() {
        assert!(crashes >= 3_000);
        assert_eq!(named, nameable);
        assert!(early * 1_000 >= in_time * 995, "{early} of {in_time}");
    }
}

#[derive(Default)]
struct Counts {
    crashes: usize,
    /// Of a kind whose stack can be unwound.
    nameable: usize,
    named: usize,
    /// Where the dying process had all that it needs to send.
    in_time: usize,
    /// Where it did.
    early: usize,
    /// Where the record was complete, and nobody could have had memory for it.
    without_memory: usize,
}

impl Counts {
    fn add(&mut self, other: Self) {
        let Self { crashes, nameable, named, in_time, early, without_memory } = other;
        self.crashes += crashes;
        self.nameable += nameable;
        self.named += named;
        self.in_time += in_time;
        self.early += early;
        self.without_memory += without_memory;
    }
}

/// One kind in one place, as often as wanted.
fn repeat(program: &Path, case: &Case, place: &str, way: Way) -> Counts {
    let begun = Instant::now();
    let (times, at_a_time) = if way == Way::AtOnce { (repeats(), 3) } else { (repeats().div_ceil(10), 2) };
    let crashes = together(times, at_a_time, || check(program, case, place, way));
    let count = |is: fn(&Crash) -> bool| crashes.iter().filter(|crash| is(crash)).count();
    let (at_once, named) = (count(|crash| crash.at_once), count(|crash| crash.is_named));
    println!(
        "{:14} {place:6} {way:?}: ok, {times} times, {at_once} at once, {} cut off, {named} named, in {:?}",
        case.kind,
        count(|crash| crash.is_cut_off),
        begun.elapsed()
    );
    // What a broken heap lets the dying process do is luck.
    let is_expected = way == Way::AtOnce && case.kind != "heap";
    let only_if = |is: bool, number: usize| if is { number } else { 0 };
    Counts {
        crashes: times,
        nameable: only_if(!case.function.is_empty(), times),
        named,
        in_time: only_if(is_expected, times),
        early: only_if(is_expected, at_once),
        without_memory: only_if(way == Way::Record && case.kind != "heap", times),
    }
}

/// Does something so often, on so many threads.
fn together<T: Send>(times: usize, at_a_time: usize, run: impl Fn() -> T + Sync) -> Vec<T> {
    let left = AtomicUsize::new(times);
    let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    let work = || std::iter::from_fn(|| take().then(&run)).collect::<Vec<T>>();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..at_a_time.min(times)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no failure")).collect()
    })
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

/// The child; in the long form as it would be released, with line tables.
fn build() -> PathBuf {
    if let Some(built) = std::env::var_os("CRASHING") {
        return built.into();
    }
    let (profile, folder) = if is_long() { ("lines", "lines") } else { ("dev", "debug") };
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("crashing");
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--package", "crashing", "--features", "crash-handler"]);
    command.args(["--profile", profile, "--target-dir"]).arg(&target);
    let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo starts");
    assert!(status.success(), "cargo build");
    target.join(folder).join("crashing")
}
