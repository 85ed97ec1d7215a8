//! Blocks of keys in PEM.

use super::{Hit, Rule};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
/// Behind `BEGIN`: the longest name of a kind of key, and the dashes.
const LABEL: usize = 64;

/// From `-----BEGIN … KEY-----` to the end of the block; a block that is cut off takes the rest of the text.
pub(super) fn find(text: &[u8], at: usize) -> Option<Hit> {
    let rest = text[at..].strip_prefix(BEGIN)?;
    let label = &rest[..rest.len().min(LABEL)];
    let length = memchr::memmem::find(label, b"-----")?;
    let kind = &label[..length];
    if !kind.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ') {
        return None;
    }
    if !kind.ends_with(b"PRIVATE KEY")
        && !kind.ends_with(b"PUBLIC KEY")
        && !kind.ends_with(b"PRIVATE KEY BLOCK")
    {
        return None;
    }
    let body = at + BEGIN.len() + length + 5;
    let end = memchr::memmem::find(&text[body..], END).map_or(text.len(), |end| {
        let label = body + end + END.len();
        let tail = &text[label..text.len().min(label + LABEL)];
        memchr::memmem::find(tail, b"-----").map_or(label, |length| label + length + 5)
    });
    Some(Hit::new(at, end, Rule::PrivateKey))
}
