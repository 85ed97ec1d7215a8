//! The walk over an item: a file for each kind of part.

mod contexts;
mod event;
mod exceptions;
mod request;
mod stack;
mod text;
mod transaction;

use super::caps::Caps;
use super::remarks::without_blanks;
use crate::scrub::notes::Notes;
use crate::scrub::trail::Trail;
use sentry_core::protocol::{Map, Value};

pub(super) use self::event::event;
pub(super) use self::transaction::transaction;

/// A walk over one item.
#[derive(Debug)]
pub(super) struct Visit<'c> {
    pub(super) caps: &'c Caps,
    pub(super) notes: Notes,
    /// About what there is, as JSON, while no character has to be escaped.
    bytes: usize,
    /// How much of it never has to be: names that we know, ids, times.
    plain: usize,
    cuts: usize,
    /// Spans that were left out.
    spans: usize,
}

/// What a walk has seen and done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// About what is left, as JSON, while no character has to be escaped.
    pub(super) bytes: usize,
    /// How much of it never has to be escaped.
    pub(super) plain: usize,
    /// How many places were cut.
    pub(super) cuts: usize,
    /// How many spans were left out.
    pub(super) spans: usize,
}

/// An escaped character takes up to six bytes.
const ESCAPED: usize = 6;

impl Seen {
    /// Whether it is smaller than `bytes` for sure.
    pub(super) fn is_below(self, bytes: usize) -> bool {
        // Remarks on cuts are not counted.
        let plain = if self.cuts == 0 { self.plain } else { 0 };
        let texts = self.bytes.saturating_sub(plain).saturating_mul(ESCAPED);
        // It is counted roughly: a half more is enough.
        texts.saturating_add(plain + plain / 2) < bytes
    }
}

impl<'c> Visit<'c> {
    pub(super) fn new(caps: &'c Caps, notes: Notes) -> Self {
        Self { caps, notes, bytes: 0, plain: 0, cuts: 0, spans: 0 }
    }

    /// Remarks of others on the item itself.
    pub(super) fn with_remarks(caps: &'c Caps, meta: Option<Map<String, Value>>) -> Self {
        let Some(mut meta) = meta else { return Self::new(caps, Notes::of(None)) };
        // Ours are small and flat; those of an application may be anything.
        let mut silent = Self::new(caps, Notes::silent());
        let mut left = META;
        silent.fields(&Trail::ROOT, &mut meta, &mut left, (META, 24));
        Self { bytes: silent.bytes, ..Self::new(caps, Notes::of(Some(meta))) }
    }

    pub(super) fn finish(self) -> (Option<Map<String, Value>>, Seen) {
        let seen = Seen { bytes: self.bytes, plain: self.plain, cuts: self.cuts, spans: self.spans };
        (self.notes.into_meta().and_then(without_blanks), seen)
    }

    #[inline]
    pub(super) fn count(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    #[inline]
    pub(super) fn count_plain(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.plain += bytes;
    }

    pub(super) fn count_cut(&mut self) {
        self.cuts += 1;
    }
}

/// What remarks may take of an item.
const META: usize = 128 * 1024;
