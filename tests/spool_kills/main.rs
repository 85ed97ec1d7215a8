//! Children killed at random moments, on one cache directory, in front of a server that fails in every way: what was on disk is
//! delivered, nothing else is, and what comes twice has a reason.
//!
//! ```text
//! round (a seed) ──► child ─✗ kill ─► child ─✗ kill ─► … ─► drain ──► books: disk and children against server
//! crowd (a seed) ──► the same with 2 to 8 children at a time
//! ```
//!
//! `SENTRY_TEST_LONG` makes it 2,000 kills of single children and 1,000 in crowds, for which a release build is wanted.
//! `SENTRY_TEST_SEED` (with `crowd:` before it) runs one round again, as a failure prints it. A seed fixes what is captured, the
//! weather and the moments; which instruction a kill falls on is the machine's choice.
#![expect(
    clippy::disallowed_methods,
    reason = "switches come through the environment, and real time is measured"
)]

mod books;
#[path = "../common/cache.rs"]
mod cache;
mod child;
mod disk;
mod mark;
mod random;
mod round;

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::books::Totals;
use crate::child::Order;
use crate::random::mix;
use crate::round::Round;

/// Rounds at a time: a child sleeps more than it works.
const LANES: usize = 3;

/// Enough to see what is wrong.
const MAX_FAILED: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["capture", ref order @ ..] => return child::capture(&Order::read(order)),
        ["drain", ref order @ ..] => return child::drain(&Order::read(order)),
        // What the harness would understand is not for us.
        _ => {}
    }
    if let Ok(seed) = std::env::var("SENTRY_TEST_SEED") {
        let (seed, is_crowd) = seed.strip_prefix("crowd:").map_or((&*seed, false), |seed| (seed, true));
        let seed = u64::from_str_radix(seed.trim_start_matches("0x"), 16).expect("a seed in hex");
        let round = Round::of_seed(seed, is_crowd);
        println!("{round:?}");
        let mut run = Run::default();
        run.enter(seed, is_crowd, round.run());
        assert_eq!(run.failed, 0);
        println!("{:?}", run.totals);
        return;
    }
    let is_long = std::env::var_os("SENTRY_TEST_LONG").is_some();
    let (singles, crowds) = if is_long { (2_000, 1_000) } else { (40, 24) };
    many("killed_at_any_moment_nothing_spooled_is_lost", false, singles);
    many("killed_in_a_crowd_nothing_spooled_is_lost", true, crowds);
}

/// Rounds until so many kills have fallen.
fn many(name: &str, is_crowd: bool, kills: usize) {
    let start = now();
    let shared = Mutex::new(Run::default());
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..if is_crowd { 1 } else { LANES } {
            scope.spawn(|| {
                loop {
                    // The lock must not be held during the round.
                    let seed = lock().next_seed(kills);
                    let Some(seed) = seed else { break };
                    let result = Round::of_seed(seed, is_crowd).run();
                    lock().enter(seed, is_crowd, result);
                }
            });
        }
    });
    let run = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{name}: {} rounds in {:.1?}, {:?}", run.rounds, start.elapsed(), run.totals);
    assert_eq!(run.failed, 0, "{name}: rounds that failed");
    println!("test {name} ... ok");
}

/// What many rounds have come to.
#[derive(Debug, Default)]
struct Run {
    totals: Totals,
    rounds: u64,
    failed: usize,
}

impl Run {
    fn next_seed(&mut self, kills: usize) -> Option<u64> {
        if self.totals.kills >= kills || self.failed >= MAX_FAILED {
            return None;
        }
        self.rounds += 1;
        Some(mix(self.rounds))
    }

    fn enter(&mut self, seed: u64, is_crowd: bool, result: Result<Totals, Vec<String>>) {
        match result {
            Ok(totals) => self.totals.add(&totals),
            Err(wrong) => {
                self.failed += 1;
                let crowd = if is_crowd { "crowd:" } else { "" };
                println!("{} findings; again with SENTRY_TEST_SEED={crowd}{seed:016x}", wrong.len());
                for line in wrong.iter().take(8) {
                    println!("  {}", line.chars().take(600).collect::<String>());
                }
            }
        }
    }
}

fn now() -> Instant {
    Instant::now()
}
