//! What a later process is to tell should this one vanish.

use std::sync::{Arc, PoisonError};

use sentry_core::protocol::Envelope;

use super::shared::Shared;
use super::shelf::How;
use super::thread;

impl Shared {
    /// Leaves it to the worker to keep last words. They are forgotten at once: whatever is told next stands alone.
    pub(crate) fn set_last_words(self: &Arc<Self>, words: Option<Envelope>) {
        let Some(words) = words else { return self.forget_last_words() };
        let mut state = self.lock();
        if self.setup.open_store.is_none() || state.closing.is_some() || self.setup.gate.is_refused() {
            return;
        }
        let previous = state.last_words.replace(Box::new(words));
        let start = state.wants_worker();
        drop(self.ring(state));
        drop(previous);
        if start {
            thread::start(self);
        }
    }

    /// Forgets last words, those that the store keeps and those that nobody has kept yet.
    pub(super) fn forget_last_words(&self) {
        let mut kept = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.lock().last_words.take();
        drop(waiting);
        if let Some(id) = kept.take() {
            self.shelf.remove(id);
        }
    }

    /// Puts last words that are waiting into the store, in the place of those that are there. An entry that no living
    /// process may send: one that vanishes leaves it to whoever takes over.
    pub(super) fn keep_last_words(&self) {
        // Held meanwhile, or who forgets them would come between.
        let mut kept = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut words) = self.lock().last_words.take() else { return };
        // First the old: better nothing is told than two things.
        if let Some(id) = kept.take() {
            self.shelf.remove(id);
        }
        *kept = self.shelf.put(&mut words, How { is_held: true, ..How::default() });
    }
}
