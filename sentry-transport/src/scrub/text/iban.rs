//! International bank account numbers.

use super::{Hit, Rule};

/// How long they are, by country.
#[rustfmt::skip]
const LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16), (b"BG", 22),
    (b"BH", 22), (b"BI", 27), (b"BR", 29), (b"BY", 28), (b"CH", 21), (b"CR", 22), (b"CY", 28), (b"CZ", 24),
    (b"DE", 22), (b"DJ", 27), (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18),
    (b"FK", 18), (b"FO", 18), (b"FR", 27), (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18), (b"GR", 27),
    (b"GT", 28), (b"HN", 28), (b"HR", 21), (b"HU", 28), (b"IE", 22), (b"IL", 23), (b"IQ", 23), (b"IS", 26),
    (b"IT", 27), (b"JO", 30), (b"KW", 30), (b"KZ", 20), (b"LB", 28), (b"LC", 32), (b"LI", 21), (b"LT", 20),
    (b"LU", 20), (b"LV", 21), (b"LY", 25), (b"MC", 27), (b"MD", 24), (b"ME", 22), (b"MK", 19), (b"MN", 20),
    (b"MR", 27), (b"MT", 31), (b"MU", 30), (b"NI", 28), (b"NL", 18), (b"NO", 15), (b"OM", 23), (b"PK", 24),
    (b"PL", 28), (b"PS", 29), (b"PT", 25), (b"QA", 29), (b"RO", 24), (b"RS", 22), (b"RU", 33), (b"SA", 24),
    (b"SC", 31), (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24), (b"SM", 27), (b"SO", 23), (b"ST", 25),
    (b"SV", 28), (b"TL", 23), (b"TN", 24), (b"TR", 26), (b"UA", 29), (b"VA", 22), (b"VG", 24), (b"XK", 20),
];

/// One at the start of a word, in one piece or in groups of four, with a valid checksum.
pub(super) fn find(text: &[u8], at: usize, end: usize) -> Option<Hit> {
    if end - at < 4 || !text[at + 2].is_ascii_digit() || !text[at + 3].is_ascii_digit() {
        return None;
    }
    let country = [text[at].to_ascii_uppercase(), text[at + 1].to_ascii_uppercase()];
    let length =
        LENGTHS.binary_search_by_key(&&country, |(country, _)| country).map(|at| LENGTHS[at].1).ok()?;
    let is_grouped = end - at == 4;
    if !is_grouped && end - at != length {
        return None;
    }
    let mut pos = at;
    let mut number = [0; 34];
    for (index, place) in number[..length].iter_mut().enumerate() {
        if is_grouped && index > 0 && index % 4 == 0 {
            if *text.get(pos)? != b' ' {
                return None;
            }
            pos += 1;
        }
        *place = *text.get(pos).filter(|byte| byte.is_ascii_alphanumeric())?;
        pos += 1;
    }
    let ends = !text.get(pos).is_some_and(u8::is_ascii_alphanumeric);
    (ends && is_valid(&number[..length])).then(|| Hit::new(at, pos, Rule::Iban))
}

/// Whether it leaves 1 when divided by 97, the first four characters last and letters as two digits.
fn is_valid(number: &[u8]) -> bool {
    let (head, tail) = number.split_at(4);
    let rest = tail.iter().chain(head).fold(0_u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        letter => (rest * 100 + u32::from(letter.to_ascii_uppercase() - b'A') + 10) % 97,
    });
    rest == 1
}
