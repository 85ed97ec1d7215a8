//! The `baggage` header: a W3C list of percent-encoded members, of which those with the prefix `sentry-` are ours.

use std::fmt::Write as _;

/// What W3C guarantees a header may hold. Whole members are dropped beyond it.
pub(in crate::trace) const MAX_MEMBERS: usize = 64;
const MAX_BYTES: usize = 8_192;

const PREFIX: &str = "sentry-";

/// Our members of a header, without the prefix. What cannot be decoded is left out, and so is what is too much.
pub(in crate::trace) fn sentry_members(header: &str) -> impl Iterator<Item = (String, String)> {
    let ours = header.split(',').take(4 * MAX_MEMBERS).filter_map(member);
    let mut bytes = 0;
    ours.take_while(move |(key, value)| {
        bytes += key.len() + value.len();
        bytes <= MAX_BYTES
    })
}

/// A header with the given fields as our members; `None` if there are none.
pub(in crate::trace) fn header<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let mut header = String::new();
    for (key, value) in fields.take(MAX_MEMBERS) {
        let before = header.len();
        if before != 0 {
            header.push(',');
        }
        header.push_str(PREFIX);
        encode(key, &mut header);
        header.push('=');
        encode(value, &mut header);
        if header.len() > MAX_BYTES {
            header.truncate(before);
        }
    }
    (!header.is_empty()).then_some(header)
}

/// A `baggage` header for a request that has one already: what others put there stays, and our members are replaced.
///
/// ```
/// let ours = "sentry-release=shop%401";
/// assert_eq!(sentry_core::merge_baggage("vendor=1, sentry-release=old", ours), format!("vendor=1,{ours}"));
/// ```
#[must_use]
pub fn merge(existing: &str, ours: &str) -> String {
    let theirs = existing.split(',').map(str::trim).filter(|member| !member.is_empty());
    let theirs = theirs.filter(|member| !member.starts_with(PREFIX));
    let mut header = String::with_capacity(existing.len() + ours.len() + 1);
    for member in theirs.chain(ours.split(',').filter(|member| !member.is_empty())).take(MAX_MEMBERS) {
        if header.len() + 1 + member.len() <= MAX_BYTES {
            if !header.is_empty() {
                header.push(',');
            }
            header.push_str(member);
        }
    }
    header
}

fn member(text: &str) -> Option<(String, String)> {
    // A member may have properties behind a semicolon.
    let text = text.split(';').next()?;
    let (key, value) = text.split_once('=')?;
    let key = decode(key.trim().strip_prefix(PREFIX)?)?;
    (!key.is_empty()).then_some((key, decode(value.trim())?))
}

fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16).map(|value| value as u8);
                digit()? << 4 | digit()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(header: &str) -> Vec<(String, String)> {
        sentry_members(header).collect()
    }

    #[test]
    fn our_members_are_found_among_those_of_others() {
        let header = "other=1, sentry-trace_id=abc ;prop=1,\tsentry-release=app%401%2E0, sentry-Future%20key=x=y,sentry=z";
        let expected = [("trace_id", "abc"), ("release", "app@1.0"), ("Future key", "x=y")];
        assert_eq!(members(header), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn ugly_members_are_left_out() {
        for header in [
            "",
            ",",
            ",,,:;:",
            "=",
            "sentry-",
            "sentry-=x",
            "sentry-a",
            "sentry-a=%",
            "sentry-a=%4",
            "sentry-a=%zz",
            "sentry-a=%ff",
            "sentry-%ff=a",
            "Sentry-a=b",
            "sentry-a=%+1",
        ] {
            assert_eq!(members(header), [], "{header}");
        }
        assert_eq!(members("sentry-a=%ff,sentry-b=1").len(), 1);
    }

    #[test]
    fn what_goes_out_comes_in_again() {
        let fields = [("release", "my app@1.0+ü,;=\"%"), ("transaction", "GET /a/{id}"), ("empty", "")];
        let text = header(fields.into_iter()).unwrap();
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
        assert_eq!(members(&text), fields.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_others_put_there_stays() {
        assert_eq!(merge("", "sentry-a=1"), "sentry-a=1");
        assert_eq!(merge(" v=1;p=2 ,, sentry-a=0", "sentry-a=1,sentry-b=2"), "v=1;p=2,sentry-a=1,sentry-b=2");
        assert_eq!(merge("v=1", ""), "v=1");
        let many = "v=1,".repeat(100);
        assert_eq!(merge(&many, "sentry-a=1").split(',').count(), MAX_MEMBERS);
        let long = format!("v={}", "x".repeat(MAX_BYTES));
        assert_eq!(merge(&long, "sentry-a=1"), "sentry-a=1");
    }

    #[test]
    fn limits_hold_and_no_member_is_cut() {
        let long = "x".repeat(MAX_BYTES);
        let text = header([("a", "1"), ("long", &*long), ("b", "2")].into_iter()).unwrap();
        assert_eq!(text, "sentry-a=1,sentry-b=2");
        assert_eq!(header([("long", &*long)].into_iter()), None);
        assert_eq!(header((0..100).map(|_| ("k", "v"))).unwrap().split(',').count(), MAX_MEMBERS);

        let flood = "sentry-k=v,".repeat(100_000);
        assert!(members(&flood).len() <= 4 * MAX_MEMBERS);
        assert!(members(&format!("sentry-a=1,sentry-b={long}")).len() == 1);
    }
}
