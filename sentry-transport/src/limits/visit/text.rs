//! Texts.

use std::borrow::Cow;

use crate::limits::caps::Most;
use crate::limits::visit::Visit;
use crate::scrub::trail::Trail;

/// What stands in the place of what was cut off.
const DOTS: &str = "...";

/// Quotes, colon and comma around a text and its name, and the name.
const FIELD: usize = 20;

impl Visit<'_> {
    /// The text at `name`.
    #[inline]
    pub(in crate::limits) fn text(&mut self, at: &Trail<'_>, name: &str, text: &mut String, most: Most) {
        self.count_text(text);
        // There are never more characters than bytes.
        if text.len() > most.chars {
            self.cut_to_chars(&at.name(name), text, most.chars, most.allowance);
        }
    }

    #[inline]
    pub(in crate::limits) fn option(
        &mut self,
        at: &Trail<'_>,
        name: &str,
        text: &mut Option<String>,
        most: Most,
    ) {
        if let Some(text) = text {
            self.text(at, name, text, most);
        }
    }

    #[inline]
    pub(in crate::limits) fn cow(
        &mut self,
        at: &Trail<'_>,
        name: &str,
        text: &mut Option<Cow<'_, str>>,
        most: Most,
    ) {
        let Some(text) = text else { return };
        self.count_text(text);
        if text.len() > most.chars {
            self.cut_to_chars(&at.name(name), text.to_mut(), most.chars, most.allowance);
        }
    }

    #[inline]
    pub(in crate::limits) fn count_text(&mut self, text: &str) {
        self.count(text.len());
        self.count_plain(FIELD);
    }

    /// Cuts `text` to so many characters, unless it has only a few more.
    #[cold]
    pub(in crate::limits) fn cut_to_chars(
        &mut self,
        at: &Trail<'_>,
        text: &mut String,
        chars: usize,
        allowance: usize,
    ) {
        // Far too long for sure: no need to count where to cut.
        let ends = text.char_indices().nth(chars + allowance).map(|(end, _)| end);
        if ends.is_none() {
            return;
        }
        let length = text.chars().count();
        let kept = chars.saturating_sub(DOTS.len());
        let end = text.char_indices().nth(kept).map_or(text.len(), |(end, _)| end);
        self.replace_end(at, text, end, chars.min(DOTS.len()), length);
    }

    /// Cuts `text` to so many bytes.
    #[cold]
    pub(in crate::limits) fn cut_to_bytes(&mut self, at: &Trail<'_>, text: &mut String, bytes: usize) {
        let length = text.chars().count();
        self.cut_with(at, text, bytes, length);
    }

    /// The same for a text of which only the beginning is there; all of it has the length `length`.
    pub(in crate::limits) fn cut_with(
        &mut self,
        at: &Trail<'_>,
        text: &mut String,
        bytes: usize,
        length: usize,
    ) {
        let mut end = bytes.saturating_sub(DOTS.len()).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.replace_end(at, text, end, bytes.min(DOTS.len()), length);
    }

    fn replace_end(&mut self, at: &Trail<'_>, text: &mut String, end: usize, dots: usize, length: usize) {
        let before = text.len();
        // A new one: what was there may have been very large.
        let mut short = String::with_capacity(end + DOTS.len());
        short.push_str(text.get(..end).unwrap_or_default());
        short.push_str(&DOTS[..dots]);
        *text = short;
        self.bytes = self.bytes.saturating_sub(before.saturating_sub(text.len()));
        self.count_cut();
        self.notes.cut(at, (end, text.len()), length);
    }
}
