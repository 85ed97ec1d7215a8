//! The random number that a whole trace shares.

use std::error::Error;
use std::fmt;
use std::num::ParseFloatError;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::lenient;

/// A random number in `[0, 1)` that all sampling decisions of a trace compare with.
///
/// Written as text with six decimals, rounded down: it must never become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRand(f64);

/// The number is no [`SampleRand`].
#[derive(Debug)]
pub enum InvalidSampleRandError {
    /// The text is no number.
    InvalidFloat(ParseFloatError),
    /// The number is not within `[0, 1)`.
    OutOfRange,
}

impl fmt::Display for InvalidSampleRandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidFloat(_) => f.write_str("the sample rand is no number"),
            Self::OutOfRange => f.write_str("the sample rand is not within 0 (inclusive) and 1 (exclusive)"),
        }
    }
}

impl Error for InvalidSampleRandError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::InvalidFloat(error) => Some(error),
            Self::OutOfRange => None,
        }
    }
}

impl From<ParseFloatError> for InvalidSampleRandError {
    fn from(error: ParseFloatError) -> Self {
        Self::InvalidFloat(error)
    }
}

impl TryFrom<f64> for SampleRand {
    type Error = InvalidSampleRandError;

    fn try_from(number: f64) -> Result<Self, InvalidSampleRandError> {
        if (0.0..1.0).contains(&number) { Ok(Self(number)) } else { Err(InvalidSampleRandError::OutOfRange) }
    }
}

impl From<SampleRand> for f64 {
    fn from(rand: SampleRand) -> Self {
        rand.0
    }
}

impl FromStr for SampleRand {
    type Err = InvalidSampleRandError;

    fn from_str(text: &str) -> Result<Self, InvalidSampleRandError> {
        text.parse::<f64>()?.try_into()
    }
}

impl fmt::Display for SampleRand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounding instead of flooring first: 0.29 × 10⁶ is less than 290,000.
        let rounded = (self.0 * 1e6).round();
        let millionths = if rounded / 1e6 > self.0 { rounded - 1.0 } else { rounded };
        write!(f, "0.{:06}", millionths as u32)
    }
}

impl Serialize for SampleRand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SampleRand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        lenient::text(deserializer)?.unwrap_or_default().parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn six_decimals_are_written_rounded_down() {
        for (number, text) in [
            (0.0, "0.000000"),
            (-0.0, "0.000000"),
            (0.5, "0.500000"),
            (0.29, "0.290000"),
            (0.123_456, "0.123456"),
            (0.123_456_7, "0.123456"),
            (0.999_999_9, "0.999999"),
            (1.0 - f64::EPSILON, "0.999999"),
            (f64::MIN_POSITIVE, "0.000000"),
        ] {
            assert_eq!(SampleRand::try_from(number).unwrap().to_string(), text);
        }
    }

    #[test]
    fn every_text_of_six_decimals_stays_itself() {
        for millionths in (0..1_000_000).step_by(97) {
            let text = format!("0.{millionths:06}");
            assert_eq!(text.parse::<SampleRand>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn numbers_outside_of_the_range_are_refused() {
        for number in [1.0, -0.1, f64::NAN, f64::INFINITY] {
            assert!(matches!(SampleRand::try_from(number), Err(InvalidSampleRandError::OutOfRange)));
        }
        assert!(matches!("x".parse::<SampleRand>(), Err(InvalidSampleRandError::InvalidFloat(_))));
    }

    #[test]
    fn it_is_text_and_read_from_a_number_too() {
        let rand = SampleRand::try_from(0.25).unwrap();
        assert_eq!(serde_json::to_value(rand).unwrap(), json!("0.250000"));
        for json in [json!("0.25"), json!(0.25)] {
            assert_eq!(serde_json::from_value::<SampleRand>(json).unwrap(), rand);
        }
        assert!(serde_json::from_value::<SampleRand>(json!(null)).is_err());
    }
}
