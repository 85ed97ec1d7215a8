//! Values that stand behind a name: `password=…`, `"token": "…"`, `?sid=…`, `--secret …`, `<pwd>…</pwd>`.
//!
//! In prose a colon behind `token` or `auth` mostly begins an explanation. What stands there counts as a secret only if it
//! looks like one; behind `password` any word does that is not part of such a sentence.

use super::{Hit, Rule, card, iban};
use crate::scrub::keys::{Names, Secrecy};

/// The longest name that is looked at.
const NAME: usize = 64;
/// The longest text of an element.
const ELEMENT: usize = 4096;
/// What is looked at of the value of a header to tell whether it is one.
const HEADER: usize = 64;

/// The value behind the `:` or `=` at `at`, if the name before it, not before `floor`, means a secret.
pub(super) fn find(text: &[u8], at: usize, floor: usize, names: &Names) -> Option<Hit> {
    let sign = text[at];
    let before = at.checked_sub(1).map(|at| text[at])?;
    let mut value = at + 1;
    match (sign, text.get(value)?) {
        (b':', b':' | b'=') => return None,
        (b'=', b'=' | b'>' | b'~') => value += 1,
        _ => {}
    }
    if matches!(before, b'!' | b'<' | b'>') || (before == sign) {
        return None;
    }
    let name = Name::before(text, at - usize::from(sign == b'=' && before == b':'), floor)?;
    let secrecy = if name.is_parameter {
        if names.is_wire_secret(name.text) { Secrecy::Strong } else { Secrecy::Clear }
    } else {
        names.secrecy(name.text)
    };
    if secrecy == Secrecy::Clear {
        return None;
    }
    if sign == b':' && is_header(name.text) {
        return header(text, value);
    }
    let is_tight = sign == b'=' && name.is_tight && !matches!(text.get(value), Some(b' ' | b'\t'));
    value_at(text, value, secrecy, is_tight)
}

/// The argument behind `--name`.
pub(super) fn find_flag(text: &[u8], at: usize, names: &Names) -> Option<Hit> {
    if text.get(at + 1) != Some(&b'-') || at.checked_sub(1).is_some_and(|at| text[at] == b'-') {
        return None;
    }
    let rest = &text[at + 2..];
    let length = rest.iter().take(NAME).take_while(|byte| is_name(**byte)).count();
    let value = at + 2 + length + 1;
    if length == 0
        || text.get(value - 1) != Some(&b' ')
        || matches!(text.get(value), None | Some(b'-' | b' '))
    {
        return None;
    }
    let secrecy = names.secrecy(&rest[..length]);
    if secrecy == Secrecy::Clear { None } else { value_at(text, value, secrecy, false) }
}

/// The text of the element whose opening tag ends at `at`.
pub(super) fn find_element(text: &[u8], at: usize, floor: usize, names: &Names) -> Option<Hit> {
    let before = &text[floor.max(at.saturating_sub(NAME))..at];
    // With the name space.
    let length = before.iter().rev().take_while(|byte| is_name(**byte) || **byte == b':').count();
    if length == 0 || length == before.len() || before[before.len() - length - 1] != b'<' {
        return None;
    }
    let secrecy = names.secrecy(&before[before.len() - length..]);
    if secrecy == Secrecy::Clear {
        return None;
    }
    let start = at + 1;
    let rest = &text[start..];
    let length = memchr::memchr(b'<', &rest[..rest.len().min(ELEMENT)])?;
    let value = &rest[..length];
    let inner = value.trim_ascii();
    let counts =
        !inner.is_empty() && !is_placeholder(value) && (secrecy > Secrecy::Weak || looks_secret(inner));
    counts.then(|| Hit::new(start, start + length, Rule::Key))
}

/// What stands before the sign.
struct Name<'a> {
    text: &'a [u8],
    /// Nothing between it and the sign.
    is_tight: bool,
    /// It is one of a query.
    is_parameter: bool,
}

impl<'a> Name<'a> {
    fn before(text: &'a [u8], sign: usize, floor: usize) -> Option<Self> {
        let mut end = sign;
        while end > floor && sign - end < 2 && matches!(text[end - 1], b' ' | b'\t') {
            end -= 1;
        }
        let is_tight = end == sign;
        if end > floor && is_quote(text[end - 1]) {
            end -= 1;
            while end > floor && text[end - 1] == b'\\' {
                end -= 1;
            }
        }
        let window = text.get(floor.max(end.saturating_sub(NAME))..end)?;
        let length = window.iter().rev().take_while(|byte| is_name(**byte)).count();
        let start = end - length;
        let is_parameter = start.checked_sub(1).is_some_and(|at| matches!(text[at], b'?' | b'&'));
        (length > 0).then(|| Self { text: &text[start..end], is_tight, is_parameter })
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'%')
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// The headers whose values are more than one word.
fn is_header(name: &[u8]) -> bool {
    let ends =
        |end: &[u8]| name.len() >= end.len() && name[name.len() - end.len()..].eq_ignore_ascii_case(end);
    ends(b"authorization") || ends(b"cookie")
}

/// The rest of the line, if it looks like the value of a header at all.
fn header(text: &[u8], at: usize) -> Option<Hit> {
    let start = skip(text, at, |byte| matches!(byte, b' ' | b'\t' | b'\\') || is_quote(byte));
    let rest = &text[start..];
    let ends = |byte: u8| matches!(byte, b'\n' | b'\r' | b'\\') || is_quote(byte);
    let head = &rest[..rest.len().min(HEADER)];
    let head = &head[..head.iter().position(|byte| ends(*byte)).unwrap_or(head.len())];
    if head.starts_with(b"[Filtered]") || !head.iter().any(|byte| byte.is_ascii_digit() || *byte == b'=') {
        return None;
    }
    let length =
        one_token(rest).unwrap_or_else(|| rest.iter().position(|byte| ends(*byte)).unwrap_or(rest.len()));
    Some(Hit::new(start, start + length, Rule::Key))
}

/// How long the value is if it is of a scheme with a single token: what comes behind that is a sentence.
fn one_token(value: &[u8]) -> Option<usize> {
    let is = |scheme: &[u8]| value.len() > scheme.len() && value[..scheme.len()].eq_ignore_ascii_case(scheme);
    let scheme = [&b"Bearer "[..], b"Basic ", b"Token "].into_iter().find(|scheme| is(scheme))?.len();
    let token = &value[scheme..];
    let length = token.iter().position(|byte| ends_value(*byte)).unwrap_or(token.len());
    (length > 0).then_some(scheme + length)
}

fn value_at(text: &[u8], at: usize, secrecy: Secrecy, is_tight: bool) -> Option<Hit> {
    let at = skip(&text[..text.len().min(at + 4)], at, |byte| matches!(byte, b' ' | b'\t'));
    let at = at
        + [&b"Some("[..], b"Ok(", b"b", b"r"]
            .iter()
            .find_map(|wrapper| wrapped(&text[at..], wrapper))
            .unwrap_or(0);
    let (start, quote) = match text.get(at..)? {
        [b'\\', quote, ..] if is_quote(*quote) => (at + 2, Some((*quote, true))),
        [quote, ..] if is_quote(*quote) => (at + 1, Some((*quote, false))),
        _ => (at, None),
    };
    let length = match quote {
        Some((quote, is_escaped)) => quoted(&text[start..], quote, is_escaped),
        None => unquoted(text, start),
    };
    let value = &text[start..start + length];
    let counts = match secrecy {
        Secrecy::Clear => false,
        _ if value.trim_ascii().is_empty() || is_placeholder(value) => false,
        Secrecy::Password => true,
        // The tokens of a parser.
        _ if !value.iter().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()) => false,
        // In prose, backticks quote code.
        Secrecy::Strong => is_tight || quote.is_some_and(|(quote, _)| quote != b'`') || looks_secret(value),
        Secrecy::Weak => looks_secret(value),
    };
    counts.then(|| Hit::new(start, start + length, Rule::Key))
}

/// How long a value without quotes is: up to a sign, and all of a number that is printed in groups.
fn unquoted(text: &[u8], start: usize) -> usize {
    let rest = &text[start..];
    let ends = |at: usize| ends_value(rest[at]) || ends_clause(&rest[at..]);
    let length = (0..rest.len()).find(|at| ends(*at)).unwrap_or(rest.len());
    let word = start + rest[..length].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let whole = card::find(text, start, word).or_else(|| iban::find(text, start, word));
    whole.map_or(length, |hit| length.max(hit.end - start))
}

/// How long a wrapper around a quoted text is, as `Debug` writes it.
fn wrapped(text: &[u8], wrapper: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(wrapper)?;
    matches!(rest, [b'"', ..] | [b'\\', b'"', ..]).then_some(wrapper.len())
}

/// How long the text before the closing quote is; all of it if there is none.
fn quoted(text: &[u8], quote: u8, is_escaped: bool) -> usize {
    let mut from = 0;
    while let Some(at) = memchr::memchr(quote, &text[from..]) {
        let at = from + at;
        let backslashes = text[from..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        match (is_escaped, backslashes) {
            (true, 1..) => return at - 1,
            (true, 0) => return at,
            (false, count) if count % 2 == 0 => return at,
            (false, _) => from = at + 1,
        }
    }
    text.len()
}

fn ends_value(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || is_quote(byte)
        || matches!(byte, b',' | b';' | b'&' | b')' | b']' | b'}' | b'<' | b'>' | b'|' | b'#' | b'\\')
}

/// A comma or full stop of Chinese or Japanese, which needs no space behind it.
fn ends_clause(text: &[u8]) -> bool {
    matches!(text.first(), Some(0xe3 | 0xef))
        && ["，", "。", "、", "；", "）", "」", "』"].iter().any(|sign| text.starts_with(sign.as_bytes()))
}

fn skip(text: &[u8], at: usize, is_skipped: impl Fn(u8) -> bool) -> usize {
    at + text.get(at..).map_or(0, |rest| rest.iter().take_while(|byte| is_skipped(**byte)).count())
}

/// Whether it is rather an id or a key than a word.
fn looks_secret(value: &[u8]) -> bool {
    value.len() >= 16 && !value.contains(&b' ')
        || value.len() >= 6 && value.iter().any(u8::is_ascii_digit)
        || value.len() >= 4 && value.iter().all(u8::is_ascii_digit)
}

/// Whether it only stands for a value, tells that there is none, or goes on with a sentence.
fn is_placeholder(value: &[u8]) -> bool {
    #[rustfmt::skip]
    const WORDS: &[&[u8]] = &[
        b"a", b"an", b"and", b"cannot", b"could", b"denied", b"does", b"empty", b"error", b"expected", b"expired",
        b"failed", b"false", b"field", b"for", b"forbidden", b"from", b"has", b"hidden", b"in", b"incorrect",
        b"invalid", b"is", b"it", b"missing", b"mismatch", b"must", b"nil", b"no", b"none", b"not", b"null",
        b"off", b"ok", b"on", b"optional", b"or", b"redacted", b"required", b"reset", b"secret", b"set",
        b"should", b"string", b"the", b"this", b"to", b"too", b"true", b"unauthorized", b"undefined",
        b"unexpected", b"unset", b"unsupported", b"was", b"wrong", b"yes", b"you", b"your",
    ];
    // A part of it was a secret of its own, which is gone.
    if memchr::memmem::find(value, b"[Filtered").is_some() {
        return true;
    }
    match value {
        [b'?' | b'{' | b'%', ..] | [b'$', b'{' | b'(', ..] => true,
        // `$1` and `$HOME`, but not `$2b$12$…`.
        [b'$', rest @ ..] => {
            rest.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase() || *byte == b'_')
        }
        [b':' | b'@', rest @ ..] => rest.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'),
        _ if value.starts_with(b"[REDACTED") => true,
        _ if value.iter().all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.' | b'-' | b'_')) => true,
        _ => {
            let word = value.trim_ascii_end();
            let word = word.strip_suffix(b".").unwrap_or(word);
            word.len() <= 12 && WORDS.iter().any(|it| it.eq_ignore_ascii_case(word))
        }
    }
}
