//! The ids of traces and spans.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::rng;

/// The text is no trace id or no span id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseTraceIdError;

impl fmt::Display for ParseTraceIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid id, expected 32 hexadecimal digits for a trace, 16 for a span")
    }
}

impl Error for ParseTraceIdError {}

macro_rules! hex_id {
    ($name:ident, $length:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name([u8; $length]);

        impl $name {
            /// Its bytes.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; $length] {
                self.0
            }
        }

        impl Default for $name {
            /// A random id.
            fn default() -> Self {
                Self(rng::bytes())
            }
        }

        impl From<[u8; $length]> for $name {
            fn from(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }
        }

        impl FromStr for $name {
            type Err = ParseTraceIdError;

            fn from_str(text: &str) -> Result<Self, ParseTraceIdError> {
                parse(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseTraceIdError;

            fn try_from(text: String) -> Result<Self, ParseTraceIdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl Serialize for $name {
            // Each span has three of them: none takes a text on the heap.
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(write(&self.0, &mut [0; 2 * $length]))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut digits = [0; 2 * $length];
                f.write_str(write(&self.0, &mut digits))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

hex_id!(TraceId, 16, "The id of a trace: 32 hexadecimal digits.");
hex_id!(SpanId, 8, "The id of a span: 16 hexadecimal digits.");

/// Reads two digits a byte. The dashes of a UUID are accepted.
fn parse<const N: usize>(text: &str) -> Result<[u8; N], ParseTraceIdError> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut digits = text.bytes().filter(|byte| *byte != b'-').map(digit);
    let mut next = || digits.next().flatten().ok_or(ParseTraceIdError);
    let mut bytes = [0; N];
    for byte in &mut bytes {
        *byte = next()? << 4 | next()?;
    }
    if digits.next().is_none() { Ok(bytes) } else { Err(ParseTraceIdError) }
}

/// Writes two digits a byte into `digits`, which has twice the length of `bytes`.
fn write<'a>(bytes: &[u8], digits: &'a mut [u8]) -> &'a str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0xf)];
    }
    // Always valid: the digits are ASCII.
    std::str::from_utf8(digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_lower_case_hexadecimal_text() {
        let text = "09b2a2bd5c7f4d0a8f6f1c3c0a7fe901";
        for form in [text.to_owned(), text.to_uppercase(), "09b2a2bd-5c7f-4d0a-8f6f-1c3c0a7fe901".to_owned()]
        {
            let id: TraceId = form.parse().unwrap();
            assert_eq!(id.to_string(), text);
            assert_eq!(serde_json::to_value(id).unwrap(), json!(text));
            assert_eq!(serde_json::from_value::<TraceId>(json!(form)).unwrap(), id);
        }
        assert_eq!(SpanId::from([1; 8]).to_string(), "0101010101010101");
        assert_eq!(format!("{:?}", SpanId::from([1; 8])), "SpanId(0101010101010101)");
    }

    #[test]
    fn junk_is_refused() {
        for text in
            ["", "0", "010101010101010", "01010101010101010", "010101010101010x", "ffffffffffffffﬀ", ",,,:;:"]
        {
            assert_eq!(text.parse::<SpanId>(), Err(ParseTraceIdError), "{text}");
        }
        assert!(serde_json::from_value::<TraceId>(json!(1)).is_err());
    }

    #[test]
    fn default_ids_are_random() {
        assert_ne!(TraceId::default(), TraceId::default());
        assert_ne!(SpanId::default(), SpanId::from([0; 8]));
    }
}
