//! JSON written by hand, for what is written on the thread of the application: logs, metrics, spans, and crashes.
//!
//! The same bytes, up to the digits of a time, as `serde_json` writes; nothing here allocates but the buffer. Texts are most of
//! what is written, and few of their bytes have to be escaped: they are looked at many at a time, and copied in runs.

mod encoder;

#[cfg(any(feature = "logs", feature = "metrics", test))]
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use self::encoder::encode;

/// A text, with its quotes.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    part(out, text);
    out.push(b'"');
}

/// A part of a text, without quotes.
pub(crate) fn part(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain(rest));
        out.extend_from_slice(plain);
        let Some((byte, behind)) = special.split_first() else { return };
        escape(out, *byte);
        rest = behind;
    }
}

/// How many of the first bytes stand for themselves. All do but a quote, a backslash and what is below a space.
fn plain(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<32>();
    let blocks = 32 * blocks.iter().take_while(|block| !has_special(block)).count();
    let rest = bytes.get(blocks..).unwrap_or_default();
    let (words, tail) = rest.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        if let Some(at) = first_special(*word) {
            return blocks + 8 * index + at;
        }
    }
    // Once more with bytes before it that are plain, if there are any: that spares looking at each.
    if let (false, Some(last)) = (tail.is_empty(), bytes.last_chunk::<8>()) {
        return first_special(*last).map_or(bytes.len(), |at| bytes.len() - 8 + at);
    }
    let is_plain = |byte: &&u8| **byte >= b' ' && **byte != b'"' && **byte != b'\\';
    bytes.len() - tail.len() + tail.iter().take_while(is_plain).count()
}

/// Without a branch in it, so that the compiler takes all bytes at a time.
fn has_special(block: &[u8; 32]) -> bool {
    block.iter().fold(false, |found, byte| found | (*byte < b' ') | (*byte == b'"') | (*byte == b'\\'))
}

/// Eight bytes at a time: bit tricks tell which is the first.
fn first_special(word: [u8; 8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let word = u64::from_le_bytes(word);
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let below_space = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
    let quote = has_zero(word ^ (ONES * u64::from(b'"')));
    let backslash = has_zero(word ^ (ONES * u64::from(b'\\')));
    let special = below_space | quote | backslash;
    // A borrow may mark more, but only above one that is marked with reason.
    (special != 0).then(|| special.trailing_zeros() as usize / 8)
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let digit = |half: u8| b"0123456789abcdef"[usize::from(half & 0xf)];
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte)]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// A whole number.
pub(crate) fn unsigned(out: &mut Vec<u8>, mut number: u64) {
    if number < 10 {
        return out.push(b'0' + number as u8);
    }
    let mut digits = [0_u8; 20];
    let mut start = digits.len();
    let (two_by_two, _) = digits.as_chunks_mut::<2>();
    for two in two_by_two.iter_mut().rev() {
        *two = pair(number);
        start -= if number < 10 { 1 } else { 2 };
        number /= 100;
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

/// The numbers from 0 to 99.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// The last two digits.
fn pair(number: u64) -> [u8; 2] {
    PAIRS[(number % 100) as usize]
}

/// A time as seconds with microseconds. What is before 1970 is 1970.
#[cfg(any(feature = "logs", feature = "metrics", test))]
pub(crate) fn time(out: &mut Vec<u8>, time: SystemTime) {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, micros) = (since.as_secs(), u64::from(since.subsec_micros()));
    if micros == 0 || !(1_000_000_000..10_000_000_000).contains(&seconds) {
        unsigned(out, seconds);
        if micros > 0 {
            let ([a, b], [c, d], [e, f]) = (pair(micros / 10_000), pair(micros / 100), pair(micros));
            out.extend_from_slice(&[b'.', a, b, c, d, e, f]);
        }
        return;
    }
    // From 2001 to 2286 all times have the same number of digits.
    let mut digits = *b"0000000000.000000";
    let (whole, fraction) = digits.split_at_mut(10);
    for (two, by) in whole.as_chunks_mut().0.iter_mut().zip([100_000_000, 1_000_000, 10_000, 100, 1]) {
        *two = pair(seconds / by);
    }
    let fraction = fraction.get_mut(1..).unwrap_or_default();
    for (two, by) in fraction.as_chunks_mut().0.iter_mut().zip([10_000, 100, 1]) {
        *two = pair(micros / by);
    }
    out.extend_from_slice(&digits);
}

/// Bytes as hexadecimal digits.
#[cfg(any(feature = "logs", feature = "metrics", test))]
const HEX: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};

/// Bytes as lower-case hexadecimal digits, with quotes.
#[cfg(any(feature = "logs", feature = "metrics", test))]
pub(crate) fn hex<const N: usize>(out: &mut Vec<u8>, bytes: &[u8; N]) {
    let mut pairs = [[0; 2]; N];
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = HEX[usize::from(*byte)];
    }
    out.push(b'"');
    out.extend_from_slice(pairs.as_flattened());
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
        for number in [9, 10, 99, 100, 101, 999, 1_000, 1_700_000_000, u64::MAX] {
            assert_eq!(written(|out| unsigned(out, number)), number.to_string());
        }
        // Each byte at each place of a block, of a word, and behind them.
        let long = "é23456789".repeat(5);
        for length in [0, 1, 3, 7, 8, 9, 15, 16, 31, 32, 33, 40, 45] {
            let sample: String = long.chars().take(length).collect();
            for at in sample.char_indices().map(|(at, _)| at).chain([sample.len()]) {
                for byte in 0..=0x7f_u8 {
                    let mut sample = sample.clone();
                    sample.insert(at, byte.into());
                    assert_eq!(written(|out| text(out, &sample)), serde_json::to_string(&sample).unwrap());
                }
            }
        }
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
        assert_eq!(at(999_999_999_000_001), "999999999.000001");
        assert_eq!(at(1_234_567_890_123_456), "1234567890.123456");
        assert_eq!(at(10_000_000_000_000_001), "10000000000.000001");
        assert_eq!(written(|out| time(out, UNIX_EPOCH - Duration::from_secs(1))), "0");
    }
}
