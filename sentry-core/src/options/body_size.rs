//! How much of a request body may be captured.

/// The largest request body that integrations of web frameworks capture.
///
/// Bodies are captured only if the options allow personal data at all.
///
/// ```
/// use sentry_core::MaxRequestBodySize;
///
/// assert!(MaxRequestBodySize::Medium.is_within_size_limit(10_000));
/// assert!(!MaxRequestBodySize::Small.is_within_size_limit(1_001));
/// ```
// Exhaustive, and in the order of the sizes: applications match on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaxRequestBodySize {
    /// No body at all.
    None,
    /// Up to 1,000 bytes.
    Small,
    /// Up to 10,000 bytes.
    #[default]
    Medium,
    /// Every body.
    Always,
    /// Up to this many bytes.
    Explicit(usize),
}

impl MaxRequestBodySize {
    /// Whether a body of `size` bytes may be captured.
    #[must_use]
    pub fn is_within_size_limit(&self, size: usize) -> bool {
        match *self {
            Self::None => false,
            Self::Small => size <= 1_000,
            Self::Medium => size <= 10_000,
            Self::Always => true,
            Self::Explicit(limit) => size <= limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MaxRequestBodySize::{self, *};

    #[test]
    fn limits_include_their_bound() {
        let table: [(MaxRequestBodySize, usize, bool); 9] = [
            (None, 0, false),
            (Small, 1_000, true),
            (Small, 1_001, false),
            (Medium, 10_000, true),
            (Medium, 10_001, false),
            (Always, usize::MAX, true),
            (Explicit(0), 0, true),
            (Explicit(5), 5, true),
            (Explicit(5), 6, false),
        ];
        for (limit, size, expected) in table {
            assert_eq!(limit.is_within_size_limit(size), expected, "{limit:?} {size}");
        }
    }
}
