//! Credentials in URLs.

use super::{Hit, Rule};

/// Adds user and password of the URL whose `://` is at `at`, each by itself: the colon stays.
pub(super) fn find(text: &[u8], at: usize, hits: &mut Vec<Hit>) {
    let (at_scheme, start) = (at, at + 3);
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace()
            || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\')
    };
    let authority = &text[start..];
    let authority = &authority[..authority.iter().position(ends).unwrap_or(authority.len())];
    let Some(at) = memchr::memrchr(b'@', authority) else { return };
    let info = &authority[..at];
    let colon = memchr::memchr(b':', info);
    let (user, password) = (&info[..colon.unwrap_or(info.len())], colon.map(|colon| colon + 1));
    if !user.is_empty() && !is_gone(user) && (password.is_some() || !is_account(text, at_scheme, user)) {
        hits.push(Hit::new(start, start + user.len(), Rule::UrlCredentials));
    }
    if let Some(password) = password
        && password < info.len()
        && !is_gone(&info[password..])
    {
        hits.push(Hit::new(start + password, start + info.len(), Rule::UrlCredentials));
    }
}

/// Not somebody's credentials, but the account that everybody uses: `ssh://git@host`.
fn is_account(text: &[u8], scheme: usize, user: &[u8]) -> bool {
    text[..scheme].ends_with(b"ssh") || user == b"git"
}

/// Taken out already, as it is or as the part of a URL that it is.
fn is_gone(part: &[u8]) -> bool {
    matches!(part, b"[Filtered]" | b"%5BFiltered%5D" | b"***" | b"REDACTED" | b"<redacted>")
}
