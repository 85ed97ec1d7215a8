//! Secrets that begin with a prefix of their own.

use super::{Hit, Rule, base64};

/// How far long runs were looked at in vain: a run is not looked at again from its middle.
#[derive(Debug, Default)]
pub(super) struct Seen {
    jwt: usize,
    scheme: usize,
}

/// A prefix, and how many characters of which kind follow at least.
struct Prefix {
    text: &'static [u8],
    least: usize,
    is_part: fn(u8) -> bool,
}

const fn prefix(text: &'static [u8], least: usize, is_part: fn(u8) -> bool) -> Prefix {
    Prefix { text, least, is_part }
}

fn alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn token(byte: u8) -> bool {
    alnum(byte) || matches!(byte, b'_' | b'-')
}

fn dotted(byte: u8) -> bool {
    token(byte) || byte == b'.'
}

fn path(byte: u8) -> bool {
    token(byte) || byte == b'/'
}

fn padded(byte: u8) -> bool {
    alnum(byte) || matches!(byte, b'+' | b'/' | b'=')
}

/// The known prefixes that begin with `first`.
fn known(first: u8) -> &'static [Prefix] {
    const UPPER_A: &[Prefix] = &[
        prefix(b"AKIA", 16, upper),
        prefix(b"ASIA", 16, upper),
        prefix(b"ABIA", 16, upper),
        prefix(b"ACCA", 16, upper),
        prefix(b"AGPA", 16, upper),
        prefix(b"AIDA", 16, upper),
        prefix(b"AROA", 16, upper),
        prefix(b"AIza", 35, token),
        prefix(b"AccountKey=", 40, padded),
    ];
    const D: &[Prefix] = &[
        prefix(b"dop_v1_", 32, alnum),
        prefix(b"dckr_pat_", 20, token),
        prefix(b"discord.com/api/webhooks/", 30, path),
        prefix(b"discordapp.com/api/webhooks/", 30, path),
    ];
    const G: &[Prefix] = &[
        prefix(b"ghp_", 30, alnum),
        prefix(b"gho_", 30, alnum),
        prefix(b"ghu_", 30, alnum),
        prefix(b"ghs_", 30, alnum),
        prefix(b"ghr_", 30, alnum),
        prefix(b"github_pat_", 22, token),
        prefix(b"glpat-", 20, token),
        prefix(b"glrt-", 20, token),
    ];
    const H: &[Prefix] = &[
        prefix(b"hf_", 30, alnum),
        prefix(b"hvs.", 20, token),
        prefix(b"hooks.slack.com/services/", 20, path),
    ];
    const S: &[Prefix] = &[
        prefix(b"sk_live_", 10, alnum),
        prefix(b"sk_test_", 10, alnum),
        prefix(b"sk-ant-", 20, token),
        prefix(b"sk-proj-", 20, token),
        prefix(b"sk-svcacct-", 20, token),
        prefix(b"sk-", 40, alnum),
        prefix(b"shpat_", 32, alnum),
        prefix(b"shpss_", 32, alnum),
        prefix(b"sntrys_", 20, padded),
        prefix(b"sntryu_", 32, alnum),
    ];
    const X: &[Prefix] = &[
        prefix(b"xoxb-", 10, token),
        prefix(b"xoxp-", 10, token),
        prefix(b"xoxa-", 10, token),
        prefix(b"xoxr-", 10, token),
        prefix(b"xoxs-", 10, token),
        prefix(b"xoxe-", 10, token),
        prefix(b"xapp-", 10, token),
    ];
    match first {
        b'A' => UPPER_A,
        b'd' => D,
        b'g' => G,
        b'h' => H,
        b's' => S,
        b'x' => X,
        b'G' => const { &[prefix(b"GOCSPX-", 20, token)] },
        b'S' => const { &[prefix(b"SG.", 40, dotted)] },
        b'l' => const { &[prefix(b"lin_api_", 32, alnum)] },
        b'n' => const { &[prefix(b"npm_", 36, alnum)] },
        b'p' => const { &[prefix(b"pypi-AgE", 40, token)] },
        b'r' => const { &[prefix(b"rk_live_", 10, alnum), prefix(b"rk_test_", 10, alnum)] },
        b'w' => const { &[prefix(b"whsec_", 20, padded)] },
        b'y' => const { &[prefix(b"ya29.", 20, token)] },
        _ => &[],
    }
}

/// One at the start of a word, which ends at `end`.
pub(super) fn find(text: &[u8], at: usize, end: usize, seen: &mut Seen) -> Option<Hit> {
    match text[at] {
        b'e' => jwt(text, at, seen),
        b'B' | b'b' if matches!(end - at, 5 | 6) => scheme(text, at, seen),
        b'A' => cloud_key(text, at, known(b'A')),
        // The others hold a sign, and most words have none behind them.
        first if matches!(text.get(end), Some(b'_' | b'-' | b'.')) => cloud_key(text, at, known(first)),
        _ => None,
    }
}

fn cloud_key(text: &[u8], at: usize, known: &[Prefix]) -> Option<Hit> {
    known.iter().find_map(|prefix| {
        let tail = text[at..].strip_prefix(prefix.text)?;
        let length = run(tail, prefix.is_part);
        let start = at + prefix.text.len();
        // What is a name stays, what is part of the secret goes with it.
        let from = if prefix.text.ends_with(b"=") { start } else { at };
        (length >= prefix.least).then(|| Hit::new(from, start + length, Rule::CloudKey))
    })
}

/// `eyJ….eyJ….…`: two parts of JSON in Base64, and a signature, which may be cut off.
fn jwt(text: &[u8], at: usize, seen: &mut Seen) -> Option<Hit> {
    if at < seen.jwt || !text[at..].starts_with(b"eyJ") {
        return None;
    }
    let header = at + run(&text[at..], token);
    let second = text[header..].strip_prefix(b".eyJ");
    let Some(second) = second.filter(|_| header - at >= 8) else {
        seen.jwt = header;
        return None;
    };
    let payload = header + 4 + run(second, token);
    let tail = text[payload..].strip_prefix(b".").map_or(0, |tail| match run(tail, dotted) {
        0 => 0,
        length => length + 1,
    });
    // A full stop behind it ends a sentence.
    let end = payload + tail;
    let end = end - usize::from(tail > 0 && text[end - 1] == b'.');
    Some(Hit::new(at, end, Rule::Jwt))
}

/// What follows `Bearer` and `Basic`, if it is what shall follow there.
fn scheme(text: &[u8], at: usize, seen: &mut Seen) -> Option<Hit> {
    if at < seen.scheme {
        return None;
    }
    let is = |name: &[u8]| text.get(at..at + name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name));
    let (name, is_basic) = if is(b"bearer") {
        (6, false)
    } else if is(b"basic") {
        (5, true)
    } else {
        return None;
    };
    let rest = &text[at + name..];
    // Some put a colon behind it.
    let gap = run(&rest[..rest.len().min(4)], |byte| matches!(byte, b' ' | b'\t' | b':' | b'+'));
    let gap = if gap == 0 && rest.starts_with(b"%20") { 3 } else { gap };
    if gap == 0 {
        return None;
    }
    let start = at + name + gap;
    let is_part = |byte| dotted(byte) || matches!(byte, b'~' | b'+' | b'/' | b'=');
    let length = run(&text[start..], is_part);
    let value = &text[start..start + length];
    let value = value.strip_suffix(b".").unwrap_or(value);
    // Next to something that was taken out, what is left is no whole value any more.
    let is_whole = text.get(start + length) != Some(&b'[');
    let is_secret = match is_basic {
        true => value.len() >= 4 && base64::is_credentials(value),
        false => is_random(value),
    };
    if !is_whole || !is_secret {
        seen.scheme = start + length;
        return None;
    }
    Some(Hit::new(start, start + value.len(), Rule::Bearer))
}

/// Whether it is no word of a language: digits, or upper and lower case mixed, or long.
fn is_random(value: &[u8]) -> bool {
    let has_digit = || value.iter().any(u8::is_ascii_digit);
    let is_mixed =
        || value.iter().skip(1).any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase);
    value.len() >= 6 && (has_digit() || is_mixed() || value.len() >= 24)
}

/// A token of a Telegram bot: `123456789:AA…`.
pub(super) fn find_bot(text: &[u8], at: usize, end: usize) -> Option<Hit> {
    if !(8..=10).contains(&(end - at)) || !text[at..end].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let rest = text[end..].strip_prefix(b":AA")?;
    let length = run(&rest[..rest.len().min(64)], token);
    (30..=36).contains(&length).then(|| Hit::new(at, end + 3 + length, Rule::CloudKey))
}

fn run(text: &[u8], is_part: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|byte| !is_part(*byte)).unwrap_or(text.len())
}
