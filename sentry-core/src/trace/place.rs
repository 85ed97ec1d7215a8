//! A place for a span that an integration follows by a key of its own.
//!
//! Such a span begins, is entered, left and ended by four calls that know nothing but the key. To share handles between them
//! would be half of what they cost. So it lies in a place that is there for good, and those who are in the span know where
//! that is. Whoever wants to look at the span gets a handle, which is made then.
//!
//! ```text
//! begin ─► written where it lies ─► finish: moves to the list of its transaction
//!                   └─ somebody looks: handles share it from now on
//! ```

use std::fmt;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};
use std::sync::{Arc, Mutex};

use crate::clock;
use crate::sync::{lock, try_lock};
use crate::trace::above::Above;
use crate::trace::called::Called;
use crate::trace::constants::Constants;
use crate::trace::ids;
use crate::trace::notes::Notes;
use crate::trace::record::{Kept, Record};
use crate::trace::root::{Room, Root};
use crate::trace::{Span, TransactionOrSpan};

/// A place for one span. For integrations.
#[doc(hidden)]
pub struct Place {
    /// Who has the place. 0: nobody. Changes under the lock.
    key: AtomicUsize,
    /// Where keys mean the same.
    registry: AtomicU32,
    is_sampled: AtomicBool,
    /// Made by the first who has the place. Until then it is nothing that a program would have to load.
    held: Mutex<Option<Box<Held>>>,
}

/// What there is of the span that has the place.
#[derive(Default)]
struct Held {
    has: Has,
    /// The span itself, if that is where it lies. Else it is blank.
    noted: Kept,
}

/// The form in which it is there.
#[derive(Default)]
enum Has {
    #[default]
    Nothing,
    /// It lies here, and belongs to the transaction.
    Noted(Arc<Root>),
    /// Nobody else has a handle of it, which makes ending it easier.
    Own(TransactionOrSpan),
    Shared(Arc<TransactionOrSpan>),
}

/// A span of an integration that begins, as the code says that it is from.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    /// The part of the code.
    pub target: &'static str,
    /// What it is called there.
    pub name: &'static str,
    /// What all such spans have.
    pub constants: Constants,
}

impl Place {
    /// A place that is free.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            key: AtomicUsize::new(0),
            registry: AtomicU32::new(0),
            is_sampled: AtomicBool::new(false),
            held: Mutex::new(None),
        }
    }

    /// Begins a span below another one now, with the fields that `note` notes, and takes it in if the place is free; else
    /// gives it back. 0 is no key, and no registry either.
    #[inline]
    pub fn begin(
        &self,
        (key, registry): (u64, u32),
        Above { root, ids }: Above,
        Begun { target, name, constants }: Begun,
        note: impl FnOnce(&mut Notes),
    ) -> Option<TransactionOrSpan> {
        let mut notes = Notes::default();
        // The application's: no lock is held.
        note(&mut notes);
        let (ids, start) = (ids.with_word(ids::word()), clock::now());
        let called = Called::Known { target, name };
        let mut held = lock(&self.held);
        let place = held.get_or_insert_default();
        if key == 0 || registry == 0 || !matches!(place.has, Has::Nothing) {
            drop(held);
            let record = Record::begin(ids, |state| {
                state.called = called;
                state.introduce(constants, |place| *place = notes);
                start
            });
            return Some(Span::of_record(ids, root, record).into());
        }
        place.noted.begin(ids, start, called, constants, notes);
        place.has = Has::Noted(root);
        self.take(key, registry, true);
        None
    }

    /// Takes in a span, if the place is free; else gives it back.
    pub fn keep(&self, (key, registry): (u64, u32), span: TransactionOrSpan) -> Option<TransactionOrSpan> {
        let mut held = lock(&self.held);
        let place = held.get_or_insert_default();
        if key == 0 || registry == 0 || !matches!(place.has, Has::Nothing) {
            return Some(span);
        }
        let is_sampled = span.is_sampled();
        place.has = Has::Own(span);
        self.take(key, registry, is_sampled);
        None
    }

    #[inline]
    fn take(&self, key: u64, registry: u32, is_sampled: bool) {
        self.is_sampled.store(is_sampled, Relaxed);
        self.registry.store(registry, Relaxed);
        self.key.store(key as usize, Release);
    }

    /// Whether nobody is changing what is there.
    pub(crate) fn is_free(&self) -> bool {
        try_lock(&self.held).is_some()
    }

    /// Whether the place belongs to `key` of a registry.
    #[inline]
    #[must_use]
    pub fn is_taken_by(&self, (key, registry): (u64, u32)) -> bool {
        self.key.load(Acquire) == key as usize && self.registry.load(Relaxed) == registry
    }

    /// Whether what has the place is recorded.
    #[inline]
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.is_sampled.load(Relaxed)
    }

    /// A handle of the span, if it has the place.
    #[must_use]
    pub fn span(&self, who: (u64, u32)) -> Option<Arc<TransactionOrSpan>> {
        let mut held = lock(&self.held);
        let place = held.as_deref_mut().filter(|_| self.is_taken_by(who))?;
        let span = match std::mem::take(&mut place.has) {
            Has::Nothing => return None,
            Has::Noted(root) => Arc::new(Self::handle(root, &mut place.noted)),
            Has::Own(span) => Arc::new(span),
            Has::Shared(span) => span,
        };
        place.has = Has::Shared(Arc::clone(&span));
        Some(span)
    }

    /// The first handle of a span that lies here, and then does not any more.
    fn handle(root: Arc<Root>, noted: &mut Kept) -> TransactionOrSpan {
        Span::of_record(*noted.ids(), root, noted.take_record()).into()
    }

    /// What begins below the span, if that is recorded and nothing stands against it.
    #[inline]
    pub(crate) fn above(&self, who: (u64, u32)) -> Option<Above> {
        let held = lock(&self.held);
        let place = held.as_deref().filter(|_| self.is_taken_by(who))?;
        match &place.has {
            Has::Nothing => None,
            Has::Noted(root) => Some(Above { root: Arc::clone(root), ids: *place.noted.ids() }),
            Has::Own(span) => span.as_above(),
            Has::Shared(span) => span.as_above(),
        }
    }

    /// Adds fields that were recorded later. `false`: the span does not have the place.
    pub fn add_notes(&self, who: (u64, u32), constants: Constants, notes: &Notes) -> bool {
        let mut held = lock(&self.held);
        let Some(place) = held.as_deref_mut().filter(|_| self.is_taken_by(who)) else { return false };
        match &place.has {
            Has::Nothing => return false,
            Has::Noted(_) => place.noted.state().add_notes(constants, notes),
            Has::Own(span) => span.add_notes(constants, notes),
            Has::Shared(span) => span.add_notes(constants, notes),
        }
        true
    }

    /// The span ends now. `false`: it does not have the place.
    pub fn finish(&self, who: (u64, u32)) -> bool {
        let mut held = lock(&self.held);
        let Some(place) = held.as_deref_mut().filter(|_| self.is_taken_by(who)) else { return false };
        let has = self.clear(place);
        if let Has::Noted(root) = has {
            let end = clock::now();
            if let Some(room) = root.take_noted(&mut place.noted, end) {
                drop(held);
                // May call the application.
                if room == Room::Full {
                    root.lose_one_too_many();
                }
                return true;
            }
            let span = Self::handle(root, &mut place.noted);
            drop(held);
            span.finish_with_timestamp(end);
            return true;
        }
        drop(held);
        match has {
            Has::Nothing | Has::Noted(_) => {}
            Has::Own(span) => span.finish(),
            Has::Shared(span) => Arc::unwrap_or_clone(span).finish(),
        }
        true
    }

    /// Frees the place, if somebody of a registry has it.
    pub fn vacate(&self, registry: u32) {
        let mut held = lock(&self.held);
        if self.registry.load(Relaxed) == registry
            && let Some(place) = held.as_deref_mut()
        {
            let gone = (self.clear(place), std::mem::take(&mut place.noted));
            drop(held);
            drop(gone);
        }
    }

    #[inline]
    fn clear(&self, place: &mut Held) -> Has {
        self.key.store(0, Relaxed);
        self.registry.store(0, Relaxed);
        std::mem::take(&mut place.has)
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("key", &self.key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Transaction, TransactionContext};

    fn span() -> TransactionOrSpan {
        Transaction::start_current(TransactionContext::new("t", "op"), None).into()
    }

    #[test]
    fn a_place_belongs_to_one_span_until_that_is_over() {
        let place = Place::new();
        assert!(place.keep((0, 1), span()).is_some(), "no key");
        assert!(place.keep((1, 0), span()).is_some(), "no registry");
        let first = span();
        assert!(place.keep((1, 1), first.clone()).is_none());
        assert!(place.keep((2, 1), span()).is_some(), "taken");
        assert!(place.is_taken_by((1, 1)) && !place.is_taken_by((1, 2)) && !place.is_taken_by((2, 1)));
        assert_eq!(place.span((1, 1)).as_deref(), Some(&first));
        assert_eq!(place.span((1, 1)).as_deref(), Some(&first), "again");
        assert!(place.span((1, 2)).is_none());
        assert!(!place.finish((1, 2)));
        assert!(place.finish((1, 1)));
        assert!(!place.finish((1, 1)) && place.span((1, 1)).is_none());
        assert!(place.keep((1, 2), span()).is_none());
    }

    #[test]
    fn a_place_is_vacated_for_its_registry_only() {
        let place = Place::new();
        assert!(place.keep((1, 1), span()).is_none());
        place.vacate(2);
        assert!(place.is_taken_by((1, 1)));
        place.vacate(1);
        assert!(!place.is_taken_by((1, 1)));
        assert!(place.keep((1, 1), span()).is_none());
    }
}
