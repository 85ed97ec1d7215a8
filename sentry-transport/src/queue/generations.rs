//! One queue per process.
//!
//! A forked child inherits the memory of its parent but not the parent's threads: the worker is gone, and a lock that
//! another thread held at that moment is held for ever. So the child leaves the inherited queue alone, with everything
//! in it, which the parent sends, and begins one of its own with its first item. Noticing costs one load and a
//! comparison per item, no system call.

use std::sync::{Arc, OnceLock};

use sentry_core::client_report::Recorder;
use sentry_core::process;

use super::shared::{Setup, Shared};

/// The queue of this process, whichever process that is.
#[derive(Debug)]
pub(crate) struct Queue {
    setup: Arc<Setup>,
    recorder: Recorder,
    first: Generation,
}

/// The queue of one process; the next one belongs to a child.
#[derive(Debug)]
struct Generation {
    number: u32,
    shared: Arc<Shared>,
    next: OnceLock<Box<Self>>,
}

impl Queue {
    pub(crate) fn new(setup: Setup, recorder: Recorder) -> Self {
        let setup = Arc::new(setup);
        let first = Generation::new(Shared::new(Arc::clone(&setup), recorder.clone()));
        Self { setup, recorder, first }
    }

    /// The queue of this process.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        let current = process::generation();
        let mut generation = &self.first;
        while generation.number != current {
            let next = || Box::new(Generation::new(self.inherit(&generation.shared)));
            // Half done it would stay half done in a child of this one.
            generation = process::without_fork(|| generation.next.get_or_init(next));
        }
        &generation.shared
    }

    /// A queue for the child of a process with `parent`.
    fn inherit(&self, parent: &Shared) -> Arc<Shared> {
        // These losses are the parent's to report.
        while self.recorder.take().is_some() {}
        self.recorder.disown_queued();
        let shared = Shared::new(Arc::clone(&self.setup), self.recorder.clone());
        shared.adopt_limits(parent);
        shared
    }
}

impl Generation {
    fn new(shared: Arc<Shared>) -> Self {
        Self { number: process::generation(), shared, next: OnceLock::new() }
    }
}
