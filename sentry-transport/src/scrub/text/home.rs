//! Names of users in paths of home directories.

use super::{Hit, Rule};

/// The part behind `/home/`, `/Users/` or `\Users\`, of which the word at `at` is the name.
///
/// A route of a server is no directory: `GET /home/dashboard`, `/users/me`, `/home/{id}`. Systems that tell capitals apart write theirs
/// as `/home` and `/Users`.
pub(super) fn find(text: &[u8], at: usize, end: usize) -> Option<Hit> {
    let before = at.checked_sub(1).map(|at| text[at])?;
    let is_directory = match before {
        b'/' => matches!(&text[at..end], b"home" | b"Users"),
        b'\\' => text[at..end].eq_ignore_ascii_case(b"users") || text[at..end].eq_ignore_ascii_case(b"home"),
        _ => false,
    };
    let is_directory = is_directory || is_on_drive(text, at, end);
    if !is_directory {
        return None;
    }
    if !is_root(&text[..at - 1])
        || is_requested(&text[..at - 1])
        || !text.get(end).copied().is_some_and(is_separator)
    {
        return None;
    }
    let mut start = end;
    while text.get(start).copied().is_some_and(is_separator) {
        start += 1;
    }
    let length = text[start..].iter().take_while(|byte| is_of_name(**byte)).count();
    let name = &text[start..start + length];
    let is_shared = matches!(name, b"" | b"Shared" | b"Public" | b"[Filtered]");
    let is_template = matches!(name, [b'{' | b'*', ..]);
    (!is_shared && !is_template).then(|| Hit::new(start, start + length, Rule::HomeDirectory))
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

fn is_of_name(byte: u8) -> bool {
    !matches!(
        byte,
        b'/' | b'\\' | b'\r' | b'\n' | b'\t' | b' ' | b'"' | b'\'' | b':' | b'<' | b'>' | b')' | b','
    )
}

/// `C:/users/…`, which Windows takes as well.
fn is_on_drive(text: &[u8], at: usize, end: usize) -> bool {
    matches!(text[..at], [.., drive, b':', b'/'] if drive.is_ascii_alphabetic())
        && text[at..end].eq_ignore_ascii_case(b"users")
}

/// Whether a path may begin behind this: a part of a URL or of a path inside of something else does not.
fn is_root(before: &[u8]) -> bool {
    before
        .last()
        .is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'_' | b'-' | b'~' | b'}'))
}

/// Whether the path behind this is what a request asks for.
fn is_requested(before: &[u8]) -> bool {
    const METHODS: [&[u8]; 7] = [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"];
    let Some(before) = before.strip_suffix(b" ") else { return false };
    METHODS.iter().any(|method| {
        before
            .strip_suffix(*method)
            .is_some_and(|rest| rest.last().is_none_or(|byte| !byte.is_ascii_alphanumeric()))
    })
}
