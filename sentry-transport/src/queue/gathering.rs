//! Records that wait in the client until the worker takes them.

use std::sync::Arc;

use sentry_core::clock;

use super::inbox::Turn;
use super::shared::Shared;
use super::thread;
use crate::batch::DELAY;

impl Shared {
    /// Records have begun to wait: they are taken when they have waited long enough.
    pub(crate) fn records_wait(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.closing.is_some() || state.gather_at.is_some() {
            return;
        }
        state.gather_at = Some(clock::instant() + DELAY);
        let start = state.wants_worker();
        drop(self.ring(state));
        if start {
            thread::start(self);
        }
    }

    /// Takes them. Tells what is new since the turn began.
    pub(super) fn gather(&self, turn: Turn) -> Turn {
        self.lock().gather_at = None;
        // Pushes to this queue: the lock is free.
        if let Some(records) = self.setup.records.get() {
            records.hand_over();
        }
        let now = self.turn();
        // What somebody had asked for at the beginning of the turn is not asked for twice.
        Turn { hurry: turn.hurry || now.hurry, ..now }
    }
}
