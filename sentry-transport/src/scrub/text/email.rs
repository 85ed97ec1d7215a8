//! E-mail addresses.

use super::{Hit, Rule};

/// The longest part before the `@`.
const LOCAL: usize = 64;
/// The longest name of a domain.
const DOMAIN: usize = 253;

/// Around the `@` at `at`, with nothing before `floor`.
pub(super) fn find(text: &[u8], at: usize, floor: usize) -> Option<Hit> {
    let is_local =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-');
    let before = &text[floor.max(at.saturating_sub(LOCAL))..at];
    let local = before.iter().rev().take_while(|byte| is_local(byte)).count();
    let dots = text[at - local..at].iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
    // Credentials in a URL that were taken out, as a URL has to write it.
    if local == dots || before.ends_with(b"%5BFiltered%5D") {
        return None;
    }
    let domain = domain(&text[at + 1..])?;
    Some(Hit::new(at - local + dots, at + 1 + domain, Rule::Email))
}

/// How long the name of a host at the start of `text` is, if it ends in a top level domain.
fn domain(text: &[u8]) -> Option<usize> {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let mut name = &text[..text.iter().take(DOMAIN).take_while(is_part).count()];
    while let [rest @ .., b'.' | b'-'] = name {
        name = rest;
    }
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    let (host, top) = (&name[..dot], &name[dot + 1..]);
    let is_host =
        host.first().is_some_and(u8::is_ascii_alphanumeric) && !host.windows(2).any(|two| two == b"..");
    let is_top = top.len() >= 2 && top.iter().all(u8::is_ascii_alphabetic);
    // `icon@2x.png`
    let is_density = matches!(host, [b'1'..=b'9', b'x']);
    (is_host && is_top && !is_density && !is_unit(top)).then_some(name.len())
}

/// `getty@tty1.service`: the kinds of units of systemd. None is a top level domain.
fn is_unit(top: &[u8]) -> bool {
    const KINDS: [&[u8]; 8] =
        [b"service", b"socket", b"timer", b"target", b"mount", b"slice", b"scope", b"swap"];
    KINDS.contains(&top)
}
