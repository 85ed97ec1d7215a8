//! When and where a record was captured.
//!
//! That is what is new in each record, and yet most of it is as in the record before: the trace, the span, all of the time but
//! the microseconds. So the end of a record is kept, and only what differs is written anew.

use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::json;
use crate::protocol::{SpanId, TraceId};

/// A time, taken apart. That takes a while: whoever does so before he takes a lock does not hold it meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    time: SystemTime,
    /// Since 1970.
    seconds: u64,
    /// The six digits of the microseconds, in one word. 0: there are none.
    micros: u64,
}

impl Stamp {
    #[inline]
    pub(crate) fn time(&self) -> SystemTime {
        self.time
    }
}

impl From<SystemTime> for Stamp {
    #[inline]
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanos = since.subsec_nanos();
        Self { time, seconds: since.as_secs(), micros: if nanos < 1_000 { 0 } else { micros(nanos) } }
    }
}

/// The time, the trace and the span of a log or a metric.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) stamp: Stamp,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: Option<SpanId>,
}

impl Place {
    /// Writes it as [`Ending::write`] does, where there was no record before.
    #[inline(never)]
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        Ending::default().write(self, out);
    }
}

/// The end of a record, ready to be written again with another time.
#[derive(Debug)]
pub(crate) struct Ending {
    json: [u8; READY.len()],
    /// Without a span it is shorter.
    len: usize,
    trace_id: TraceId,
    span_id: Option<SpanId>,
    /// Of which its time has the digits.
    seconds: u64,
}

const READY: &[u8; 106] = b",\"timestamp\":0000000000.000000,\
    \"trace_id\":\"00000000000000000000000000000000\",\"span_id\":\"0000000000000000\"}";
const SECONDS: Range<usize> = 13..23;
const MICROS: Range<usize> = 24..30;
const TRACE: Range<usize> = 43..75;
/// Behind the trace.
const SPAN_MEMBER: usize = 76;
const SPAN: Range<usize> = 88..104;

impl Default for Ending {
    fn default() -> Self {
        let mut ending =
            Self { json: *READY, len: 0, trace_id: TraceId::default(), span_id: None, seconds: 0 };
        ending.set_ids(ending.trace_id, None);
        ending
    }
}

impl Ending {
    /// Writes the place as the last members of an object, and closes the object.
    // In one piece with whoever looks the place up: moved through memory, its parts would be waited for.
    #[inline(always)]
    pub(crate) fn write(&mut self, place: Place, out: &mut Vec<u8>) {
        let Place { stamp, trace_id, span_id } = place;
        if trace_id != self.trace_id || span_id != self.span_id {
            self.set_ids(trace_id, span_id);
        }
        if stamp.seconds != self.seconds && HAVE_TEN_DIGITS.contains(&stamp.seconds) {
            self.set_seconds(stamp.seconds);
        }
        if stamp.seconds != self.seconds || stamp.micros == 0 {
            return self.write_odd(stamp, out);
        }
        // All of it, as its length is known before, and then what is too much is taken off.
        let start = out.len();
        out.extend_from_slice(&self.json);
        if let Some(to) = out.get_mut(start + MICROS.start..start + MICROS.end) {
            let [digits @ .., _, _] = stamp.micros.to_le_bytes();
            to.copy_from_slice(&digits);
        }
        out.truncate(start + self.len);
    }

    #[inline(never)]
    fn set_ids(&mut self, trace_id: TraceId, span_id: Option<SpanId>) {
        (self.trace_id, self.span_id) = (trace_id, span_id);
        write_hex(&mut self.json[TRACE], &trace_id.to_bytes());
        match span_id {
            Some(span_id) => {
                self.json[SPAN_MEMBER] = b',';
                write_hex(&mut self.json[SPAN], &span_id.to_bytes());
                self.len = READY.len();
            }
            None => {
                self.json[SPAN_MEMBER] = b'}';
                self.len = SPAN_MEMBER + 1;
            }
        }
    }

    #[cold]
    fn set_seconds(&mut self, seconds: u64) {
        self.seconds = seconds;
        let ([_, _, _, _, _, _, high @ ..], low) =
            (eight(seconds / EIGHT_DIGITS), eight(seconds % EIGHT_DIGITS));
        for (to, digit) in self.json[SECONDS].iter_mut().zip(high.into_iter().chain(low)) {
            *to = digit;
        }
    }

    /// A time that has no place in it: of another age, or a whole number, which is written as one.
    #[cold]
    fn write_odd(&self, stamp: Stamp, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.json[..SECONDS.start]);
        json::unsigned(out, stamp.seconds);
        if stamp.micros > 0 {
            let [digits @ .., _, _] = stamp.micros.to_le_bytes();
            out.push(b'.');
            out.extend_from_slice(&digits);
        }
        out.extend_from_slice(self.json.get(MICROS.end..self.len).unwrap_or_default());
    }
}

const EIGHT_DIGITS: u64 = 100_000_000;

/// Seconds since 1970 from 2001 to 2286.
const HAVE_TEN_DIGITS: Range<u64> = 1_000_000_000..10_000_000_000;

/// The six digits of the microseconds that so many nanoseconds are.
#[inline]
fn micros(nanos: u32) -> u64 {
    // None of these waits for another one.
    let (high, higher, all) = (nanos / 10_000_000, nanos / 100_000, nanos / 1_000);
    let (middle, low) = (higher - high * 100, all - higher * 100);
    u64::from_le_bytes(digits(u64::from(high) | u64::from(middle) << 16 | u64::from(low) << 32))
}

/// The digits of a number below 100,000,000: halves, then pairs.
fn eight(number: u64) -> [u8; 8] {
    let halves = (number / 10_000) | ((number % 10_000) << 32);
    // 10486 / 2^20 is a bit more than 1 / 100: right for all that fits there.
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    digits(hundreds | ((halves - hundreds * 100) << 16))
}

/// The digits of four numbers below 100, all of a step side by side in one word.
#[inline]
fn digits(pairs: u64) -> [u8; 8] {
    // 103 / 2^10 is a bit more than 1 / 10.
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    let single = tens | ((pairs - tens * 10) << 8);
    (single | u64::from_ne_bytes([b'0'; 8])).to_le_bytes()
}

/// Lower-case hexadecimal digits, two of each byte.
fn write_hex(out: &mut [u8], bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TRACE_ID: [u8; 16] = [0, 1, 0x1f, 0xff, 0x99, 0x9a, 0xa9, 7, 8, 9, 10, 11, 12, 13, 14, 0xf0];

    fn place(micros: u64, trace_id: [u8; 16], span_id: Option<[u8; 8]>) -> Place {
        let timestamp = UNIX_EPOCH + Duration::from_micros(micros);
        Place {
            stamp: timestamp.into(),
            trace_id: TraceId::from(trace_id),
            span_id: span_id.map(SpanId::from),
        }
    }

    fn written(ending: &mut Ending, place: &Place) -> String {
        let mut out = b"{\"a\":1".to_vec();
        ending.write(*place, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Without a record before.
    fn fresh(place: &Place) -> String {
        let mut out = b"{\"a\":1".to_vec();
        place.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn timestamp(micros: u64) -> String {
        let text = fresh(&place(micros, TRACE_ID, None));
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
        let before = UNIX_EPOCH - Duration::from_secs(1);
        let before = Place { stamp: before.into(), ..place(0, TRACE_ID, None) };
        assert!(fresh(&before).contains("\"timestamp\":0,"));
        assert_eq!(before.stamp.time(), UNIX_EPOCH - Duration::from_secs(1));
    }

    #[test]
    fn digits_are_those_of_the_number() {
        // Each pair of halves of which one has all its values.
        let halves = (0..10_000).flat_map(|half| [half, half * 10_000 + 9_999, 99_990_000 + half]);
        for number in halves.chain([1, 12_345_678, 98_765_432]) {
            assert_eq!(String::from_utf8(eight(number).to_vec()).unwrap(), format!("{number:08}"));
        }
        for number in (0..1_000_000).step_by(7).chain([999_999]) {
            let nanos = number * 1_000 + number % 1_000;
            assert_eq!(micros(nanos).to_le_bytes(), format!("{number:06}00").as_bytes());
        }
    }

    #[test]
    fn what_was_written_before_does_not_show() {
        let (second, span_id) = (1_000_000, Some([0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3]));
        let mut used = Ending::default();
        for micros in
            [1_234_567_890 * second + 42, 0, 7 * second + 1, 1_234_567_891 * second, 9_999_999_999_999_999]
        {
            for trace_id in [TRACE_ID, [0; 16], [0xff; 16]] {
                for span_id in [None, span_id, Some([1; 8]), None] {
                    let place = place(micros, trace_id, span_id);
                    let text = written(&mut used, &place);
                    assert_eq!(text, fresh(&place));
                    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
                    assert_eq!(read["trace_id"], place.trace_id.to_string());
                    assert_eq!(
                        read["span_id"].as_str().map(str::to_owned),
                        place.span_id.map(|id| id.to_string())
                    );
                    let micros_read = (read["timestamp"].as_f64().unwrap() * 1e6).round() as u64;
                    assert!(micros_read.abs_diff(micros) <= 1, "{micros_read} {micros}");
                }
            }
        }
    }
}
