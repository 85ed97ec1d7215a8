//! Somebody who is watched: by which byte, on which thread, and what a report needs to know of both.

use std::sync::{Arc, Mutex};

use sentry_core::Hub;
use sentry_core::protocol::Thread;

use super::patience::Patience;
use super::ping::{Ping, Post};
use super::pulse::Pulse;
use crate::sync::lock;
use crate::thread;

/// What the watched and the watchdog share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) pulse: Pulse,
    seat: Mutex<Option<Seat>>,
}

/// The thread that answered last.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    /// As the system counts, where it tells.
    pub(super) number: Option<u64>,
    pub(super) thread: Thread,
}

impl Shared {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { pulse: Pulse::new(), seat: Mutex::new(None) })
    }

    /// This thread is the one to look at.
    pub(super) fn sit_down(&self) {
        let number = thread::system_number();
        let mut seat = lock(&self.seat);
        if number.is_none() || seat.as_ref().is_none_or(|seat| seat.number != number) {
            *seat = Some(Seat { number, thread: thread::current() });
        }
    }

    pub(super) fn seat(&self) -> Option<Seat> {
        lock(&self.seat).clone()
    }
}

/// The watchdog's side.
pub(super) struct Watched {
    /// What people call it, if it is no thread.
    pub(super) name: Option<Arc<str>>,
    pub(super) shared: Arc<Shared>,
    /// Whose scope its reports get.
    pub(super) hub: Arc<Hub>,
    pub(super) patience: Patience,
    /// How to ask it; threads speak for themselves.
    pub(super) post: Option<Post>,
}

impl Watched {
    pub(super) fn new(name: Option<&str>, post: Option<Post>) -> Self {
        Self {
            name: name.map(Arc::from),
            shared: Shared::new(),
            hub: Hub::current(),
            patience: Patience::default(),
            post,
        }
    }

    /// Asks for the next answer, if that has to be asked for.
    pub(super) fn ask(&self) {
        if let Some(post) = &self.post {
            self.shared.pulse.ask();
            post.send(Ping::new(Arc::clone(&self.shared)));
        }
    }
}
