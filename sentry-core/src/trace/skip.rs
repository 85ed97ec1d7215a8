//! Deciding on many traces with one random number.
//!
//! Where a rate is all that decides, it is the same whether a number is drawn for each trace, or once in a while how many
//! traces come before the next one that is kept. What is left out then costs one subtraction. The ids of such traces are made
//! to fit the decision, and so is therefore their `sample_rand`: every service that sees them decides alike (protocol.md 9.4).

use std::cell::Cell;

use crate::options::SampleRate;
use crate::rng;
use crate::trace::sample_rand::Rand;

/// A rate above this is not worth the trouble.
const MAX: f32 = 0.5;

thread_local! {
    static AHEAD: Cell<Ahead> = const { Cell::new(Ahead { rate: 0.0, left: 0 }) };
}

/// What was drawn.
#[derive(Clone, Copy)]
struct Ahead {
    /// The rate it was drawn for. 0: nothing was drawn yet.
    rate: f32,
    /// Traces before the next one that is kept.
    left: u32,
}

/// The decision that the next trace is left out. It holds until it is used up.
#[derive(Clone, Copy)]
pub(crate) struct Skip(Ahead);

/// The next trace is left out at `rate`, if that was decided already.
#[inline]
pub(crate) fn next_skip(rate: f32) -> Option<Skip> {
    let ahead = AHEAD.try_with(Cell::get).ok()?;
    // Bit by bit: any difference is reason enough to draw again.
    (ahead.left > 0 && ahead.rate.to_bits() == rate.to_bits()).then_some(Skip(ahead))
}

impl Skip {
    /// That trace is left out.
    #[inline]
    pub(crate) fn use_up(self) {
        let Self(Ahead { rate, left }) = self;
        let _ = AHEAD.try_with(|ahead| ahead.set(Ahead { rate, left: left.wrapping_sub(1) }));
    }
}

/// Whether the next trace is kept at `rate`. `None`: that has to be decided for each.
pub(crate) fn is_next_kept(rate: f32) -> Option<bool> {
    if let Some(skip) = next_skip(rate) {
        skip.use_up();
        return Some(false);
    }
    let is_kept = AHEAD.try_with(|ahead| {
        let known = ahead.get().rate;
        let (is_kept, next) = turn(known, rate)?;
        ahead.set(next);
        Some(is_kept)
    });
    is_kept.ok().flatten()
}

/// None is left before the one that is kept, or the rate has changed, which makes what was drawn worthless.
fn turn(known: f32, rate: f32) -> Option<(bool, Ahead)> {
    let kept = f64::from(kept(rate)?) / f64::from(Rand::ONE);
    let draw = || gap(kept, rng::unit());
    if known == rate {
        return Some((true, Ahead { rate, left: draw() }));
    }
    Some(match draw() {
        0 => (true, Ahead { rate, left: draw() }),
        left => (false, Ahead { rate, left: left - 1 }),
    })
}

/// How many of all numbers of traces are kept at a rate that is worth it.
fn kept(rate: f32) -> Option<u32> {
    let rate = SampleRate::new(rate).filter(|rate| (f32::MIN_POSITIVE..=MAX).contains(&rate.get()))?;
    Some(Rand::kept_at(rate))
}

/// How many are left out before the next one that is kept: geometrically distributed, `unit` being a random number.
fn gap(kept: f64, unit: f64) -> u32 {
    // Saturates where there is none for ever.
    ((1.0 - unit).ln() / (-kept).ln_1p()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ids;

    #[test]
    fn as_many_are_kept_as_the_rate_says() {
        for (rate, low, high) in [(0.5, 98_000, 102_000), (0.1, 19_000, 21_000), (0.01, 1_700, 2_300)] {
            let kept = (0..200_000).filter(|_| is_next_kept(rate) == Some(true)).count();
            assert!((low..high).contains(&kept), "{kept} at {rate}");
        }
    }

    #[test]
    fn a_rate_that_changes_all_the_time_is_kept_nevertheless() {
        let rates = [0.25, 0.125];
        let kept = (0..200_000).filter(|turn| is_next_kept(rates[turn % 2]) == Some(true)).count();
        assert!((36_000..39_000).contains(&kept), "{kept}");
    }

    #[test]
    fn rates_that_are_none_or_high_are_left_to_others() {
        for rate in [0.0, -1.0, f32::NAN, 0.51, 1.0, 2.0, f32::INFINITY] {
            assert_eq!(is_next_kept(rate), None, "{rate}");
        }
    }

    #[test]
    fn gaps_are_as_long_as_the_numbers_say() {
        assert_eq!(gap(0.5, 0.0), 0);
        assert_eq!(gap(0.5, 0.49), 0);
        assert_eq!(gap(0.5, 0.51), 1);
        assert_eq!(gap(0.01, 0.5), 68);
        assert!((36_000_000..37_000_000).contains(&gap(1e-6, 1.0 - 1e-16)));
        assert_eq!(gap(1e-6, 1.0), u32::MAX);
    }

    #[test]
    fn the_ids_of_traces_fit_the_decision() {
        for value in [1e-6, 0.01, 0.3, 0.5] {
            let rate = SampleRate::new(value).unwrap();
            for _ in 0..500 {
                for is_kept in [true, false] {
                    let id = ids::trace_id_of(rate, is_kept);
                    assert_eq!(Rand::of_trace(id).is_kept_at(rate), is_kept, "{value}");
                }
            }
        }
    }
}
