//! The process that is measured.

use std::hint::black_box;
use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use ours::ClientOptions;
use ours::options::FloodControl;

const ROUNDS: usize = 200;
/// In a round; few enough for the queue.
const PANICS: usize = 50;

const THREADS: usize = 8;
const EACH: usize = 10_000 / THREADS;

type Guards = (Option<ours::ClientInitGuard>, Option<official::ClientInitGuard>);

/// `panics-client WHAT WAY DSN`.
pub fn client(arguments: &[&str]) {
    let [what, way, dsn] = arguments[..] else { panic!("panics-client WHAT WAY DSN") };
    let begun = Instant::now();
    // Before anybody else's: ours calls it, and so does the official crate's.
    std::panic::set_hook(Box::new(|_| {}));
    let guards = init(way, dsn);
    match what {
        "caught" => caught(&guards),
        "symbols" => symbols(),
        "threads-only" => threads(Duration::ZERO, begun, guards),
        "threads-work" => threads(Duration::from_micros(250), begun, guards),
        _ => panic!("what is {what}?"),
    }
}

fn init(way: &str, dsn: &str) -> Guards {
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

/// Seconds until the threads have ended, and until the guard is dropped.
fn threads(work: Duration, begun: Instant, guards: Guards) {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(move || {
                for _ in 0..EACH {
                    compute(work);
                    deeper(30);
                }
            });
        }
    });
    let worked = start.elapsed();
    drop(guards);
    println!("{} {}", worked.as_secs_f64(), begun.elapsed().as_secs_f64());
}

/// As many additions as take so long on a core of its own.
fn compute(time: Duration) {
    let additions = time.as_nanos() as u64 * 2;
    black_box((0..additions).fold(0_u64, |sum, n| black_box(sum.wrapping_add(n))));
}

/// A panic below so many frames, caught on top of them.
#[inline(never)]
fn deeper(depth: u32) -> Duration {
    if depth > 0 {
        return black_box(deeper(black_box(depth - 1)));
    }
    let start = Instant::now();
    let _ = catch_unwind(|| panic!("the bench panics"));
    start.elapsed()
}
