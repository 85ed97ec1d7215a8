//! The process that is measured.

use std::fs;
use std::hint::black_box;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ours::options::{CacheOptions, CachePolicy, FloodControl};
use ours::{ClientOptions, Level};

use super::{Way, capture, panic, work};
use crate::alloc;
use crate::burst::process;

/// `spool-client WHAT WAY DSN CACHE`.
pub fn client(arguments: &[&str]) {
    let [what, way, dsn, cache] = arguments[..] else { panic!("spool-client WHAT WAY DSN CACHE") };
    let way = Way::parse(way);
    // Before anybody else's: ours calls it, and so does the official crate's.
    std::panic::set_hook(Box::new(|_| {}));
    match what {
        "panic" => panics(way, dsn, cache),
        "capture" => captures(&init(way, dsn, cache)),
        "work" => works(&init(way, dsn, cache)),
        "fill" => fills(&init(way, dsn, cache)),
        "drain" => drains(way, dsn, cache),
        _ => panic!("what is {what}?"),
    }
}

fn init(way: Way, dsn: &str, cache: &str) -> ours::ClientInitGuard {
    let cache = CacheOptions {
        dir: (way != Way::Memory).then(|| cache.into()),
        policy: if way == Way::Always { CachePolicy::Always } else { CachePolicy::OnFailure },
        max_items: 100_000,
        max_bytes: 1 << 30,
        pace: Duration::ZERO,
        ..CacheOptions::default()
    };
    let options = ClientOptions::new().dsn(dsn).release("bench@1.0.0").cache(cache);
    ours::init(options.flood_control(FloodControl::off()).shutdown_timeout(Duration::from_secs(90)))
}

/// Microseconds of a panic: the least, the median, the 99th percentile; and what its thread has run, on average, which a busy
/// machine does not change much.
fn panics(way: Way, dsn: &str, cache: &str) {
    let (mut by_ours, mut by_official) = (None, None);
    match way {
        Way::Nothing => {}
        Way::Official => by_official = Some(official::init((dsn, official::ClientOptions::new()))),
        _ => by_ours = Some(init(way, dsn, cache)),
    }
    let one = || {
        let time = deeper(30);
        // Long enough for what one panic leaves to the worker.
        std::thread::sleep(Duration::from_millis(3));
        time.as_nanos() as f64 / 1e3
    };
    // The first ones load what the later ones have.
    (0..100).for_each(|_| _ = one());
    let before = run_time(Path::new("/proc/thread-self"));
    let mut times: Vec<f64> = (0..panic::PANICS).map(|_| one()).collect();
    let run =
        (run_time(Path::new("/proc/thread-self")) - before).as_nanos() as f64 / 1e3 / panic::PANICS as f64;
    times.sort_by(f64::total_cmp);
    println!("{} {} {} {run}", times[0], times[times.len() / 2], times[times.len() * 99 / 100]);
    drop((by_ours, by_official));
}

/// A panic below so many frames, caught on top of them.
#[inline(never)]
fn deeper(depth: u32) -> Duration {
    if depth > 0 {
        return black_box(deeper(black_box(depth - 1)));
    }
    let start = Instant::now();
    let _ = std::panic::catch_unwind(|| panic!("the bench panics"));
    start.elapsed()
}

/// Nanoseconds and allocations of a capture, in the best round.
fn captures(guard: &ours::ClientInitGuard) {
    let mut best = (f64::INFINITY, f64::INFINITY);
    for _ in 0..capture::ROUNDS {
        let (before, start) = (alloc::so_far(), Instant::now());
        capture_calls();
        let nanos = start.elapsed().as_nanos() as f64 / capture::CALLS as f64;
        let allocations = (alloc::so_far() - before) as f64 / capture::CALLS as f64;
        best = (best.0.min(nanos), best.1.min(allocations));
        guard.flush(None);
    }
    println!("{} {}", best.0, best.1);
}

/// A name for callgrind's `--toggle-collect`.
#[inline(never)]
fn capture_calls() {
    for _ in 0..capture::CALLS {
        let _ = black_box(ours::capture_message(black_box("something happened"), Level::Info));
    }
}

/// Microseconds of the worker for each event of 20 KB, and in all.
fn works(guard: &ours::ClientInitGuard) {
    let text: String =
        (0..20_000 / 8).map(|n: u32| format!("{:07x} ", n.wrapping_mul(2_654_435_761) >> 4)).collect();
    let send = |events: usize| {
        for n in 0..events {
            let extra = [("payload".to_owned(), ours::protocol::Value::from(text.as_str()))];
            ours::capture_event(ours::protocol::Event {
                message: Some(format!("order {n} was shipped")),
                extra: extra.into_iter().collect(),
                ..Default::default()
            });
            if n % 50 == 49 {
                guard.flush(None);
            }
        }
    };
    send(200);
    let before = worker_time();
    send(work::EVENTS);
    println!("{}", (worker_time() - before).as_nanos() as f64 / 1e3 / work::EVENTS as f64);
}

/// What the worker has run.
fn worker_time() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten().map(|task| task.path());
    let is_worker =
        |task: &PathBuf| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.starts_with("sentry"));
    tasks.filter(is_worker).map(|task| run_time(&task)).sum()
}

/// What a thread has run, to the nanosecond.
fn run_time(task: &Path) -> Duration {
    let text = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0))
}

/// Leaves as many envelopes as the environment says.
fn fills(guard: &ours::ClientInitGuard) {
    let count: usize = std::env::var("COUNT").ok().and_then(|count| count.parse().ok()).expect("COUNT");
    for n in 0..count {
        let _ = ours::capture_message(&format!("order {n} was shipped"), Level::Info);
        if n % 1_000 == 999 {
            // More would not wait in memory.
            guard.flush(Some(Duration::from_millis(500)));
        }
    }
}

/// Says when it starts and when it is done with that, and stays until its input ends.
fn drains(way: Way, dsn: &str, cache: &str) {
    let before = process::resident();
    println!("start");
    let start = Instant::now();
    let guard = init(way, dsn, cache);
    println!("init {}", start.elapsed().as_micros());
    // Nothing is captured: what lies there is reason enough to send it.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    println!("memory {}", process::peak().saturating_sub(before));
    println!("left {}", files(Path::new(cache)));
    drop(guard);
}

fn files(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let count = |path: &Path| {
        if path.is_dir() {
            files(path)
        } else {
            usize::from(path.extension().is_some_and(|end| end == "env"))
        }
    };
    entries.map(|entry| count(&entry.path())).sum()
}
