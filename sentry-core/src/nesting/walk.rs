//! The walk: how much is kept.
//!
//! More than the limits of any server, so that what the last stage cuts off includes every end that was made here. A
//! scrubber may not recognise a secret that was cut in two.

use std::mem;
use std::sync::Arc;

use super::place::Place;
use super::rest::{Piece, Rest};
use super::{CUT, DEEPEST, parts};
use crate::error::ErrorLink;
use crate::protocol::{Context, Event, Map, Transaction, Value};

/// Bytes of one text.
const TEXT: usize = 128 * 1024;
/// A text is cut where there is white space, if there is any among so many bytes.
const WORD: usize = 1024;
/// Bytes of all values in extras, in contexts, in tags: each.
pub(super) const VALUES: usize = 512 * 1024;
/// Entries of a map of texts.
pub(super) const MAX_TEXTS: usize = 4_096;

/// What one value takes at least.
const VALUE: usize = 8;

/// Limits one value; what is taken off is dropped.
#[inline]
pub(crate) fn limit(value: &mut Value) {
    if matches!(value, Value::Array(_) | Value::Object(_)) {
        Walk::new(VALUES).value(&Place::ROOT, value, DEEPEST);
    }
}

/// Whether [`limit`] has anything to look at.
#[cfg(feature = "metrics")]
#[inline]
pub(crate) fn is_deep(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Object(_))
}

#[inline]
pub(crate) fn limit_all<'a>(values: impl IntoIterator<Item = &'a mut Value>) {
    values.into_iter().for_each(limit);
}

pub(crate) fn limit_context(context: &mut Context) {
    Walk::new(VALUES).context(&Place::ROOT, context);
}

/// Bytes of the text of a record.
#[cfg(feature = "logs")]
pub(crate) const BODY: usize = 4 * TEXT;

/// Limits the text of a record that is about to be encoded: longer ones have no place in any batch.
#[cfg(feature = "logs")]
pub(crate) fn limit_body(body: &mut String) {
    if body.len() > BODY {
        let mut end = BODY;
        while !body.is_char_boundary(end) {
            end -= 1;
        }
        body.truncate(end);
        body.push_str("...");
        body.shrink_to_fit();
    }
}

/// A copy of a message: the beginning of it if it is too long. Copying all of it would take too long already.
pub(crate) fn message(text: &str) -> (String, Option<Arc<Rest>>) {
    /// Counting the characters of more than this takes longer than a capture may: bytes have to do.
    const COUNTED: usize = 16 * 1024 * 1024;
    if text.len() <= TEXT {
        return (text.to_owned(), None);
    }
    let length = if text.len() <= COUNTED { text.chars().count() } else { text.len() };
    let mut rest = Rest::default();
    rest.had(vec!["message".to_owned()], length);
    (beginning(text).to_owned(), rest.boxed())
}

/// Limits the texts of a chain of errors, the outermost first, which is the last exception.
pub(crate) fn limit_chain(chain: &mut [ErrorLink]) -> Option<Arc<Rest>> {
    if chain.iter().all(|link| link.value.len() <= TEXT) {
        return None;
    }
    let mut walk = Walk::new(0);
    let root = Place::ROOT;
    let at = root.name("exception");
    let at = at.name("values");
    for (index, link) in chain.iter_mut().rev().enumerate() {
        walk.text(&at.index(index).name("value"), &mut link.value);
    }
    walk.rest.boxed()
}

pub(crate) fn limit_event(event: &mut Event<'_>) -> Option<Arc<Rest>> {
    let mut walk = Walk::new(VALUES);
    walk.event(event);
    walk.rest.boxed()
}

pub(crate) fn limit_transaction(transaction: &mut Transaction<'_>) -> Option<Arc<Rest>> {
    let mut walk = Walk::new(VALUES);
    walk.transaction(transaction);
    walk.rest.boxed()
}

pub(super) struct Walk {
    pub(super) rest: Rest,
    /// Bytes that may still be kept.
    pub(super) room: usize,
    /// Frames that may still be kept.
    pub(super) frames: usize,
}

impl Walk {
    pub(super) fn new(room: usize) -> Self {
        Self { rest: Rest::default(), room, frames: parts::FRAMES }
    }

    pub(super) fn texts(&mut self, at: &Place<'_>, name: &str, texts: &mut Map<String, String>) {
        if texts.is_empty() {
            return;
        }
        let at = at.name(name);
        self.room = VALUES;
        let length = texts.len();
        let mut kept = length;
        for (index, (name, text)) in texts.iter_mut().enumerate() {
            if self.room == 0 || index == MAX_TEXTS {
                kept = index;
                break;
            }
            self.spend(name.len());
            self.text(&at.name(name), text);
        }
        if kept < length {
            let mut all = mem::take(texts).into_iter();
            *texts = all.by_ref().take(kept).collect();
            self.took(&at, length, Piece::Texts(all));
        }
    }

    pub(super) fn map(&mut self, at: &Place<'_>, name: &str, values: &mut Map<String, Value>, room: usize) {
        if !values.is_empty() {
            self.room = room;
            self.fields(&at.name(name), values);
        }
    }

    pub(super) fn fields(&mut self, at: &Place<'_>, values: &mut Map<String, Value>) {
        self.fields_of(at, values, usize::MAX);
    }

    pub(super) fn fields_of(&mut self, at: &Place<'_>, values: &mut Map<String, Value>, each: usize) {
        let length = values.len();
        let mut kept = length;
        for (index, (name, value)) in values.iter_mut().enumerate() {
            if self.room == 0 {
                kept = index;
                break;
            }
            self.spend(name.len());
            self.within(each, |walk| walk.value(&at.name(name), value, DEEPEST));
        }
        if kept < length {
            let mut all = mem::take(values).into_iter();
            *values = all.by_ref().take(kept).collect();
            self.took(at, length, Piece::Map(all));
        }
    }

    pub(super) fn list(&mut self, at: &Place<'_>, values: &mut Vec<Value>, left: u32) {
        let length = values.len();
        let mut kept = length;
        for (index, value) in values.iter_mut().enumerate() {
            if self.room == 0 {
                kept = index;
                break;
            }
            self.value(&at.index(index), value, left);
        }
        if kept < length {
            let mut all = mem::take(values).into_iter();
            *values = all.by_ref().take(kept).collect();
            self.took(at, length, Piece::Values(all));
        }
    }

    pub(super) fn value(&mut self, at: &Place<'_>, value: &mut Value, left: u32) {
        self.spend(VALUE);
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => self.text(at, text),
            Value::Array(_) | Value::Object(_) if left == 0 => {
                self.rest.add(Piece::Value(mem::replace(value, Value::from(CUT))));
            }
            Value::Array(values) => self.list(at, values, left - 1),
            Value::Object(fields) => {
                let length = fields.len();
                let mut kept = length;
                for (index, (name, value)) in fields.iter_mut().enumerate() {
                    if self.room == 0 {
                        kept = index;
                        break;
                    }
                    self.spend(name.len());
                    self.value(&at.name(name), value, left - 1);
                }
                if kept < length {
                    let mut all = mem::take(fields).into_iter();
                    *fields = all.by_ref().take(kept).collect();
                    self.took(at, length, Piece::Fields(all));
                }
            }
        }
    }

    pub(super) fn option(&mut self, at: &Place<'_>, name: &str, text: &mut Option<String>) {
        if let Some(text) = text {
            self.text(&at.name(name), text);
        }
    }

    pub(super) fn text(&mut self, at: &Place<'_>, text: &mut String) {
        if text.len() > TEXT {
            let kept = beginning(text).to_owned();
            self.rest.add(Piece::Text(at.names(), mem::replace(text, kept)));
        }
        self.spend(text.len());
    }

    /// What `walk` may keep, in so much of the room that is left.
    pub(super) fn within(&mut self, each: usize, walk: impl FnOnce(&mut Self)) {
        let before = self.room;
        self.room = before.min(each);
        let given = self.room;
        walk(self);
        self.room = before - (given - self.room);
    }

    fn spend(&mut self, bytes: usize) {
        self.room = self.room.saturating_sub(bytes);
    }

    pub(super) fn took(&mut self, at: &Place<'_>, length: usize, piece: Piece) {
        self.rest.had(at.names(), length);
        self.rest.add(piece);
    }
}

/// The beginning of a long text, up to white space if there is any near by.
fn beginning(text: &str) -> &str {
    let mut end = TEXT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let whole = text.get(..end).unwrap_or_default();
    let last = whole.bytes().rev().take(WORD).position(|byte| byte.is_ascii_whitespace());
    last.and_then(|back| whole.get(..whole.len() - back)).unwrap_or(whole)
}
