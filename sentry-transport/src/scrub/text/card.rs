//! Numbers of payment cards.

use super::{Hit, Rule};

/// The longest number there is.
const MOST_DIGITS: usize = 19;

/// A card number at the start of a word of digits, which ends at `end`: in one piece or in the groups it is printed in.
pub(super) fn find(text: &[u8], at: usize, end: usize) -> Option<Hit> {
    let may_be = match end - at {
        4 | 6 | 8 => matches!(text.get(end..end + 2), Some([b' ' | b'-', b'0'..=b'9'])),
        14..=MOST_DIGITS => true,
        _ => false,
    };
    if !may_be || !stands_alone_before(text, at) {
        return None;
    }
    let mut digits = [0; MOST_DIGITS];
    let mut count = 0;
    let mut groups = [0_usize; 5];
    let mut group = 0;
    let mut separator = None;
    let mut pos = at;
    loop {
        let start = pos;
        while let Some(digit) = text.get(pos).filter(|byte| byte.is_ascii_digit()) {
            *digits.get_mut(count)? = digit - b'0';
            count += 1;
            pos += 1;
        }
        groups[group] = pos - start;
        let groups = &groups[..=group];
        if stands_alone_after(text, pos) && is_grouped(groups, &digits[..count]) && is_valid(&digits[..count])
        {
            return Some(Hit::new(at, pos, Rule::Card));
        }
        // The next group, behind the same separator as those before.
        let next = *text.get(pos)?;
        if !matches!(next, b' ' | b'-') || *separator.get_or_insert(next) != next || group == 4 {
            return None;
        }
        if !text.get(pos + 1)?.is_ascii_digit() {
            return None;
        }
        pos += 1;
        group += 1;
    }
}

/// Whether a whole number is one of a card.
pub(in crate::scrub) fn is_card(number: u64) -> bool {
    let mut digits = [0; 20];
    let mut count = 0;
    let mut rest = number;
    while rest > 0 {
        digits[19 - count] = u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        count += 1;
    }
    let digits = &digits[20 - count..];
    is_grouped(&[count], digits) && is_valid(digits)
}

/// Not the rest of a fraction or of a longer number, be that there or taken out.
fn stands_alone_before(text: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|at| text[at]);
    !(matches!(before(1), Some(b'.' | b'-'))
        && before(2).is_some_and(|byte| byte.is_ascii_digit() || byte == b']'))
}

fn stands_alone_after(text: &[u8], end: usize) -> bool {
    match text.get(end) {
        Some(b'.' | b'-') => !text.get(end + 1).is_some_and(u8::is_ascii_digit),
        Some(byte) => !byte.is_ascii_alphanumeric(),
        None => true,
    }
}

/// Whether these are groups that a number of this issuer comes in.
fn is_grouped(groups: &[usize], digits: &[u8]) -> bool {
    match groups {
        [15] | [4, 6, 5] => is_amex(digits),
        [14] | [4, 6, 4] => is_diners(digits),
        [16] | [8, 8] | [4, 4, 4, 4] => is_usual(digits),
        [17..=19] | [4, 4, 4, 4, 3] | [6, 13] => digits.starts_with(&[6, 2]),
        _ => false,
    }
}

fn is_amex(digits: &[u8]) -> bool {
    matches!(digits, [3, 4 | 7, ..])
}

fn is_diners(digits: &[u8]) -> bool {
    matches!(digits, [3, 6 | 8 | 9, ..] | [3, 0, 0..=5, ..])
}

fn is_usual(digits: &[u8]) -> bool {
    let mastercard_2 = || {
        let start = digits.iter().take(4).fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
        (2221..=2720).contains(&start)
    };
    match digits {
        [4, ..]
        | [5, 1..=5, ..]
        | [6, 0, 1, 1, ..]
        | [6, 4, 4..=9, ..]
        | [6, 2 | 5, ..]
        | [3, 5, 2..=8, ..] => true,
        _ => mastercard_2(),
    }
}

/// The checksum of Luhn.
fn is_valid(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let digit = u32::from(*digit);
            match digit * 2 {
                _ if index % 2 == 0 => digit,
                twice if twice > 9 => twice - 9,
                twice => twice,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}
