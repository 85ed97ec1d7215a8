//! A program that panics 10,000 times in 8 threads, and what the SDK adds while the server takes everything and never answers.
//!
//! Programs without the SDK and with ours take turns, so that whatever else the machine does hits both. Two times are taken
//! of each: until the threads of the program have ended, and until the process has, which with the SDK includes the two
//! seconds that its guard gives the server. The CPU time tells how much of the difference is work, and whose.

use std::hint::black_box;
use std::panic::set_hook;
use std::path::Path;
use std::process::exit;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use super::client::{Guards, deeper, init};
use super::{WAYS, run, verdict};

const THREADS: usize = 8;
const PANICS: usize = 10_000;

/// Turns of each way.
const ROUNDS: usize = 15;

/// How much longer a program may take.
const LONGER: f64 = 1.1;

/// How long a program may take. A panic hook that waits for the server makes it take an hour.
const PATIENCE: Duration = Duration::from_secs(60);
const OFFICIAL_PATIENCE: Duration = Duration::from_secs(6);

/// What a program does beside panicking, and what it would say without the SDK.
#[derive(Clone, Copy)]
struct Program {
    name: &'static str,
    title: &'static str,
    is_silent: bool,
    backtrace: &'static str,
    work: Duration,
    is_limited: bool,
}

const PROGRAMS: [Program; 4] = [
    Program {
        name: "silent",
        title: "nothing but panics, an empty hook",
        is_silent: true,
        backtrace: "0",
        work: Duration::ZERO,
        is_limited: false,
    },
    Program {
        name: "plain",
        title: "nothing but panics, std's hook prints",
        is_silent: false,
        backtrace: "0",
        work: Duration::ZERO,
        is_limited: false,
    },
    Program {
        name: "backtrace",
        title: "nothing but panics, std's hook, RUST_BACKTRACE=1",
        is_silent: false,
        backtrace: "1",
        work: Duration::ZERO,
        is_limited: true,
    },
    Program {
        name: "work",
        title: "a panic for 0.25 ms of work, std's hook prints",
        is_silent: false,
        backtrace: "0",
        work: Duration::from_micros(250),
        is_limited: true,
    },
];

/// What one run took: seconds until the threads had ended and until the process had, CPU milliseconds of the program's threads
/// and of the SDK's, and how many panics there were.
struct Run {
    work: f64,
    whole: f64,
    own: f64,
    sdk: f64,
    panics: f64,
}

/// `panics threads [PROGRAM]`.
pub(super) fn measure(only: &[&str]) {
    println!(
        "10,000 panics in 8 threads, no answer from the server   until they end (ms)     to the exit (ms)   CPU (ms)"
    );
    println!(
        "                                                           least    median      least    median    program   SDK's threads"
    );
    for program in PROGRAMS.iter().filter(|program| only.is_empty() || only.contains(&program.name)) {
        println!("  {}", program.title);
        let mut runs = [const { Vec::new() }; 3];
        runs[1].push(program.run("official"));
        for _ in 0..ROUNDS {
            runs[0].push(program.run("nothing"));
            runs[2].push(program.run("ours"));
        }
        let [least, median] = figures(&runs[0], |run| run.work * 1e3);
        let base = [least, median, figures(&runs[0], |run| run.own)[0]];
        for (way, runs) in WAYS.into_iter().zip(&runs) {
            let is_limited = way == "ours" && program.is_limited;
            print_row(way, runs, base, is_limited);
        }
    }
}

fn print_row(way: &str, runs: &[Run], base: [f64; 3], is_limited: bool) {
    let done = runs[0].panics;
    if done < PANICS as f64 {
        let seconds = runs[0].work;
        println!(
            "    {way:<44} stopped after {done:.0} panics in {seconds:.1} s: {:.0} minutes for all",
            seconds * PANICS as f64 / done / 60.0
        );
        return;
    }
    let [work, median] = figures(runs, |run| run.work * 1e3);
    let [whole, whole_median] = figures(runs, |run| run.whole * 1e3);
    let [own, _] = figures(runs, |run| run.own);
    let [sdk, _] = figures(runs, |run| run.sdk);
    let ratios = [work / base[0], median / base[1], (own + sdk) / base[2]];
    // Eight threads leave no core idle, so the CPU time is the time, without that of everybody else on the machine.
    let end = if is_limited { verdict(ratios[2] <= LONGER) } else { "" };
    println!(
        "    {way:<44} {work:>9.1} {median:>9.1}   {whole:>9.1} {whole_median:>9.1}   {own:>8.1} {sdk:>8.1}   x{:.3} x{:.3}, CPU x{:.3}   {end}",
        ratios[0], ratios[1], ratios[2],
    );
}

/// The least and the median.
fn figures(runs: &[Run], of: impl Fn(&Run) -> f64) -> [f64; 2] {
    let mut figures: Vec<f64> = runs.iter().map(of).collect();
    figures.sort_by(f64::total_cmp);
    [figures[0], figures[figures.len() / 2]]
}

impl Program {
    fn run(&self, way: &str) -> Run {
        let begun = Instant::now();
        let numbers =
            run("threads", way, super::NEVER, &[("PANICS", self.name), ("RUST_BACKTRACE", self.backtrace)]);
        let [work, own, sdk, panics] = numbers[..] else { panic!("four numbers") };
        Run { work, whole: begun.elapsed().as_secs_f64(), own, sdk, panics }
    }
}

/// The program.
pub(super) fn program(way: &str, dsn: &str) {
    let name = env::var("PANICS").unwrap_or_default();
    let Some(program) = PROGRAMS.iter().find(|program| program.name == name) else {
        panic!("no program {name}")
    };
    if program.is_silent {
        set_hook(Box::new(|_| {}));
    }
    let guards: Guards = init(way, dsn);
    let patience = if way == "official" { OFFICIAL_PATIENCE } else { PATIENCE };
    let begun = Instant::now();
    let (ended, all) = mpsc::channel();
    for _ in 0..THREADS {
        let ended = ended.clone();
        thread::spawn(move || ended.send(panics(program.work)));
    }
    let next = |_| all.recv_timeout(patience.saturating_sub(begun.elapsed())).ok();
    let own: Option<u64> = (0..THREADS).map(next).sum();
    let (work, sdk) = (begun.elapsed().as_secs_f64(), cpu_of_the_sdk() as f64 / 1e6);
    println!("{work} {} {sdk} {}", own.unwrap_or(0) as f64 / 1e6, DONE.load(Relaxed));
    if own.is_none() {
        // Threads that wait for the server do not end.
        exit(0);
    }
    drop(guards);
}

/// How many panics there have been.
static DONE: AtomicUsize = AtomicUsize::new(0);

/// What a thread's share of the panics costs it, in nanoseconds.
fn panics(work: Duration) -> u64 {
    for _ in 0..PANICS / THREADS {
        compute(work);
        deeper(30);
        DONE.fetch_add(1, Relaxed);
    }
    // The kernel adds up what a thread has used when it looks for another one.
    thread::yield_now();
    cpu("/proc/thread-self/schedstat")
}

/// Of the threads of the SDK.
fn cpu_of_the_sdk() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten().map(|task| task.path());
    let is_sdk =
        |task: &Path| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.starts_with("sentry-w"));
    tasks.filter(|task| is_sdk(task)).map(|task| cpu(&task.join("schedstat").to_string_lossy())).sum()
}

fn cpu(path: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0)
}

/// As many additions as take so long on a core of its own.
fn compute(time: Duration) {
    let additions = time.as_nanos() as u64 * 2;
    black_box((0..additions).fold(0_u64, |sum, n| black_box(sum.wrapping_add(n))));
}
