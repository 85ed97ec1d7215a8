//! What a panic takes its thread.

use super::place::Place;
use super::{Way, verdict};

pub(super) const PANICS: usize = 1_000;

/// Microseconds, of the median.
const BUDGET: f64 = 150.0;

pub(super) fn measure() {
    println!(
        "a panic below 30 frames, caught; time of its thread    least       p50       p99       run   (us)"
    );
    for way in [Way::Nothing, Way::Official, Way::Memory, Way::OnFailure, Way::Always] {
        let place = Place::new("panic");
        let [least, median, high, run] = place.run("panic", way)[..] else { panic!("four numbers") };
        let is_limited = matches!(way, Way::OnFailure | Way::Always);
        let end = if is_limited { verdict(median <= BUDGET) } else { "" };
        println!("  {:<46} {least:>11.1} {median:>9.1} {high:>9.1} {run:>9.1}   {end}", way.name());
    }
}
