//! The pass that finds where to look closer.

use super::prefix::Seen;
use super::{Hit, assignment, card, email, home, iban, ip, pem, prefix, ssn, url};
use crate::scrub::keys::Names;

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub(in crate::scrub) struct Wanted<'a> {
    /// Which names mean a secret.
    pub(in crate::scrub) names: &'a Names,
    /// E-mail addresses, public IP addresses and home directories too.
    pub(in crate::scrub) personal: bool,
}

/// Letters and digits.
const WORD: u8 = 1;
/// What something may begin, end or stand around.
const SIGN: u8 = 2;

const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let it = byte as u8;
        if it.is_ascii_alphanumeric() {
            class[byte] = WORD;
        }
        byte += 1;
    }
    let signs = b":=@-><";
    let mut index = 0;
    while index < signs.len() {
        class[signs[index] as usize] = SIGN;
        index += 1;
    }
    class
};

/// Adds what is found in `text` to `hits`, in order and without overlaps.
pub(in crate::scrub) fn find(text: &[u8], wanted: Wanted<'_>, hits: &mut Vec<Hit>) {
    let mut seen = Seen::default();
    // Behind the last hit: nothing is looked at twice.
    let mut floor = 0;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let before = hits.len();
        match CLASS[usize::from(byte)] {
            WORD => {
                let end = at + word(&text[at..]);
                if may_begin(text, at, end) {
                    hits.extend(at_word(text, at, end, wanted, &mut seen));
                }
                if hits.len() == before {
                    at = end;
                }
            }
            SIGN => {
                at_sign(text, at, floor, wanted, hits);
                if hits.len() == before {
                    at += 1;
                }
            }
            _ => at += 1,
        }
        if let Some(last) = hits[before..].last() {
            floor = last.end;
            // An element or an address that ends before the sign: go on behind the sign.
            at = last.end.max(at + 1);
        }
    }
}

/// How long the word at the start of `text` is.
fn word(text: &[u8]) -> usize {
    text.iter().position(|byte| CLASS[usize::from(*byte)] != WORD).unwrap_or(text.len())
}

/// Whether it is worth a closer look: most words are not.
#[inline]
fn may_begin(text: &[u8], at: usize, end: usize) -> bool {
    let length = end - at;
    match text[at] {
        b'0'..=b'9' => length >= 3 || matches!(text.get(end), Some(b'.')),
        b'e' if text[at..end].starts_with(b"eyJ") => true,
        b'A' | b'H' | b'U' | b'h' | b'u' => true,
        b'B' | b'b' if matches!(length, 5 | 6) => true,
        _ => {
            matches!(text.get(end), Some(b'_' | b'-' | b'.'))
                || length >= 4 && text[at + 2].is_ascii_digit() && text[at + 3].is_ascii_digit()
        }
    }
}

fn at_word(text: &[u8], at: usize, end: usize, wanted: Wanted<'_>, seen: &mut Seen) -> Option<Hit> {
    let first = text[at];
    if first.is_ascii_digit() {
        let hit = card::find(text, at, end)
            .or_else(|| ssn::find(text, at, end))
            .or_else(|| prefix::find_bot(text, at, end));
        return hit.or_else(|| wanted.personal.then(|| ip::find(text, at, end)).flatten());
    }
    prefix::find(text, at, end, seen)
        .or_else(|| iban::find(text, at, end))
        .or_else(|| wanted.personal.then(|| home::find(text, at, end)).flatten())
}

fn at_sign(text: &[u8], at: usize, floor: usize, wanted: Wanted<'_>, hits: &mut Vec<Hit>) {
    match text[at] {
        b':' if text[at + 1..].starts_with(b"//") => url::find(text, at, hits),
        b':' | b'=' => hits.extend(assignment::find(text, at, floor, wanted.names)),
        b'@' if wanted.personal => hits.extend(email::find(text, at, floor)),
        b'-' => {
            let hit = pem::find(text, at).or_else(|| assignment::find_flag(text, at, wanted.names));
            hits.extend(hit);
        }
        b'>' => hits.extend(assignment::find_element(text, at, floor, wanted.names)),
        _ => {}
    }
}
