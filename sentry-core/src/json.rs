//! JSON written by hand, for what is written on the thread of the application: logs, metrics, spans, and crashes.
//!
//! The same bytes, up to the digits of a time, as `serde_json` writes; nothing here allocates but the buffer. Texts are most of
//! what is written, and few of their bytes have to be escaped: they are looked at many at a time, and copied in runs.

mod encoder;

pub(crate) use self::encoder::encode;

/// A text, with its quotes.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    part(out, text);
    out.push(b'"');
}

/// A part of a text, without quotes.
pub(crate) fn part(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    if is_plain(bytes) { out.extend_from_slice(bytes) } else { escaped(out, bytes) }
}

/// Whether all of it stands for itself, as everything does but a quote, a backslash and what is below a space.
///
/// No byte is looked at alone: the last ones are looked at together with some before them, once more. Names and ids are
/// short, and most of what is written.
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk::<16>() {
        let (blocks, _) = bytes.as_chunks::<16>();
        return !blocks.iter().any(has_special) && !has_special(last);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (special(u64::from_le_bytes(*first)) | special(u64::from_le_bytes(*last))) == 0;
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return special(u64::from(first) << 32 | u64::from(last)) == 0;
    }
    bytes.iter().all(|byte| *byte >= b' ' && *byte != b'"' && *byte != b'\\')
}

/// Without a branch in it, so that the compiler takes all bytes at a time.
fn has_special(block: &[u8; 16]) -> bool {
    block.iter().fold(false, |found, byte| found | (*byte < b' ') | (*byte == b'"') | (*byte == b'\\'))
}

/// Marks the bytes that have to be escaped, by their highest bits. The lowest mark is right; a borrow may set more above it.
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let below_space = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
    let quote = has_zero(word ^ (ONES * u64::from(b'"')));
    let backslash = has_zero(word ^ (ONES * u64::from(b'\\')));
    below_space | quote | backslash
}

/// A text with something in it to escape: the rest is copied in runs.
#[cold]
fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut rest = bytes;
    loop {
        let (plain, special) = rest.split_at(plain(rest));
        out.extend_from_slice(plain);
        let Some((byte, behind)) = special.split_first() else { return };
        escape(out, *byte);
        rest = behind;
    }
}

/// How many of the first bytes stand for themselves.
fn plain(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            return 8 * index + special.trailing_zeros() as usize / 8;
        }
    }
    let length = rest.iter().take_while(|byte| is_plain(&[**byte])).count();
    bytes.len() - rest.len() + length
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
pub(crate) fn float(out: &mut Vec<u8>, number: f64) {
    // Counters count by whole numbers. The bits tell -0.0 from 0.0.
    let whole = number as i64;
    if (0..10).contains(&whole) && (whole as f64).to_bits() == number.to_bits() {
        return out.extend_from_slice(&[b'0' + whole as u8, b'.', b'0']);
    }
    if (whole as f64).to_bits() == number.to_bits() && whole.unsigned_abs() < 1_000_000_000_000_000 {
        signed(out, whole);
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

#[cfg(test)]
mod tests {
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
    }
}
