//! One measured call.

use std::time::{Duration, Instant};

use crate::alloc;

/// What one call costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Nanoseconds, the best round.
    pub nanos: f64,
    /// Allocations, the smallest round.
    pub allocations: f64,
}

impl Cost {
    /// Worse than anything, to take the minimum with.
    pub const WORST: Self = Self { nanos: f64::INFINITY, allocations: f64::INFINITY };

    pub fn min(self, other: Self) -> Self {
        Self { nanos: self.nanos.min(other.nanos), allocations: self.allocations.min(other.allocations) }
    }
}

/// One round: `call` as often as fits in about two milliseconds.
pub fn round(mut call: impl FnMut()) -> Cost {
    let calls = calibrate(&mut call);
    let before = alloc::so_far();
    let start = Instant::now();
    for _ in 0..calls {
        call();
    }
    let nanos = start.elapsed().as_nanos() as f64 / calls as f64;
    let allocations = (alloc::so_far() - before) as f64 / calls as f64;
    Cost { nanos, allocations }
}

/// A round of one single call, for what can only be done once in a while.
pub fn once<T>(call: impl FnOnce() -> T) -> (Cost, T) {
    let before = alloc::so_far();
    let start = Instant::now();
    let result = call();
    let nanos = start.elapsed().as_nanos() as f64;
    (Cost { nanos, allocations: (alloc::so_far() - before) as f64 }, result)
}

fn calibrate(call: &mut impl FnMut()) -> u64 {
    let mut calls = 1;
    loop {
        let start = Instant::now();
        for _ in 0..calls {
            call();
        }
        let elapsed = start.elapsed();
        if elapsed > Duration::from_micros(200) || calls > 1 << 24 {
            return (calls as f64 * 0.002 / elapsed.as_secs_f64().max(1e-9)).max(1.0) as u64;
        }
        calls *= 4;
    }
}
