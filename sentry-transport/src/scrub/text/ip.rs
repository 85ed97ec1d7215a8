//! Public IP addresses. Those of private networks say nothing about anybody, and much about a fault. Those that are kept for
//! documentation go: whoever tries out whether addresses go takes one of them.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Hit, Rule};

/// The longest address in writing.
const LONGEST: usize = 45;

/// One at the start of a word that begins with a digit.
pub(super) fn find(text: &[u8], at: usize, end: usize) -> Option<Hit> {
    match text.get(end)? {
        b'.' => v4(text, at),
        b':' => v6(text, at, end),
        _ => None,
    }
}

fn v4(text: &[u8], at: usize) -> Option<Hit> {
    let before = |back: usize| at.checked_sub(back).map(|at| text[at]);
    // Versions: `1.2.3.4.5`, `curl/7.88.1.0`, `lib-1.2.3.4`.
    match before(1) {
        Some(b'.' | b'-' | b'_') => return None,
        Some(b'/') if before(2) != Some(b'/') => return None,
        _ => {}
    }
    let length = run(&text[at..], |byte| byte.is_ascii_digit() || byte == b'.');
    let length = length - usize::from(text[at + length - 1] == b'.');
    let written = std::str::from_utf8(&text[at..at + length]).ok()?;
    let address: Ipv4Addr = written.parse().ok()?;
    let joins = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.get(at + length).is_some_and(joins) || !is_public(address) || is_version(text, at) {
        return None;
    }
    Some(Hit::new(at, at + length, Rule::Ip))
}

/// Of the global range, which begins with 2 or 3.
fn v6(text: &[u8], at: usize, end: usize) -> Option<Hit> {
    if end - at != 4 || !matches!(text[at], b'2' | b'3') {
        return None;
    }
    let mut length = run(&text[at..], |byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
    while length > 0
        && matches!(text[at + length - 1], b'.' | b':')
        && !text[at..at + length].ends_with(b"::")
    {
        length -= 1;
    }
    let written = std::str::from_utf8(&text[at..at + length]).ok()?;
    written.parse::<Ipv6Addr>().ok()?;
    let ends = !text.get(at + length).is_some_and(u8::is_ascii_alphanumeric);
    ends.then(|| Hit::new(at, at + length, Rule::Ip))
}

fn run(text: &[u8], is_part: impl Fn(u8) -> bool) -> usize {
    text.iter().take(LONGEST).take_while(|byte| is_part(**byte)).count()
}

fn is_public(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let is_shared = first == 100 && (64..128).contains(&second);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || is_shared
        || matches!(first, 0 | 240..))
}

fn is_version(text: &[u8], at: usize) -> bool {
    let before = &text[at.saturating_sub(10)..at];
    before.windows(7).any(|window| window.eq_ignore_ascii_case(b"version"))
}
