//! The process that is measured.

use std::hint::black_box;
use std::panic::{catch_unwind, set_hook};
use std::time::{Duration, Instant};

use ours::ClientOptions;
use ours::options::FloodControl;

use super::threads;

const ROUNDS: usize = 200;
/// In a round; few enough for the queue.
const PANICS: usize = 50;

pub(super) type Guards = (Option<ours::ClientInitGuard>, Option<official::ClientInitGuard>);

/// `panics-client WHAT WAY DSN`.
pub fn client(arguments: &[&str]) {
    let [what, way, dsn] = arguments[..] else { panic!("panics-client WHAT WAY DSN") };
    if what == "threads" {
        return threads::program(way, dsn);
    }
    // Before anybody else's: ours calls it, and so does the official crate's.
    set_hook(Box::new(|_| {}));
    let guards = init(way, dsn);
    match what {
        "caught" => caught(&guards),
        "first" => first(),
        "symbols" => symbols(),
        _ => panic!("what is {what}?"),
    }
}

pub(super) fn init(way: &str, dsn: &str) -> Guards {
    match way {
        "ours" => {
            let options = ClientOptions::new().dsn(dsn).release("bench@1.0.0");
            (Some(ours::init(options.flood_control(FloodControl::off()))), None)
        }
        "official" => (None, Some(official::init((dsn, official::ClientOptions::new())))),
        _ => (None, None),
    }
}

/// The least and the median nanoseconds.
fn caught(guards: &Guards) {
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        for _ in 0..PANICS {
            let time = deeper(30);
            // The first ones are looked up, and with them how to walk the stack.
            if round >= 5 {
                times.push(time.as_nanos() as f64);
            }
        }
        guards.0.iter().for_each(|guard| _ = guard.flush(None));
        guards.1.iter().for_each(|guard| _ = guard.flush(None));
    }
    times.sort_by(f64::total_cmp);
    println!("{} {}", times[0], times[times.len() / 2]);
}

/// Microseconds and page faults of the process's first panic, and microseconds of its second one.
fn first() {
    let before = faults();
    let first = deeper(30);
    let faults = faults() - before;
    let second = deeper(30);
    println!("{} {faults} {}", first.as_nanos() as f64 / 1e3, second.as_nanos() as f64 / 1e3);
}

/// Pages that this thread was given, without reading them from a disk.
fn faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    after_name.split(' ').nth(7).and_then(|faults| faults.parse().ok()).unwrap_or(0)
}

/// Microseconds of the first panic; the median and the 99th percentile of those in the tenth of a second after it; their number.
fn symbols() {
    let first = deeper(30).as_nanos() as f64 / 1e3;
    let end = Instant::now() + Duration::from_millis(100);
    let mut times = Vec::new();
    while Instant::now() < end {
        times.push(deeper(30).as_nanos() as f64 / 1e3);
        std::thread::sleep(Duration::from_micros(100));
    }
    times.sort_by(f64::total_cmp);
    println!("{first} {} {} {}", times[times.len() / 2], times[times.len() * 99 / 100], times.len());
}

/// A panic below so many frames, caught on top of them.
#[inline(never)]
pub(super) fn deeper(depth: u32) -> Duration {
    if depth > 0 {
        return black_box(deeper(black_box(depth - 1)));
    }
    let start = Instant::now();
    let _ = catch_unwind(|| panic!("the bench panics"));
    start.elapsed()
}
