//! What a queue is made with.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sentry_core::options::FloodControl;
use sentry_core::{ConsentGate, Gathered, Revival};

use super::shelf::OpenStore;
use crate::driver::Runtime;
use crate::sender::Sender;
use crate::wire::Wire;

/// Makes the way to the server: once for each process, as connections do not survive a fork.
pub(crate) type MakeSender = Box<dyn Fn() -> Arc<dyn Sender> + Send + Sync>;

/// What a worker is made from.
pub(crate) struct Setup {
    /// Makes the way to the server.
    pub(crate) make_sender: MakeSender,
    /// What the sender needs around it.
    pub(crate) runtime: Runtime,
    /// How long losses wait for an envelope to ride with.
    pub(crate) report_interval: Duration,
    /// What is the same in all requests.
    pub(crate) wire: Wire,
    /// The capacity of the error lane.
    pub(crate) errors: Option<usize>,
    /// How long one request may take, besides what its size asks for.
    pub(crate) request_timeout: Duration,
    /// How many requests may be under way at once, if not as many as the latency asks for.
    pub(crate) max_in_flight: Option<NonZeroUsize>,
    /// Opens the store, if there is to be one.
    pub(crate) open_store: Option<OpenStore>,
    /// Where the store is.
    pub(crate) home: Option<PathBuf>,
    /// Whether everything is put into the store before it is sent.
    pub(crate) keeps_all: bool,
    /// How far apart envelopes from the store are sent.
    pub(crate) pace: Duration,
    /// How many errors may leave.
    pub(crate) flood_control: FloodControl,
    /// Whether the client is told that the queue cannot keep up.
    pub(crate) backpressure: bool,
    /// Finishes what an earlier process has stored unfinished.
    pub(crate) revival: Revival,
    /// Whether anything may leave.
    pub(crate) gate: ConsentGate,
    /// Records that wait in the client.
    pub(crate) records: OnceLock<Gathered>,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("wire", &self.wire).finish_non_exhaustive()
    }
}
