//! What a panic takes its thread.

use super::place::Place;
use super::{Way, verdict};

pub(super) const PANICS: usize = 1_000;

/// The first ones load what the later ones have.
pub(super) const WARM: usize = 100;

/// Microseconds, of the median.
const BUDGET: f64 = 150.0;

pub(super) fn measure() {
    println!("a panic below 30 frames, caught; time of its thread      p50       p99     worst   (us)");
    for way in [Way::Nothing, Way::Official, Way::Memory, Way::OnFailure, Way::Always] {
        let place = Place::new("panic");
        let [median, high, worst] = place.run("panic", way)[..] else { panic!("three numbers") };
        let is_limited = matches!(way, Way::OnFailure | Way::Always);
        let end = if is_limited { verdict(median <= BUDGET) } else { "" };
        println!("  {:<48} {median:>9.1} {high:>9.1} {worst:>9.1}   {end}", way.name());
    }
}
