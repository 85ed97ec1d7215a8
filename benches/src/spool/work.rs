//! What an event takes the worker.

use super::place::Place;
use super::{Way, verdict};

pub(super) const EVENTS: usize = 1_000;

/// Microseconds that the cache directory may add.
const BUDGET: f64 = 100.0;

pub(super) fn measure() {
    let mut best = [f64::INFINITY; 3];
    let ways = [Way::Memory, Way::OnFailure, Way::Always];
    for _ in 0..3 {
        for (way, best) in ways.into_iter().zip(&mut best) {
            let [time] = Place::new("work").run("work", way)[..] else { panic!("a number") };
            *best = best.min(time);
        }
    }
    println!("an event of 20 KB, time of the worker                    in all       more   (us)");
    for (way, time) in ways.into_iter().zip(best) {
        let more = time - best[0];
        println!("  {:<48} {time:>10.1} {more:>10.1}   {}", way.name(), verdict(more <= BUDGET));
    }
}
