//! `name=value` pairs: queries, forms and cookies.

use std::borrow::Cow;

use super::text::{Hit, Rule};

/// What comes between pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pairs {
    /// `a=1&b=2`, or with semicolons.
    Query,
    /// `a=1; b=2`
    Cookies,
}

/// Adds the values of the names for which `is_secret`; `false`: it is no list of pairs.
pub(super) fn find(text: &str, kind: Pairs, is_secret: impl Fn(&str) -> bool, hits: &mut Vec<Hit>) -> bool {
    let mut is_list = true;
    let mut start = 0;
    for pair in text.split(|separator| matches!((separator, kind), ('&', Pairs::Query) | (';', _))) {
        let from = start;
        start += pair.len() + 1;
        let padding = pair.len() - pair.trim_start().len();
        let Some((name, value)) = pair.trim_start().split_once('=') else {
            is_list &= kind == Pairs::Query || is_flag(pair.trim());
            continue;
        };
        is_list &= kind == Pairs::Query || (!name.is_empty() && is_name(name));
        let is_gone = value == "[Filtered]" || value.is_empty();
        if !is_gone && is_secret(&decoded(name)) {
            let value_at = from + padding + name.len() + 1;
            hits.push(Hit { start: value_at, end: value_at + value.len(), rule: Rule::Key });
        }
    }
    is_list
}

/// Whether `body` is one of a form rather than any text.
pub(super) fn is_form(body: &str) -> bool {
    let is_value =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b'{' | b'}' | b'\\');
    body.split('&').all(|pair| {
        let pair = pair.split_once('=');
        pair.is_some_and(|(name, value)| is_name(name) && value.bytes().all(is_value))
    })
}

/// The name as it was before it was put into a URL.
pub(super) fn decoded(name: &str) -> Cow<'_, str> {
    if !name.contains('%') {
        return Cow::Borrowed(name);
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [byte, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) if *byte == b'%' => {
                bytes.push(decoded);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether it can stand before the `=` as it is.
fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'_' | b'-' | b'.' | b'[' | b']' | b'%' | b'+' | b'~' | b'*' | b'@' | b'!' | b'$'
            )
    };
    name.bytes().all(is_part)
}

/// The attributes of `Set-Cookie` that have no value, and nothing between two semicolons.
fn is_flag(word: &str) -> bool {
    ["", "secure", "httponly", "partitioned"].iter().any(|flag| flag.eq_ignore_ascii_case(word))
}
