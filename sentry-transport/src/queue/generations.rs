//! One queue per process: what a child finds in the queue of its parent is the parent's to send.

use std::sync::{Arc, Weak};

use sentry_core::ConsentListener;
use sentry_core::client_report::Recorder;

use super::setup::Setup;
use super::shared::Shared;
use crate::generations::PerProcess;

/// The queue of this process, whichever process that is.
#[derive(Debug)]
pub(crate) struct Queue {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    setup: Arc<Setup>,
    recorder: Recorder,
    queues: PerProcess<Arc<Shared>>,
}

impl Queue {
    pub(crate) fn new(setup: Setup, recorder: Recorder) -> Self {
        let setup = Arc::new(setup);
        let queues = PerProcess::new(Shared::new(Arc::clone(&setup), recorder.clone()));
        let inner = Arc::new(Inner { setup, recorder, queues });
        let listener: Weak<Inner> = Arc::downgrade(&inner);
        inner.setup.gate.listen(listener);
        Self { inner }
    }

    /// The queue of this process.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        self.inner.shared()
    }
}

impl Inner {
    fn shared(&self) -> &Arc<Shared> {
        self.queues.get(|parent| self.inherit(parent))
    }

    /// A queue for the child of a process with `parent`.
    fn inherit(&self, parent: &Shared) -> Arc<Shared> {
        self.recorder.disown();
        parent.shelf.disown();
        let shared = Shared::new(Arc::clone(&self.setup), self.recorder.clone());
        shared.adopt_limits(parent);
        shared
    }
}

impl ConsentListener for Inner {
    fn decided(&self, by_user: bool) {
        self.shared().decided(by_user);
    }
}
