//! What is captured, the same for both crates.

use std::fmt;

/// An error of a type of its own per `TYPE`; both crates take the name of the type from `Debug`.
pub(super) struct Failure<const TYPE: usize>(pub(super) usize);

const NAMES: [&str; 20] = [
    "ConnectionLost",
    "Timeout",
    "NotFound",
    "Denied",
    "Corrupt",
    "Exhausted",
    "Conflict",
    "Malformed",
    "Expired",
    "Unreachable",
    "Poisoned",
    "Overflow",
    "Underflow",
    "Cancelled",
    "Deadlock",
    "Refused",
    "Truncated",
    "Unsupported",
    "Duplicate",
    "Misplaced",
];

impl<const TYPE: usize> fmt::Debug for Failure<TYPE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAMES[TYPE]).field("order", &self.0).finish()
    }
}

impl<const TYPE: usize> fmt::Display for Failure<TYPE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order {} could not be shipped", self.0)
    }
}

impl<const TYPE: usize> std::error::Error for Failure<TYPE> {}

/// Calls `$capture(&Failure::<K>(n))` for the type that is number `n`'s turn.
macro_rules! failure_of {
    ($n:expr, $capture:path, $($type:literal)*) => {
        match $n % 20 {
            $($type => _ = $capture(&$crate::burst::events::Failure::<$type>($n)),)*
            _ => unreachable!(),
        }
    };
}
pub(super) use failure_of;

pub(super) const fn name(n: usize) -> &'static str {
    NAMES[n % 20]
}
