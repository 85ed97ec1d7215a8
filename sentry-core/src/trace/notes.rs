//! The fields of a span as an integration sees them, in few bytes.
//!
//! A map of names and values is most of what a span costs: each entry is two allocations, and somebody has to give them back.
//! So fields are written one after the other where the span is, by their numbers, and become data where the span gets its
//! wire form, or where somebody wants to see them.
//!
//! ```text
//! field 1 byte │ kind 1 byte │ nothing, or 8 bytes of a number, or 4 bytes of a length and a text
//! ```

use std::fmt::{self, Write};

use crate::protocol::Value;
use crate::size::chunk;

/// Bytes that need no allocation: enough for a few numbers and short texts.
const INLINE: usize = 46;

/// Fields of a span, by the numbers that their integration has for them. For integrations.
#[derive(Clone)]
#[doc(hidden)]
pub struct Notes(Bytes);

#[derive(Clone)]
enum Bytes {
    Heap(Vec<u8>),
    Inline { bytes: [u8; INLINE], len: u8 },
}

/// What follows the number of a field.
const FALSE: u8 = 0;
const TRUE: u8 = 1;
const INTEGER: u8 = 2;
const NATURAL: u8 = 3;
const FLOAT: u8 = 4;
const TEXT: u8 = 5;

/// Bytes before a text.
const HEAD: usize = 6;

impl Notes {
    const NONE: Self = Self(Bytes::Inline { bytes: [0; INLINE], len: 0 });

    /// Notes a truth.
    pub fn truth(&mut self, field: u8, value: bool) {
        self.put(&[field, if value { TRUE } else { FALSE }]);
    }

    /// Notes a number with a sign.
    #[inline]
    pub fn integer(&mut self, field: u8, value: i64) {
        self.number(field, INTEGER, value.to_le_bytes());
    }

    /// Notes a number without a sign.
    #[inline]
    pub fn natural(&mut self, field: u8, value: u64) {
        self.number(field, NATURAL, value.to_le_bytes());
    }

    /// Notes a number with a fraction.
    pub fn float(&mut self, field: u8, value: f64) {
        self.number(field, FLOAT, value.to_le_bytes());
    }

    /// Notes a text.
    pub fn text(&mut self, field: u8, value: &str) {
        // No text of that length ever gets anywhere.
        let Ok(len) = u32::try_from(value.len()) else { return };
        self.put(&head(field, len));
        self.put(value.as_bytes());
    }

    /// Notes what something looks like.
    pub fn shown(&mut self, field: u8, value: fmt::Arguments<'_>) {
        let at = self.bytes().len();
        self.put(&head(field, 0));
        // What the application cannot show to the end is shown as far as that went.
        let _ = Shown(self).write_fmt(value);
        let len = u32::try_from(self.bytes().len() - at - HEAD).unwrap_or(0);
        if let Some(place) = self.bytes_mut().get_mut(at..at + HEAD) {
            place.copy_from_slice(&head(field, len));
        }
    }

    /// What of it is not where the span is.
    pub(super) fn heap(&self) -> usize {
        match &self.0 {
            Bytes::Heap(bytes) => chunk(bytes.capacity()),
            Bytes::Inline { .. } => 0,
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of it.
    #[inline]
    pub(super) fn len(&self) -> usize {
        match &self.0 {
            Bytes::Heap(bytes) => bytes.len(),
            Bytes::Inline { len, .. } => usize::from(*len),
        }
    }

    /// Adds what others have noted.
    pub(super) fn append(&mut self, others: &Self) {
        self.put(others.bytes());
    }

    /// Tells the fields in the order in which they were noted.
    pub(super) fn tell(&self, mut to: impl FnMut(u8, Value)) {
        let mut rest = self.bytes();
        while let Some((field, value, after)) = first(rest) {
            to(field, value);
            rest = after;
        }
    }

    #[inline]
    fn number(&mut self, field: u8, kind: u8, [a, b, c, d, e, f, g, h]: [u8; 8]) {
        self.put(&[field, kind, a, b, c, d, e, f, g, h]);
    }

    #[inline]
    fn put(&mut self, more: &[u8]) {
        if let Bytes::Inline { bytes, len } = &mut self.0 {
            let from = usize::from(*len);
            if let Some(place) = bytes.get_mut(from..from + more.len()) {
                place.copy_from_slice(more);
                *len += more.len() as u8;
                return;
            }
        }
        self.put_elsewhere(more);
    }

    #[inline(never)]
    fn put_elsewhere(&mut self, more: &[u8]) {
        if let Bytes::Heap(bytes) = &mut self.0 {
            return bytes.extend_from_slice(more);
        }
        let mut bytes = Vec::with_capacity((self.len() + more.len()).max(2 * INLINE));
        bytes.extend_from_slice(self.bytes());
        bytes.extend_from_slice(more);
        self.0 = Bytes::Heap(bytes);
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Heap(bytes) => bytes,
            Bytes::Inline { bytes, len } => bytes.get(..usize::from(*len)).unwrap_or_default(),
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Bytes::Heap(bytes) => bytes,
            Bytes::Inline { bytes, .. } => bytes,
        }
    }
}

fn head(field: u8, len: u32) -> [u8; HEAD] {
    let [a, b, c, d] = len.to_le_bytes();
    [field, TEXT, a, b, c, d]
}

/// The first field, and what comes after it.
fn first(bytes: &[u8]) -> Option<(u8, Value, &[u8])> {
    let (&[field, kind], rest) = bytes.split_first_chunk()?;
    let number = || rest.split_first_chunk::<8>();
    let (value, rest) = match kind {
        FALSE | TRUE => (Value::from(kind == TRUE), rest),
        INTEGER => number().map(|(bytes, rest)| (i64::from_le_bytes(*bytes).into(), rest))?,
        NATURAL => number().map(|(bytes, rest)| (u64::from_le_bytes(*bytes).into(), rest))?,
        FLOAT => number().map(|(bytes, rest)| (f64::from_le_bytes(*bytes).into(), rest))?,
        _ => {
            let (len, rest) = rest.split_first_chunk()?;
            let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
            (String::from_utf8_lossy(text).into(), rest)
        }
    };
    Some((field, value, rest))
}

/// Notes what is written to it.
struct Shown<'a>(&'a mut Notes);

impl Write for Shown<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.put(text.as_bytes());
        Ok(())
    }
}

impl Default for Notes {
    #[inline]
    fn default() -> Self {
        Self::NONE
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notes").field("bytes", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(notes: &Notes) -> Vec<(u8, Value)> {
        let mut told = Vec::new();
        notes.tell(|field, value| told.push((field, value)));
        told
    }

    #[test]
    fn what_is_noted_is_told_in_its_order() {
        let mut notes = Notes::default();
        assert!(notes.is_empty());
        notes.truth(3, true);
        notes.truth(4, false);
        notes.integer(0, i64::MIN);
        notes.natural(1, u64::MAX);
        assert_eq!(notes.heap(), 0);
        notes.float(2, 0.5);
        notes.float(2, f64::NAN);
        notes.text(255, "größe");
        notes.shown(7, format_args!("{:?} {}", "a", 1));
        notes.text(8, "");
        let expected = [
            (3, json!(true)),
            (4, json!(false)),
            (0, json!(i64::MIN)),
            (1, json!(u64::MAX)),
            (2, json!(0.5)),
            (2, Value::Null),
            (255, json!("größe")),
            (7, json!("\"a\" 1")),
            (8, json!("")),
        ];
        assert_eq!(told(&notes), expected);
        assert_eq!(told(&notes.clone()), expected);
    }

    #[test]
    fn a_text_may_be_as_long_as_it_likes() {
        for len in [INLINE - HEAD - 1, INLINE - HEAD, INLINE - HEAD + 1, 100_000] {
            let text = "x".repeat(len);
            let mut notes = Notes::default();
            notes.shown(1, format_args!("{text}"));
            notes.text(2, &text);
            notes.integer(3, 3);
            let expected = [(1, json!(text)), (2, json!(text)), (3, json!(3))];
            assert_eq!(told(&notes), expected, "{len}");
        }
    }

    #[test]
    fn what_cannot_be_shown_ends_where_that_was_noticed() {
        struct Broken;
        impl fmt::Display for Broken {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("half")?;
                Err(fmt::Error)
            }
        }
        let mut notes = Notes::default();
        notes.shown(1, format_args!("{Broken}"));
        notes.integer(2, 2);
        assert_eq!(told(&notes), [(1, json!("half")), (2, json!(2))]);
    }
}
