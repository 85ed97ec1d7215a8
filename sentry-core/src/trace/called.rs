//! What a span is called.

use crate::trace::label::Label;

/// Operation and description of a span.
#[derive(Clone)]
pub(super) enum Called {
    /// As somebody has said.
    Said(Label),
    /// After the code it is from, which no text has to be made for as long as nobody asks.
    Known { target: &'static str, name: &'static str },
}

impl Called {
    /// As somebody says.
    #[inline]
    pub(super) fn say(&mut self, op: &str, description: &str) {
        match self {
            Self::Said(label) => label.set(op, description),
            Self::Known { .. } => *self = Self::Said(Label::new(op, description)),
        }
    }

    pub(super) fn set_op(&mut self, op: &str) {
        let mut label = self.take_label();
        label.set_first(op);
        *self = Self::Said(label);
    }

    pub(super) fn set_description(&mut self, description: &str) {
        let mut label = self.take_label();
        label.set_second(description);
        *self = Self::Said(label);
    }

    pub(super) fn has_op(&self, is_wanted: impl FnOnce(&str) -> bool) -> bool {
        match self {
            Self::Said(label) => is_wanted(label.first()),
            Self::Known { target, name } => is_wanted(&op(target, name)),
        }
    }

    /// Both; `None` for one that is empty.
    pub(super) fn into_parts(mut self) -> (Option<String>, Option<String>) {
        self.take_label().into_parts()
    }

    /// Bytes of what had to be written down.
    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Said(label) => label.len(),
            Self::Known { .. } => 0,
        }
    }

    /// What it holds beside itself.
    #[inline]
    pub(super) fn heap(&self) -> usize {
        match self {
            Self::Said(label) => label.heap(),
            Self::Known { .. } => 0,
        }
    }

    fn take_label(&mut self) -> Label {
        match std::mem::take(self) {
            Self::Said(label) => label,
            Self::Known { target, name } => Label::new(&op(target, name), name),
        }
    }
}

/// The operation of a span that is called after the code it is from.
fn op(target: &str, name: &str) -> String {
    [target, "::", name].concat()
}

impl Default for Called {
    #[inline]
    fn default() -> Self {
        Self::Said(Label::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_can_be_changed() {
        let known = Called::Known { target: "shop::db", name: "query" };
        assert!(known.has_op(|op| op == "shop::db::query"));
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(known.clone().into_parts(), (text("shop::db::query"), text("query")));
        let mut changed = known.clone();
        changed.set_op("db");
        assert!(changed.has_op(|op| op == "db"));
        assert_eq!(changed.into_parts(), (text("db"), text("query")));
        let mut changed = known.clone();
        changed.set_description("");
        assert_eq!(changed.into_parts(), (text("shop::db::query"), None));
        let mut said = known;
        said.say("a", "b");
        assert_eq!(said.into_parts(), (text("a"), text("b")));
    }
}
