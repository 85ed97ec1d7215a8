//! Social security numbers of the United States.

use super::{Hit, Rule};

/// `ddd-dd-dddd`. Groups separated by spaces count where the text before says what they are.
pub(super) fn find(text: &[u8], at: usize, end: usize) -> Option<Hit> {
    if end - at != 3 {
        return None;
    }
    let number = text.get(at..at + 11)?;
    let separator = number[3];
    let is_shaped = matches!(separator, b'-' | b' ' | b'.')
        && number[6] == separator
        && [&number[..3], &number[4..6], &number[7..]].into_iter().flatten().all(u8::is_ascii_digit);
    if !is_shaped || is_never_issued(number) {
        return None;
    }
    let joins = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    // A full stop behind it ends a sentence.
    let after = match text.get(at + 11) {
        Some(b'.') => text.get(at + 12).is_some_and(u8::is_ascii_alphanumeric),
        after => after.is_some_and(joins),
    };
    if after || at.checked_sub(1).is_some_and(|at| joins(&text[at])) {
        return None;
    }
    (separator == b'-' || is_announced(text, at)).then(|| Hit::new(at, at + 11, Rule::Ssn))
}

fn is_never_issued(number: &[u8]) -> bool {
    matches!(&number[..3], b"000" | b"666")
        || number[0] == b'9'
        || &number[4..6] == b"00"
        || &number[7..] == b"0000"
}

fn is_announced(text: &[u8], at: usize) -> bool {
    let before = &text[at.saturating_sub(28)..at];
    let says = |word: &[u8]| before.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    says(b"ssn") || says(b"social security")
}
