//! How a server is to behave from its first request on.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use super::{handle::Server, shared::Setup};
use crate::reply::Reply;

/// Configures a [`Server`] before it starts.
///
/// ```
/// use std::time::Duration;
/// use ingest::{Reply, Server};
///
/// let server = Server::builder()
///     .script([Reply::status(503), Reply::hang()])
///     .otherwise(Reply::ok())
///     .latency(Duration::from_millis(5))
///     .start();
/// assert_eq!(server.script_left(), 2);
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    addr: SocketAddr,
    setup: Setup,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self { addr: (Ipv4Addr::LOCALHOST, 0).into(), setup: Setup::default() }
    }

    /// Listens on this address instead of a free port: a server that comes back after an outage.
    pub fn addr(mut self, addr: SocketAddr) -> Self {
        self.addr = addr;
        self
    }

    /// What to do with the first requests, in order.
    pub fn script(mut self, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.setup.script.extend(replies);
        self
    }

    /// What to do with a share of the requests after the script, picked by dice that fall alike in every run: `0.01` for
    /// one in a hundred.
    pub fn mix(mut self, mix: impl IntoIterator<Item = (f64, Reply)>) -> Self {
        self.setup.mix = mix.into_iter().collect();
        self
    }

    /// What to do with all requests after the script; [`Reply::ok`] unless told otherwise.
    pub fn otherwise(mut self, reply: Reply) -> Self {
        self.setup.otherwise = reply;
        self
    }

    /// Waits this long before every answer, on top of a reply's own delay.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.setup.latency = latency;
        self
    }

    /// How long a connection may be silent, and how long a fault may last; 60 seconds unless told otherwise.
    pub fn patience(mut self, patience: Duration) -> Self {
        // The socket refuses a timeout of zero.
        self.setup.patience = patience.max(Duration::from_millis(1));
        self
    }

    /// Starts the server.
    ///
    /// # Panics
    ///
    /// When the address cannot be bound; [`Builder::try_start`] returns the error.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> Server {
        let addr = self.addr;
        self.try_start().unwrap_or_else(|error| panic!("ingest server cannot listen on {addr}: {error}"))
    }

    /// Starts the server.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound or a thread cannot be started.
    pub fn try_start(self) -> io::Result<Server> {
        Server::listen(self.addr, self.setup)
    }
}
