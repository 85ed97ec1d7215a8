//! Build ids, and what Sentry makes of them (protocol.md 14.4).

use sentry_core::protocol::debugid::{CodeId, DebugId};

/// What identifies a build of an object file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) debug_id: DebugId,
    pub(crate) code_id: Option<CodeId>,
}

impl Identity {
    /// From the build id of the linker.
    pub(crate) fn from_build_id(build_id: &[u8]) -> Option<Self> {
        if build_id.is_empty() {
            return None;
        }
        let mut start = [0; 16];
        for (to, from) in start.iter_mut().zip(build_id) {
            *to = *from;
        }
        Some(Self { debug_id: debug_id(start)?, code_id: Some(CodeId::from_binary(build_id)) })
    }

    /// From the first page of the code, for files without a build id.
    pub(crate) fn from_text(text: &[u8]) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let mut hash = [0_u8; 16];
        for chunk in text[..text.len().min(4_096)].chunks(16) {
            for (to, from) in hash.iter_mut().zip(chunk) {
                *to ^= from;
            }
        }
        Some(Self { debug_id: debug_id(hash)?, code_id: None })
    }
}

/// The 16 bytes are a GUID in the byte order of Windows.
fn debug_id(bytes: [u8; 16]) -> Option<DebugId> {
    DebugId::from_guid_age(&bytes, 0).ok()
}

/// The GNU build id in the notes of an ELF file.
pub(crate) fn in_notes(notes: &[u8]) -> Option<&[u8]> {
    const GNU_BUILD_ID: u32 = 3;
    let mut rest = notes;
    loop {
        let name_size = number(rest, 0)?;
        let size = number(rest, 4)?;
        let kind = number(rest, 8)?;
        let name_end = 12_usize.checked_add(usize::try_from(name_size).ok()?)?;
        let start = name_end.checked_next_multiple_of(4)?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        let content = rest.get(start..end)?;
        if kind == GNU_BUILD_ID && rest.get(12..name_end)? == b"GNU\0" && !content.is_empty() {
            return Some(content);
        }
        rest = rest.get(end.checked_next_multiple_of(4)?..)?;
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(name: &[u8], kind: u32, content: &[u8]) -> Vec<u8> {
        let mut note = Vec::new();
        for number in [name.len() as u32, content.len() as u32, kind] {
            note.extend(number.to_ne_bytes());
        }
        for part in [name, content] {
            note.extend(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    #[test]
    fn the_example_of_the_protocol() {
        let build_id: Vec<u8> = (0..20)
            .map(|at| {
                u8::from_str_radix(&"f1c3bcc0279865fe3058404b2831d9e64135386c"[at * 2..at * 2 + 2], 16)
                    .unwrap()
            })
            .collect();
        let identity = Identity::from_build_id(&build_id).unwrap();
        assert_eq!(identity.debug_id.to_string(), "c0bcc3f1-9827-fe65-3058-404b2831d9e6");
        assert_eq!(identity.code_id.unwrap().to_string(), "f1c3bcc0279865fe3058404b2831d9e64135386c");
    }

    #[test]
    fn without_a_build_id_the_code_is_hashed() {
        let mut text = vec![0_u8; 10_000];
        text[0] = 0x11;
        text[16] = 0x01;
        text[5_000] = 0xff;
        let identity = Identity::from_text(&text).unwrap();
        assert_eq!(identity.debug_id.to_string(), "00000010-0000-0000-0000-000000000000");
        assert_eq!(identity.code_id, None);
        assert_eq!(Identity::from_text(&[]), None);
        assert_eq!(Identity::from_build_id(&[]), None);
        assert!(Identity::from_build_id(&[1, 2, 3]).is_some());
    }

    #[test]
    fn the_build_id_is_found_among_other_notes() {
        let mut notes = note(b"GNU\0", 5, b"properties");
        notes.extend(note(b"Go\0\0", 3, b"other"));
        notes.extend(note(b"GNU\0", 3, b"12345678901234567890"));
        assert_eq!(in_notes(&notes), Some(&b"12345678901234567890"[..]));
    }

    #[test]
    fn broken_notes_are_survived() {
        let notes = note(b"GNU\0", 3, b"12345678901234567890");
        for cut in 0..notes.len() - 1 {
            assert_eq!(in_notes(&notes[..cut]), None);
        }
        assert_eq!(in_notes(&[0xff; 64]), None);
        assert_eq!(in_notes(&[0; 64]), None);
    }
}
