//! When and where a record was captured.
//!
//! That is all of a record that is new each time, so it is not written piece by piece: digits are put into a text that is
//! ready, all at once where that can be done.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::json;
use crate::protocol::{SpanId, TraceId};

/// The time, the trace and the span of a log or a metric.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) timestamp: SystemTime,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: Option<SpanId>,
}

const READY: &[u8; 76] =
    b",\"timestamp\":0000000000.000000,\"trace_id\":\"00000000000000000000000000000000\"";
const READY_SPAN: &[u8; 30] = b",\"span_id\":\"0000000000000000\"}";

impl Place {
    /// Writes it as the last members of an object, and closes the object.
    pub(crate) fn close(&self, out: &mut Vec<u8>) {
        let mut ready = *READY;
        ready[43..75].copy_from_slice(hex(&self.trace_id.to_bytes()).as_flattened());
        match digits(self.timestamp) {
            Some(([high @ .., a, b], [c, d, low @ ..])) => {
                ready[13..19].copy_from_slice(&high);
                ready[19..23].copy_from_slice(&[a, b, c, d]);
                ready[24..30].copy_from_slice(&low);
                out.extend_from_slice(&ready);
            }
            None => {
                out.extend_from_slice(&ready[..13]);
                time(out, self.timestamp);
                out.extend_from_slice(&ready[30..]);
            }
        }
        match self.span_id {
            Some(span_id) => {
                let mut ready = *READY_SPAN;
                ready[12..28].copy_from_slice(hex(&span_id.to_bytes()).as_flattened());
                out.extend_from_slice(&ready);
            }
            None => out.push(b'}'),
        }
    }
}

/// The sixteen digits of a time in microseconds; `None` if it has more or fewer (before 2001, after 2286), or if it is a whole
/// number of seconds, which is written as one.
fn digits(time: SystemTime) -> Option<([u8; 8], [u8; 8])> {
    const EIGHT: u64 = 100_000_000;
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    let micros = since.subsec_micros();
    let seconds = since.as_secs();
    if micros == 0 || !(1_000_000_000..10_000_000_000).contains(&seconds) {
        return None;
    }
    let all = seconds * 1_000_000 + u64::from(micros);
    Some((eight(all / EIGHT), eight(all % EIGHT)))
}

/// The digits of a number below 100,000,000: halves, then pairs, then digits, all of a step side by side in one word.
fn eight(number: u64) -> [u8; 8] {
    let halves = number / 10_000 | (number % 10_000) << 32;
    // 10486 / 2^20 is a bit more than 1 / 100, 103 / 2^10 a bit more than 1 / 10: right for all that fits there.
    let hundreds = (halves * 10_486) >> 20 & 0x0000_007f_0000_007f;
    let pairs = hundreds | (halves - hundreds * 100) << 16;
    let tens = (pairs * 103) >> 10 & 0x000f_000f_000f_000f;
    let single = tens | (pairs - tens * 10) << 8;
    (single | u64::from_ne_bytes([b'0'; 8])).to_le_bytes()
}

/// A time as seconds, with microseconds if there are any. What is before 1970 is 1970.
#[cold]
fn time(out: &mut Vec<u8>, time: SystemTime) {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    json::unsigned(out, since.as_secs());
    let micros = since.subsec_micros();
    if micros > 0 {
        let [_, _, fraction @ ..] = eight(micros.into());
        out.push(b'.');
        out.extend_from_slice(&fraction);
    }
}

/// Bytes as lower-case hexadecimal digits. Without a branch or a table, so that the compiler takes all bytes at a time.
fn hex<const N: usize>(bytes: &[u8; N]) -> [[u8; 2]; N] {
    let digit = |half: u8| half + b'0' + if half > 9 { b'a' - b'9' - 1 } else { 0 };
    let mut digits = [[0; 2]; N];
    for (pair, byte) in digits.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn written(micros: u64, span_id: Option<SpanId>) -> String {
        let mut out = b"{\"a\":1".to_vec();
        let timestamp = UNIX_EPOCH + Duration::from_micros(micros);
        let trace_id = TraceId::from([0, 1, 0x1f, 0xff, 0x99, 0x9a, 0xa9, 7, 8, 9, 10, 11, 12, 13, 14, 0xf0]);
        Place { timestamp, trace_id, span_id }.close(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn timestamp(micros: u64) -> String {
        let text = written(micros, None);
        let (before, rest) = text.split_once("\"timestamp\":").unwrap();
        let (time, rest) = rest.split_once(',').unwrap();
        assert_eq!((before, rest), ("{\"a\":1,", "\"trace_id\":\"00011fff999aa90708090a0b0c0d0ef0\"}"));
        time.to_owned()
    }

    #[test]
    fn a_time_is_seconds_with_microseconds() {
        assert_eq!(timestamp(1_700_000_000_000_000), "1700000000");
        assert_eq!(timestamp(1_700_000_000_000_042), "1700000000.000042");
        assert_eq!(timestamp(1_700_000_000_500_000), "1700000000.500000");
        assert_eq!(timestamp(999_999_999_000_001), "999999999.000001");
        assert_eq!(timestamp(1_234_567_890_123_456), "1234567890.123456");
        assert_eq!(timestamp(9_999_999_999_999_999), "9999999999.999999");
        assert_eq!(timestamp(10_000_000_000_000_001), "10000000000.000001");
        let mut out = Vec::new();
        time(&mut out, UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(out, b"0");
    }

    #[test]
    fn digits_are_those_of_the_number() {
        // Each pair of halves of which one has all its values.
        let halves = (0..10_000).flat_map(|half| [half, half * 10_000 + 9_999, 99_990_000 + half]);
        for number in halves.chain([1, 12_345_678, 98_765_432]) {
            assert_eq!(String::from_utf8(eight(number).to_vec()).unwrap(), format!("{number:08}"));
        }
    }

    #[test]
    fn the_span_comes_last_if_there_is_one() {
        let span_id = SpanId::from([0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3]);
        let text = written(1_234_567_890_123_456, Some(span_id));
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["span_id"], "deadbeef00010203");
        assert_eq!(read["trace_id"], "00011fff999aa90708090a0b0c0d0ef0");
        assert_eq!(read["timestamp"], 1_234_567_890.123_456);
    }

    #[test]
    fn bytes_are_two_digits_each() {
        for byte in 0..=u8::MAX {
            let [[a, b]] = hex(&[byte]);
            assert_eq!(format!("{byte:02x}").as_bytes(), [a, b]);
        }
    }
}
