//! Memory addresses and register values: `"0x…"` on the wire, because JSON numbers are not wide enough.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

fn parse(text: &str) -> Result<u64, ParseIntError> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    }
}

/// Reads a number or text.
struct Hex;

impl Visitor<'_> for Hex {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an unsigned number or a hexadecimal string")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<u64, E> {
        Ok(value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<u64, E> {
        u64::try_from(value).map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        parse(text).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// The longest number in hex, with `0x` before it.
const MAX_DIGITS: usize = 18;

/// A number in hex, without the formatter: a crash has dozens of them, and they are written by the thread that crashes.
fn digits(number: u64, buffer: &mut [u8; MAX_DIGITS]) -> &str {
    let (high, low) = ((number >> 32) as u32, number as u32);
    let (prefix, all) = buffer.split_at_mut(2);
    for (eight, half) in all.as_chunks_mut().0.iter_mut().zip([high, low]) {
        *eight = eight_digits(half);
    }
    prefix.copy_from_slice(b"0x");
    // All of the zeros before it but the last.
    let zeros = (number | 1).leading_zeros() as usize / 4;
    buffer.copy_within(..2, zeros);
    // Nothing but ASCII was written.
    std::str::from_utf8(&buffer[zeros..]).unwrap_or_default()
}

/// All at a time: each half of a byte gets a byte of its own, and those above nine are moved up to the letters.
fn eight_digits(number: u32) -> [u8; 8] {
    const ONES: u64 = u64::from_be_bytes([1; 8]);
    let spread = u64::from(number);
    let spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff;
    let spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff;
    let spread = (spread | spread << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    let letters = ((spread + 6 * ONES) >> 4) & ONES;
    let to_letter = u64::from(b'a' - b'0' - 10);
    (spread + ONES * u64::from(b'0') + letters * to_letter).to_be_bytes()
}

macro_rules! hex_number {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, ParseIntError> {
                parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(digits(self.0, &mut [0; MAX_DIGITS]))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Hex).map(Self)
            }
        }

        impl From<u64> for $name {
            fn from(value: u64) -> Self {
                Self(value)
            }
        }

        impl From<u32> for $name {
            fn from(value: u32) -> Self {
                Self(value.into())
            }
        }

        impl From<i32> for $name {
            /// Negative numbers are sign-extended, as a processor would.
            fn from(value: i32) -> Self {
                Self(i64::from(value).cast_unsigned())
            }
        }

        impl From<usize> for $name {
            fn from(value: usize) -> Self {
                // No platform has addresses of more than 64 bits.
                Self(value as u64)
            }
        }

        impl<T> From<*const T> for $name {
            fn from(pointer: *const T) -> Self {
                pointer.addr().into()
            }
        }

        impl<T> From<*mut T> for $name {
            fn from(pointer: *mut T) -> Self {
                pointer.addr().into()
            }
        }

        impl From<$name> for u64 {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

hex_number!(Addr, "A memory address.");
hex_number!(RegVal, "The value of a processor register.");

impl Addr {
    /// Whether it is zero.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_hexadecimal_text() {
        assert_eq!(serde_json::to_value(Addr(0x1f)).unwrap(), json!("0x1f"));
        assert_eq!(serde_json::to_value(RegVal(u64::MAX)).unwrap(), json!("0xffffffffffffffff"));
        assert_eq!(Addr(0).to_string(), "0x0");
        for number in (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, 0x0123_4567_89ab_cdef >> bit]) {
            assert_eq!(digits(number, &mut [0; MAX_DIGITS]), format!("{number:#x}"));
        }
    }

    #[test]
    fn addresses_are_read_from_numbers_and_text() {
        for json in [json!(31), json!("31"), json!("0x1f"), json!("0X1F")] {
            assert_eq!(serde_json::from_value::<Addr>(json).unwrap(), Addr(31));
        }
        for json in [json!(-1), json!(""), json!("0x"), json!("zz"), json!(1.5), json!("0x1ffffffffffffffff")]
        {
            assert!(serde_json::from_value::<Addr>(json).is_err());
        }
    }

    #[test]
    fn addresses_convert_from_integers_and_pointers() {
        assert_eq!(Addr::from(-1_i32), Addr(u64::MAX));
        assert_eq!(Addr::from(std::ptr::null::<u8>()), Addr(0));
        assert!(Addr::from(std::ptr::null_mut::<u8>()).is_null());
        assert_eq!(u64::from(RegVal::from(7_usize)), 7);
        assert_eq!("0x10".parse(), Ok(RegVal(16)));
    }
}
