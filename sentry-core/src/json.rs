//! JSON written by hand, for what is written on the thread of the application: logs, metrics and spans.
//!
//! The same bytes, up to the digits of a time, as `serde_json` writes; nothing here allocates but the buffer.

#[cfg(any(feature = "logs", feature = "metrics", test))]
use std::time::{SystemTime, UNIX_EPOCH};

/// A text, with its quotes.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: &u8| *byte >= b' ' && *byte != b'"' && *byte != b'\\';
    if text.as_bytes().iter().all(is_plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // Writing text into memory does not fail.
        let _ = serde_json::to_writer(out, text);
    }
}

/// A whole number.
pub(crate) fn unsigned(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0_u8; 20];
    let mut start = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        start -= 1;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

/// The same with a sign.
pub(crate) fn signed(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
    unsigned(out, number.unsigned_abs());
}

/// A number. What is not finite is `null`.
#[cfg(any(feature = "metrics", test))]
pub(crate) fn float(out: &mut Vec<u8>, number: f64) {
    // Counters count by whole numbers.
    if number.fract() == 0.0 && number.abs() < 1e15 && !(number == 0.0 && number.is_sign_negative()) {
        signed(out, number as i64);
        out.extend_from_slice(b".0");
    } else {
        let _ = serde_json::to_writer(out, &number);
    }
}

/// A time as seconds with microseconds. What is before 1970 is 1970.
#[cfg(any(feature = "logs", feature = "metrics", test))]
pub(crate) fn time(out: &mut Vec<u8>, time: SystemTime) {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    unsigned(out, since.as_secs());
    let mut rest = since.subsec_micros();
    if rest > 0 {
        let mut digits = *b".000000";
        for digit in digits[1..].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out.extend_from_slice(&digits);
    }
}

/// Bytes as lower-case hexadecimal digits, with quotes.
#[cfg(any(feature = "logs", feature = "metrics", test))]
pub(crate) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in bytes {
        let pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        out.extend_from_slice(&pair);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_writes_what_serde_writes() {
        for sample in ["", "plain", "a \"quote\"", "back\\slash", "line\nbreak", "\u{7f}\u{0}", "ünï 🦀"]
        {
            assert_eq!(written(|out| text(out, sample)), serde_json::to_string(sample).unwrap());
        }
        for number in [0, 1, -1, 42, i64::MAX, i64::MIN] {
            assert_eq!(written(|out| signed(out, number)), number.to_string());
        }
        assert_eq!(written(|out| unsigned(out, u64::MAX)), u64::MAX.to_string());
        for number in [0.0, -0.0, 1.0, -7.0, 0.1, 1e15, 123_456_789_012_345.0, 1e300, f64::MIN_POSITIVE] {
            assert_eq!(written(|out| float(out, number)), serde_json::to_string(&number).unwrap());
        }
        assert_eq!(written(|out| float(out, f64::NAN)), "null");
        assert_eq!(written(|out| hex(out, &[0, 0x1f, 0xff])), "\"001fff\"");
    }

    #[test]
    fn a_time_is_seconds_with_microseconds() {
        let at = |micros| written(|out| time(out, UNIX_EPOCH + Duration::from_micros(micros)));
        assert_eq!(at(1_700_000_000_000_000), "1700000000");
        assert_eq!(at(1_700_000_000_000_042), "1700000000.000042");
        assert_eq!(at(1_700_000_000_500_000), "1700000000.500000");
        assert_eq!(written(|out| time(out, UNIX_EPOCH - Duration::from_secs(1))), "0");
    }
}
