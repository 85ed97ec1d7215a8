//! Two short texts in one allocation: name and operation of a transaction, operation and description of a span.

use std::fmt;

/// Two texts that are made together, at the cost of one.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Label {
    text: String,
    /// Where the second begins. Always on the border of a character, since a whole text was pushed before it.
    split: usize,
}

impl Label {
    pub(super) fn new(first: &str, second: &str) -> Self {
        let mut text = String::with_capacity(first.len() + second.len());
        text.push_str(first);
        text.push_str(second);
        Self { text, split: first.len() }
    }

    pub(super) fn first(&self) -> &str {
        self.text.get(..self.split).unwrap_or_default()
    }

    pub(super) fn second(&self) -> &str {
        self.text.get(self.split..).unwrap_or_default()
    }

    pub(super) fn set_first(&mut self, first: &str) {
        *self = Self::new(first, self.second());
    }

    pub(super) fn set_second(&mut self, second: &str) {
        self.text.truncate(self.split);
        self.text.push_str(second);
    }

    /// Both; `None` for one that is empty.
    pub(super) fn into_parts(mut self) -> (Option<String>, Option<String>) {
        let second = self.second().to_owned();
        self.text.truncate(self.split);
        (Some(self.text).filter(|text| !text.is_empty()), Some(second).filter(|text| !text.is_empty()))
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
}
