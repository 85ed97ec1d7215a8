//! The random number of a trace: every service compares its rate with the same number, so that traces are kept whole.

use std::fmt;

use crate::options::SampleRate;
use crate::protocol::TraceId;

/// A number in `[0, 1)` with six decimals, as millionths (protocol.md 9.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rand(u32);

const ONE: u32 = 1_000_000;

impl Rand {
    /// How many numbers there are.
    pub(super) const ONE: u32 = ONE;

    /// The number of a trace that nobody has given one: derived from its id, so that it need not be remembered.
    pub(super) fn of_trace(trace_id: TraceId) -> Self {
        Self(scale(unit(trace_id), 0, ONE))
    }

    /// The number of a trace whose decision is known, but not its number: one that leads to that decision.
    pub(super) fn of_decision(trace_id: TraceId, sampled: bool, rate: SampleRate) -> Self {
        let bound = threshold(rate).ceil() as u32;
        let (low, high) = if sampled { (0, bound.max(1)) } else { (bound.min(ONE - 1), ONE) };
        Self(scale(unit(trace_id), low, high))
    }

    /// How many numbers are below the rate.
    pub(super) fn kept_at(rate: SampleRate) -> u32 {
        threshold(rate).ceil() as u32
    }

    /// A trace that was decided on before it had an id: two random numbers, of which one is in `[0, 1)`, make it one whose
    /// number leads to that decision.
    pub(super) fn trace_id(sampled: bool, rate: SampleRate, unit: f64, random: u64) -> TraceId {
        let bound = Self::kept_at(rate).clamp(1, ONE - 1);
        let Self(number) = Self(if sampled { scale(unit, 0, bound) } else { scale(unit, bound, ONE) });
        // From the middle of what is rounded to the number.
        let middle = (f64::from(number) + 0.5) / f64::from(ONE);
        let low = random;
        let high =
            unmixed(((middle * (1u64 << 53) as f64) as u64) << 11 | (random >> 53)) ^ low.rotate_left(32);
        TraceId::from((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
    }

    /// Reads one from a header. More than six decimals are cut off.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let number: f64 = text.parse().ok()?;
        // The small addend keeps `0.29` from becoming 289,999 millionths.
        (0.0..1.0).contains(&number).then(|| Self(((number * f64::from(ONE) + 1e-6) as u32).min(ONE - 1)))
    }

    /// The decision: below the rate, for every service alike.
    pub(super) fn is_kept_at(self, rate: SampleRate) -> bool {
        let (number, exact) = (f64::from(self.0), exact(rate));
        // Only at the border does it matter what exactly the rate is.
        if (number - exact).abs() > 1.0 { number < exact } else { number < threshold(rate) }
    }
}

impl fmt::Display for Rand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0.{:06}", self.0)
    }
}

fn exact(rate: SampleRate) -> f64 {
    f64::from(rate.get()) * f64::from(ONE)
}

/// A rate in millionths. `0.3` as an `f32` is a little more than 0.3; on the wire it is 0.3 again.
fn threshold(rate: SampleRate) -> f64 {
    let exact = exact(rate);
    let whole = exact.round();
    if (exact - whole).abs() < 0.05 && whole > 0.0 { whole } else { exact }
}

/// 53 well mixed bits of the id in `[0, 1)`: an id of another SDK may be less random than ours.
fn unit(trace_id: TraceId) -> f64 {
    let id = u128::from_be_bytes(trace_id.to_bytes());
    let mut mixed = (id >> 64) as u64 ^ (id as u64).rotate_left(32);
    for factor in [0xbf58_476d_1ce4_e5b9_u64, 0x94d0_49bb_1331_11eb] {
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(factor);
    }
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// What `unit` has mixed to this.
fn unmixed(mixed: u64) -> u64 {
    let mut id = mixed ^ (mixed >> 31) ^ (mixed >> 62);
    // The inverse factors, from the last to the first.
    for factor in [0x3196_42b2_d24d_8ec3_u64, 0x96de_1b17_3f11_9089] {
        id = id.wrapping_mul(factor);
        id = id ^ (id >> 30) ^ (id >> 60);
    }
    id
}

fn scale(unit: f64, low: u32, high: u32) -> u32 {
    let span = high.saturating_sub(low);
    (low + (unit * f64::from(span)) as u32).min(ONE - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ids;

    fn rate(rate: f32) -> SampleRate {
        SampleRate::new(rate).unwrap()
    }

    #[test]
    fn text_has_six_decimals_and_never_reaches_one() {
        for (text, expected) in [
            ("0", "0.000000"),
            ("0.5", "0.500000"),
            ("0.29", "0.290000"),
            ("0.9999999999", "0.999999"),
            ("1e-3", "0.001000"),
            ("0.123456", "0.123456"),
        ] {
            assert_eq!(Rand::parse(text).unwrap().to_string(), expected, "{text}");
        }
        for ugly in ["", "1", "1.0", "-0.1", "NaN", "inf", "0,5", "x", "0.5 "] {
            assert_eq!(Rand::parse(ugly), None, "{ugly}");
        }
    }

    #[test]
    fn numbers_of_traces_are_spread_evenly() {
        let mut buckets = [0u32; 10];
        for _ in 0..20_000 {
            let Rand(number) = Rand::of_trace(ids::trace_id());
            buckets[(number / 100_000) as usize] += 1;
        }
        assert!(buckets.iter().all(|count| (1_700..2_300).contains(count)), "{buckets:?}");
    }

    #[test]
    fn the_number_of_a_trace_is_always_the_same() {
        let id = ids::trace_id();
        assert_eq!(Rand::of_trace(id), Rand::of_trace(id));
    }

    #[test]
    fn a_number_made_for_a_decision_leads_to_it() {
        for value in [0.0, 1e-7, 0.001, 0.3, 0.5, 0.999_999, 1.0] {
            for _ in 0..200 {
                let id = ids::trace_id();
                if value > 0.0 {
                    assert!(Rand::of_decision(id, true, rate(value)).is_kept_at(rate(value)), "{value}");
                }
                if value < 1.0 {
                    assert!(!Rand::of_decision(id, false, rate(value)).is_kept_at(rate(value)), "{value}");
                }
            }
        }
    }

    #[test]
    fn the_border_is_where_the_text_of_the_rate_says() {
        let number = Rand::parse("0.3").unwrap();
        assert!(!number.is_kept_at(rate(0.3)));
        assert!(Rand::parse("0.299999").unwrap().is_kept_at(rate(0.3)));
        assert!(Rand::parse("0.999999").unwrap().is_kept_at(rate(1.0)));
        assert!(!Rand::parse("0").unwrap().is_kept_at(rate(0.0)));
    }
}
