//! The content of an envelope for somebody who reads it.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};

use sentry_core::envelope::EnvelopeItem;
use sentry_core::protocol::Envelope;
use serde_json::Value;

use super::view::Entry;

/// What is in an envelope: its headers and items as indented JSON; of attachments and other bytes only how many they are.
///
/// Control characters in it are replaced: it may be printed to a terminal.
///
/// # Errors
/// When the file is not there any more, cannot be read, or is not what its name says; [`InvalidData`](ErrorKind::InvalidData)
/// then.
pub fn show(entry: &Entry) -> io::Result<String> {
    let bytes = read(entry)?;
    let envelope =
        Envelope::from_slice(&bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
    let mut text = json(line(&bytes).0).unwrap_or_default();
    for item in envelope.items() {
        // An envelope with nothing else in it: its headers, the headers of the item, the payload.
        let mut alone = Vec::new();
        Envelope::from(item.clone()).write_to(&mut alone)?;
        let (header, payload) = line(line(&alone).1);
        let payload = payload.strip_suffix(b"\n").unwrap_or(payload);
        let shown = match item {
            EnvelopeItem::Attachment(_) => None,
            _ => json(payload),
        };
        let _ = write!(text, "\n{}", json(header).unwrap_or_default());
        let _ = match shown {
            Some(shown) => write!(text, "\n{shown}"),
            None => write!(text, "\n({} bytes)", payload.len()),
        };
    }
    text.push('\n');
    Ok(text.chars().map(printable).collect())
}

/// The bytes of the file, if they are what its name says. Never more than that, however large the file is.
fn read(entry: &Entry) -> io::Result<Vec<u8>> {
    let is_file = fs::symlink_metadata(&entry.path)?.is_file();
    let mut bytes = Vec::new();
    if is_file {
        File::open(&entry.path)?.take(entry.size + 1).read_to_end(&mut bytes)?;
    }
    let damaged = || io::Error::new(ErrorKind::InvalidData, "the file is damaged");
    if is_file && entry.name.fits(&bytes) { Ok(bytes) } else { Err(damaged()) }
}

fn json(bytes: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or_default())
}

/// Neither commands to a terminal nor characters that turn the direction of the text.
fn printable(char: char) -> char {
    match char {
        '\n' => char,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        _ if char.is_control() => char::REPLACEMENT_CHARACTER,
        _ => char,
    }
}
