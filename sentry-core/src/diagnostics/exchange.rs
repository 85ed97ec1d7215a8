//! What came of single requests, for whoever wants to look over the shoulder of a transport.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use crate::suppress::guarded;

/// One request and what came of it. Holds neither keys nor anything that was captured.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// How long it took.
    pub took: Duration,
    /// What came back, or why nothing did.
    pub outcome: Result<Answer, Failure>,
}

impl Exchange {
    /// An exchange that took so long.
    #[must_use]
    pub fn new(took: Duration, outcome: Result<Answer, Failure>) -> Self {
        Self { took, outcome }
    }
}

/// The answer of a server, as far as it helps to understand what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What the server said about it.
    pub detail: Option<String>,
    /// What time it is, according to the server.
    pub date: Option<SystemTime>,
    /// Where the server sends its clients instead.
    pub location: Option<String>,
    /// How long the server wants to be left alone, in its words.
    pub limits: Option<String>,
}

impl Answer {
    /// An answer of which only the status is known.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }
}

/// Why a request got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// The error and its causes in one line.
    pub explanation: String,
}

impl Failure {
    /// A failure.
    #[must_use]
    pub fn new(kind: FailureKind, explanation: impl Into<String>) -> Self {
        Self { kind, explanation: explanation.into() }
    }
}

/// The kinds of [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// No connection came about.
    Connect,
    /// The connection broke, or what came over it was no answer.
    Interrupted,
    /// The sender cannot work as it is configured.
    Setup,
    /// There was no answer in time.
    Timeout,
}

/// Is told of every exchange of one client. It runs on the thread that sends and must not block.
#[derive(Clone)]
pub struct Watcher(Arc<dyn Fn(&Exchange) + Send + Sync>);

impl Watcher {
    /// A watcher that calls `function`.
    #[must_use]
    pub fn new(function: impl Fn(&Exchange) + Send + Sync + 'static) -> Self {
        Self(Arc::new(function))
    }

    /// Tells of an exchange. A panic of the function ends here.
    pub fn tell(&self, exchange: &Exchange) {
        let _ = guarded("watcher", || (self.0)(exchange));
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watcher").finish()
    }
}

/// Room for one watcher, which transports look for when they are made.
#[derive(Debug, Default)]
pub(crate) struct Post(OnceLock<Watcher>);

impl Post {
    pub(crate) fn set(&self, watcher: Watcher) {
        // The first one stays: the transport has asked for it by then.
        let _ = self.0.set(watcher);
    }

    pub(crate) fn get(&self) -> Option<Watcher> {
        self.0.get().cloned()
    }
}
