//! Names of users in paths of home directories.

use super::{Hit, Rule};

/// The part behind `/home/`, `/Users/` or `\Users\`, of which the word at `at` is the name.
pub(super) fn find(text: &[u8], at: usize, end: usize) -> Option<Hit> {
    let word = &text[at..end];
    if !(word.eq_ignore_ascii_case(b"home") || word.eq_ignore_ascii_case(b"users")) {
        return None;
    }
    let is_separator = |byte: u8| matches!(byte, b'/' | b'\\');
    let before = at.checked_sub(1).map(|at| text[at])?;
    // A part of a URL or of a path inside of something else does not begin with it.
    let root = match at.checked_sub(2).map(|at| text[at]) {
        None => true,
        Some(byte) => !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'_' | b'-' | b'~' | b'}'),
    };
    if !is_separator(before) || !root || !text.get(end).copied().is_some_and(is_separator) {
        return None;
    }
    let mut start = end;
    while text.get(start).copied().is_some_and(is_separator) {
        start += 1;
    }
    let is_name = |byte: &&u8| {
        !matches!(
            byte,
            b'/' | b'\\' | b'\r' | b'\n' | b'\t' | b' ' | b'"' | b'\'' | b':' | b'<' | b'>' | b')' | b','
        )
    };
    let length = text[start..].iter().take_while(is_name).count();
    let name = &text[start..start + length];
    let is_shared = matches!(name, b"" | b"Shared" | b"Public" | b"[Filtered]");
    (!is_shared).then(|| Hit::new(start, start + length, Rule::HomeDirectory))
}
