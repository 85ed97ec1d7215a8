//! What a capture takes its thread.

use super::place::Place;
use super::{Way, verdict};

pub(super) const ROUNDS: usize = 40;

/// In a round; few enough for the queue.
pub(super) const CALLS: usize = 1_000;

const WAYS: [Way; 3] = [Way::Memory, Way::OnFailure, Way::Always];

pub(super) fn measure() {
    let mut best = [(f64::INFINITY, f64::INFINITY); WAYS.len()];
    for _ in 0..5 {
        for (way, best) in WAYS.into_iter().zip(&mut best) {
            let [nanos, allocations] = Place::new("capture").run("capture", way)[..] else {
                panic!("two numbers")
            };
            *best = (best.0.min(nanos), best.1.min(allocations));
        }
    }
    println!("capture_message into the queue, time of its thread              ns   allocations");
    for (way, (nanos, allocations)) in WAYS.into_iter().zip(best) {
        let is_same = allocations <= best[0].1 + 0.05 && nanos <= best[0].0 * 1.1;
        println!("  {:<48} {nanos:>15.1} {allocations:>13.2}   {}", way.name(), verdict(is_same));
    }
}
