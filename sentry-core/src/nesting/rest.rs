//! What was taken off an item, until somebody has the time to drop it.

use std::collections::btree_map;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::vec;

use super::apart;
use crate::protocol::{Breadcrumb, Context, Exception, Frame, Map, Span, Value, value};

/// The fields of an object, by value.
type Fields = <value::Map<String, Value> as IntoIterator>::IntoIter;

/// So many may wait to be dropped in one process: each may be as large as memory allows. What comes on top of that is
/// dropped by the thread that captured it.
const MOST: usize = 8;

static LIVING: AtomicUsize = AtomicUsize::new(0);

/// What was taken off one item. Travels with it to the worker, and says there how much there was.
#[derive(Default)]
pub(crate) struct Rest {
    pieces: Vec<Piece>,
    lengths: Vec<(Vec<String>, usize)>,
    spans: usize,
    counts: bool,
}

pub(super) enum Piece {
    Breadcrumbs(vec::IntoIter<Breadcrumb>),
    Contexts(btree_map::IntoIter<String, Context>),
    Exceptions(vec::IntoIter<Exception>),
    Fields(Fields),
    Frames(vec::IntoIter<Frame>),
    Map(btree_map::IntoIter<String, Value>),
    Spans(vec::IntoIter<Span>),
    Texts(btree_map::IntoIter<String, String>),
    /// All of a text of which the beginning was kept, and where that stands.
    Text(Vec<String>, String),
    Value(Value),
    Values(vec::IntoIter<Value>),
}

impl Rest {
    pub(super) fn add(&mut self, piece: Piece) {
        if let Piece::Spans(spans) = &piece {
            self.spans += spans.len();
        }
        self.pieces.push(piece);
    }

    /// The list or map at `place` had so many entries, the text so many characters.
    pub(super) fn had(&mut self, place: Vec<String>, entries: usize) {
        self.lengths.push((place, entries));
    }

    /// So many elements at the beginning of the list at `place` are gone: what was noted about others moves.
    pub(super) fn moved(&mut self, list: &[String], gone: usize) {
        let step = |place: &mut Vec<String>| {
            if place.starts_with(list)
                && let Some(index) = place.get_mut(list.len())
                && let Ok(number) = index.parse::<usize>()
            {
                *index = number.saturating_sub(gone).to_string();
            }
        };
        self.lengths.iter_mut().for_each(|(place, _)| step(place));
        for piece in &mut self.pieces {
            if let Piece::Text(place, _) = piece {
                step(place);
            }
        }
    }

    /// To travel with the item, if there is anything.
    pub(super) fn boxed(mut self) -> Option<Arc<Self>> {
        if self.pieces.is_empty() {
            return (!self.lengths.is_empty()).then(|| Arc::new(self));
        }
        // Added first: two threads must not both find the last place.
        self.counts = true;
        if LIVING.fetch_add(1, Relaxed) >= MOST {
            self.drop_pieces();
        }
        Some(Arc::new(self))
    }

    /// How many spans were taken off.
    pub(crate) fn spans(&self) -> usize {
        self.spans
    }

    /// Whether there is anything to say about it.
    pub(crate) fn has_remarks(&self) -> bool {
        !self.lengths.is_empty() || self.pieces.iter().any(|piece| matches!(piece, Piece::Text(..)))
    }

    /// Says in the remarks on the item how long things were.
    pub(crate) fn remark(&self, meta: &mut Map<String, Value>) {
        for (place, entries) in &self.lengths {
            set_length(meta, place, *entries);
        }
        for piece in &self.pieces {
            if let Piece::Text(place, text) = piece {
                set_length(meta, place, text.chars().count());
            }
        }
    }

    fn drop_pieces(&mut self) {
        for piece in std::mem::take(&mut self.pieces) {
            match piece {
                Piece::Breadcrumbs(crumbs) => crumbs.for_each(apart::breadcrumb),
                Piece::Contexts(contexts) => contexts.for_each(|(_, context)| apart::context(context)),
                Piece::Exceptions(exceptions) => exceptions.for_each(apart::exception),
                Piece::Fields(fields) => fields.for_each(|(_, value)| apart::take_apart(value)),
                Piece::Frames(frames) => frames.for_each(apart::frame),
                Piece::Map(values) => values.for_each(|(_, value)| apart::take_apart(value)),
                Piece::Spans(spans) => spans.for_each(apart::span),
                Piece::Text(place, text) if self.counts => {
                    // What is not counted later is counted now.
                    self.lengths.push((place, text.chars().count()));
                }
                Piece::Text(..) => {}
                Piece::Texts(texts) => drop(texts),
                Piece::Value(value) => apart::take_apart(value),
                Piece::Values(values) => values.for_each(apart::take_apart),
            }
        }
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        let counts = std::mem::take(&mut self.counts);
        self.drop_pieces();
        if counts {
            LIVING.fetch_sub(1, Relaxed);
        }
    }
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest").field("pieces", &self.pieces.len()).finish_non_exhaustive()
    }
}

/// `_meta` is a tree like the item itself; what is said about a value stands under an empty name.
fn set_length(meta: &mut Map<String, Value>, place: &[String], length: usize) {
    let Some((first, rest)) = place.split_first() else { return };
    let mut at = meta.entry(first.clone()).or_insert_with(object);
    for name in rest.iter().map(String::as_str).chain([""]) {
        let Some(fields) = at.as_object_mut() else { return };
        at = fields.entry(name).or_insert_with(object);
    }
    if let Some(fields) = at.as_object_mut() {
        fields.entry("len").or_insert_with(|| length.into());
    }
}

fn object() -> Value {
    Value::Object(value::Map::new())
}
