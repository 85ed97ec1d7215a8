//! Two short texts in one allocation: name and operation of a transaction, operation and description of a span.

use std::fmt;

use crate::size::chunk;

/// Bytes of both that need no allocation: enough for most operations and names, not for statements.
const INLINE: usize = 38;

/// Two texts that are made together, at the cost of one, or of none if they are short.
#[derive(Clone)]
pub(super) struct Label {
    text: Text,
    /// Where the second begins. Always on the border of a character, since a whole text was pushed before it.
    split: usize,
}

#[derive(Clone)]
enum Text {
    Heap(String),
    Inline { bytes: [u8; INLINE], len: u8 },
}

impl Label {
    #[inline]
    pub(super) fn new(first: &str, second: &str) -> Self {
        let (split, len) = (first.len(), first.len() + second.len());
        if len <= INLINE {
            let mut bytes = [0; INLINE];
            bytes[..split].copy_from_slice(first.as_bytes());
            bytes[split..len].copy_from_slice(second.as_bytes());
            return Self { text: Text::Inline { bytes, len: len as u8 }, split };
        }
        let mut text = String::with_capacity(len);
        text.push_str(first);
        text.push_str(second);
        Self { text: Text::Heap(text), split }
    }

    /// Changes both in place.
    #[inline]
    pub(super) fn set(&mut self, first: &str, second: &str) {
        let (split, total) = (first.len(), first.len() + second.len());
        match &mut self.text {
            Text::Inline { bytes, len } if total <= INLINE => {
                bytes[..split].copy_from_slice(first.as_bytes());
                bytes[split..total].copy_from_slice(second.as_bytes());
                *len = total as u8;
                self.split = split;
            }
            _ => *self = Self::new(first, second),
        }
    }

    pub(super) fn first(&self) -> &str {
        self.part(0, self.split)
    }

    pub(super) fn second(&self) -> &str {
        self.part(self.split, self.len())
    }

    pub(super) fn set_first(&mut self, first: &str) {
        *self = Self::new(first, self.second());
    }

    pub(super) fn set_second(&mut self, second: &str) {
        *self = Self::new(self.first(), second);
    }

    /// Bytes of both.
    pub(super) fn len(&self) -> usize {
        match &self.text {
            Text::Heap(text) => text.len(),
            Text::Inline { len, .. } => usize::from(*len),
        }
    }

    /// What it holds beside itself.
    pub(super) fn heap(&self) -> usize {
        match &self.text {
            Text::Heap(text) => chunk(text.len()),
            Text::Inline { .. } => 0,
        }
    }

    /// Both; `None` for one that is empty.
    pub(super) fn into_parts(self) -> (Option<String>, Option<String>) {
        let second = self.second().to_owned();
        let first = match self.text {
            Text::Heap(mut text) => {
                text.truncate(self.split);
                text
            }
            Text::Inline { .. } => self.first().to_owned(),
        };
        (Some(first).filter(|text| !text.is_empty()), Some(second).filter(|text| !text.is_empty()))
    }

    fn part(&self, from: usize, to: usize) -> &str {
        let part = match &self.text {
            Text::Heap(text) => text.get(from..to),
            // Whole texts went in, so whole texts come out.
            Text::Inline { bytes, .. } => bytes.get(from..to).and_then(|part| str::from_utf8(part).ok()),
        };
        part.unwrap_or_default()
    }
}

impl Default for Label {
    fn default() -> Self {
        Self::new("", "")
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.first(), self.second()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_texts_change_independently() {
        let mut label = Label::new("größe", "db");
        label.set_first("ü");
        assert_eq!((label.first(), label.second()), ("ü", "db"));
        label.set_second("http.server");
        assert_eq!((label.first(), label.second()), ("ü", "http.server"));
        label.set_first("");
        assert_eq!(label.clone().into_parts(), (None, Some("http.server".to_owned())));
        label.set_second("");
        assert_eq!(label.into_parts(), (None, None));
    }

    #[test]
    fn short_ones_need_no_allocation_and_long_ones_stay_whole() {
        for len in [0, 1, INLINE - 3, INLINE - 2, INLINE - 1, INLINE, 1_000] {
            let long = "é".repeat(len / 2) + &"x".repeat(len % 2);
            let mut label = Label::new("db", &long);
            assert_eq!((label.first(), label.second(), label.len()), ("db", &*long, len + 2), "{len}");
            assert_eq!(label.heap() == 0, len + 2 <= INLINE, "{len}");
            label.set_first(&long);
            assert_eq!((label.first(), label.second()), (&*long, &*long));
            let own = Some(long).filter(|long| !long.is_empty());
            assert_eq!(label.into_parts(), (own.clone(), own));
        }
    }
}
