//! The start of a run: how the last one ended, and what it has left of a crash.

use std::sync::Arc;
use std::time::Duration;

use sentry_core::{Class, Durability, LastRun, Outbound, clock};

use super::shared::Shared;
use super::thread;
use crate::sender::Deadline;

impl Shared {
    /// From now on crashes are noted. Tells how the previous run ended.
    pub(crate) fn start(&self) -> LastRun {
        self.marker.start(clock::instant())
    }

    /// Has the worker send what there is of crashes, one after the other without a pause, and waits until the store has none
    /// any more, or the host does not take them. Tells whether there was time for that.
    pub(crate) fn send_crashes(self: &Arc<Self>, timeout: Duration) -> bool {
        if self.setup.open_store.is_none() {
            return true;
        }
        if self.is_barred() {
            return false;
        }
        let deadline = Deadline::after(clock::instant(), timeout);
        let mut state = self.lock();
        if state.closing.is_some() {
            return false;
        }
        state.crashes_first = Some(deadline.instant());
        state.hurry = true;
        let start = state.wants_worker();
        drop(self.ring(state));
        if start {
            thread::start(self);
        }
        let (mut state, _) = self.wait(self.lock(), deadline, |state| state.crashes_first.is_none());
        // Nobody waits any more.
        let are_sent = state.crashes_first.take().is_none();
        drop(state);
        // The run begins now: a crash right after this is one of the start again.
        self.marker.restart(clock::instant());
        are_sent
    }

    /// The store has no crash any more, or none that can be sent now.
    pub(super) fn has_sent_crashes(&self) {
        self.lock().crashes_first = None;
        self.progress.notify_all();
    }

    /// Notes the crash of this process, if that is what this is.
    pub(super) fn note_crash(&self, outbound: &Outbound) {
        if outbound.durability() != Durability::Memory {
            let is_certain = outbound.class() == Class::Fatal;
            self.marker.note(outbound.id(), outbound.time(), is_certain, clock::instant());
        }
    }
}
