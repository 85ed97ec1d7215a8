//! How a sleeping worker is woken, at most once per sleep.

use std::task::Waker;

/// The worker's bell. It is armed under the lock, right before the worker sleeps, so no ring is lost.
#[derive(Debug, Default)]
pub(super) struct Bell {
    waker: Option<Waker>,
    for_data: bool,
}

impl Bell {
    /// Arms it: for new items too, or for control only.
    pub(super) fn arm(&mut self, waker: &Waker, for_data: bool) {
        match &mut self.waker {
            Some(own) => own.clone_from(waker),
            own => *own = Some(waker.clone()),
        }
        self.for_data = for_data;
    }

    /// Takes the waker to ring for a new item, if the worker wants to hear of it. Rung after the lock is released.
    pub(super) fn for_data(&mut self) -> Option<Waker> {
        if self.for_data { self.for_control() } else { None }
    }

    /// Takes the waker to ring for a flush or the end.
    pub(super) fn for_control(&mut self) -> Option<Waker> {
        self.for_data = false;
        self.waker.take()
    }
}
