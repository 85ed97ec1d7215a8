//! The handle through which a test steers a server and reads what it received.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;

use super::{
    accept,
    builder::Builder,
    shared::{Setup, Shared},
};
use crate::{
    envelope::{Envelope, Item},
    http::Request,
    log::Log,
    reply::Reply,
};

/// The public key of every server's DSN.
pub const PUBLIC_KEY: &str = "public";

/// The project of every server's DSN.
pub const PROJECT: &str = "42";

/// How long stopping may take; with nothing left to wait for it takes a few milliseconds.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// A running ingest server. Dropping it stops it, and panics if it saw a protocol violation.
///
/// ```
/// let server = ingest::Server::start();
/// assert_eq!(server.dsn(), format!("http://public@{}/42", server.addr()));
/// assert!(server.events().is_empty());
/// server.assert_clean();
/// ```
///
/// A violation is a failed test, even one that looks at nothing:
///
/// ```should_panic
/// use std::{io::Read, io::Write, net::TcpStream};
///
/// let server = ingest::Server::start();
/// let mut stream = TcpStream::connect(server.addr())?;
/// stream.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")?;
/// stream.read_to_end(&mut Vec::new())?;
/// # std::io::Result::Ok(())
/// ```
pub struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

impl Server {
    /// Starts a server that answers every request with `200`.
    ///
    /// # Panics
    ///
    /// When no port of 127.0.0.1 can be bound.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Configures a server that does something else.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(super) fn listen(addr: SocketAddr, setup: Setup) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::new(setup, format!("http://{PUBLIC_KEY}@{addr}/{PROJECT}")));
        let accepting = accept::start(listener, Arc::clone(&shared))?;
        Ok(Self { addr, shared, accepting: Mutex::new(Some(accepting)) })
    }

    /// Adds lines to the end of the script.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.shared.lock().script.extend(replies);
    }

    /// Sets what to do with a share of the requests after the script, as [`Builder::mix`] does; nothing special any more when
    /// it is empty.
    pub fn mix(&self, mix: impl IntoIterator<Item = (f64, Reply)>) {
        let mix = mix.into_iter().collect();
        self.shared.lock().mix = mix;
    }

    /// Sets what to do with all requests after the script: an outage begins or ends.
    pub fn otherwise(&self, reply: Reply) {
        self.shared.lock().otherwise = reply;
    }

    /// Waits this long before every answer from now on.
    pub fn latency(&self, latency: Duration) {
        self.shared.lock().latency = latency;
    }

    /// Tolerates protocol violations: neither [`Server::assert_clean`] nor the drop will panic.
    pub fn allow_problems(&self) {
        self.shared.lock().allows_problems = true;
    }

    /// Forgets the requests received so far, not the problems.
    pub fn clear(&self) {
        self.shared.update(Log::clear);
    }

    /// Everything received so far, which is forgotten here except for the problems and the connections; for tests that receive
    /// more than memory should hold.
    #[must_use]
    pub fn drain(&self) -> Log {
        self.shared.update(|log| {
            let drained = log.clone();
            log.clear();
            drained
        })
    }

    /// Refuses connections until [`Server::resume`], and ends those there are. The log goes on.
    pub fn refuse(&self) {
        self.stop();
    }

    /// Listens again, on the same address, after [`Server::refuse`] or [`Server::stop`].
    ///
    /// # Panics
    ///
    /// When somebody else has taken the port.
    #[track_caller]
    pub fn resume(&self) {
        let mut accepting = self.accepting.lock().unwrap_or_else(PoisonError::into_inner);
        if accepting.is_some() {
            return;
        }
        self.shared.go_on();
        let started = TcpListener::bind(self.addr)
            .and_then(|listener| accept::start(listener, Arc::clone(&self.shared)));
        match started {
            Ok(thread) => *accepting = Some(thread),
            Err(error) => panic!("ingest server cannot listen on {} again: {error}", self.addr),
        }
    }

    /// Stops listening and ends all connections, with a reset where a request was under way. What was received stays
    /// readable; [`Builder::addr`] starts a successor on the same address.
    pub fn stop(&self) {
        let Some(accepting) = self.accepting.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        self.shared.stop();
        // Wakes the accept thread. If it fails, there is a connection to accept already.
        let _ = TcpStream::connect_timeout(&self.addr, STOP_LIMIT);
        // A panic there has been printed; the log tells the test what is missing.
        let _ = accepting.join();
        self.shared.wait_until_closed(STOP_LIMIT);
    }

    /// Where the server listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://public@127.0.0.1:PORT/42`.
    #[must_use]
    pub fn dsn(&self) -> String {
        self.shared.dsn.clone()
    }

    /// How many lines of the script no request has come for.
    #[must_use]
    pub fn script_left(&self) -> usize {
        self.shared.lock().script.len()
    }

    /// Everything received so far.
    #[must_use]
    pub fn log(&self) -> Log {
        self.shared.lock().log.clone()
    }

    /// The requests that were read to their end, whatever was answered.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.log().requests().iter().map(|request| Request::clone(request)).collect()
    }

    /// The envelopes received, whatever was answered.
    #[must_use]
    pub fn envelopes(&self) -> Vec<Envelope> {
        self.log().envelopes()
    }

    /// The items of one type, whatever was answered.
    #[must_use]
    pub fn items(&self, kind: &str) -> Vec<Item> {
        self.log().items(kind)
    }

    /// The events received, whatever was answered.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.log().payloads("event")
    }

    /// The events whose request was answered with 2xx.
    #[must_use]
    pub fn accepted_events(&self) -> Vec<Value> {
        let envelopes = self.log().accepted_envelopes();
        envelopes.iter().flat_map(|envelope| envelope.items_of("event")).map(Item::json).collect()
    }

    /// The transactions received, whatever was answered.
    #[must_use]
    pub fn transactions(&self) -> Vec<Value> {
        self.log().payloads("transaction")
    }

    /// The protocol violations, each in a sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.shared.lock().log.problems()
    }

    /// Waits until `predicate` holds, at most for `timeout`; says whether it came to hold. It is asked after each change
    /// of the log and while the log is locked, so it must not ask the server anything.
    #[must_use]
    pub fn wait_for(&self, predicate: impl FnMut(&Log) -> bool, timeout: Duration) -> bool {
        self.shared.wait_for(timeout, predicate)
    }

    /// Waits for at least `count` events and returns all there are.
    ///
    /// # Panics
    ///
    /// When fewer came within `timeout`; the message tells what came instead.
    #[must_use]
    #[track_caller]
    pub fn wait_for_events(&self, count: usize, timeout: Duration) -> Vec<Value> {
        self.wait_for_items("event", count, timeout).iter().map(Item::json).collect()
    }

    /// Waits for at least `count` transactions and returns all there are.
    ///
    /// # Panics
    ///
    /// When fewer came within `timeout`; the message tells what came instead.
    #[must_use]
    #[track_caller]
    pub fn wait_for_transactions(&self, count: usize, timeout: Duration) -> Vec<Value> {
        self.wait_for_items("transaction", count, timeout).iter().map(Item::json).collect()
    }

    /// Waits for at least `count` items of one type and returns all there are.
    ///
    /// # Panics
    ///
    /// When fewer came within `timeout`; the message tells what came instead.
    #[must_use]
    #[track_caller]
    pub fn wait_for_items(&self, kind: &str, count: usize, timeout: Duration) -> Vec<Item> {
        if !self.wait_for(|log| log.count(kind) >= count, timeout) {
            let log = self.log();
            panic!(
                "{} of {count} items of type {kind:?} came within {timeout:?}; {}",
                log.count(kind),
                summary(&log)
            );
        }
        self.items(kind)
    }

    /// Fails the test if the client violated the protocol and that was not allowed.
    ///
    /// # Panics
    ///
    /// With the list of violations.
    #[track_caller]
    pub fn assert_clean(&self) {
        if let Some(complaint) = self.complaint() {
            panic!("{complaint}");
        }
    }

    fn complaint(&self) -> Option<String> {
        let state = self.shared.lock();
        let problems = state.log.problems();
        if state.allows_problems || problems.is_empty() {
            return None;
        }
        Some(format!("the ingest server saw protocol violations:\n  {}", problems.join("\n  ")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if thread::panicking() {
            return;
        }
        if let Some(complaint) = self.complaint() {
            panic!("{complaint}");
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// An address of this machine where nobody listens: a connection is refused at once. On Linux it is one of 127.0.0.2, where
/// no server of a test that runs beside takes the port meanwhile.
///
/// ```
/// assert!(std::net::TcpStream::connect(ingest::refused_addr()).is_err());
/// ```
///
/// # Panics
///
/// When no port can be bound there.
#[must_use]
#[track_caller]
pub fn refused_addr() -> SocketAddr {
    let host = if cfg!(target_os = "linux") { Ipv4Addr::new(127, 0, 0, 2) } else { Ipv4Addr::LOCALHOST };
    TcpListener::bind((host, 0))
        .and_then(|listener| listener.local_addr())
        .unwrap_or_else(|error| panic!("no port of {host} can be bound: {error}"))
}

/// The name of a host that cannot exist: a part of it is longer than the 63 bytes that names have room for. A resolver knows
/// that by itself, at once, and asks nobody over the network.
///
/// ```
/// use std::net::ToSocketAddrs;
///
/// assert!((&*ingest::unknown_host(), 80).to_socket_addrs().is_err());
/// ```
#[must_use]
pub fn unknown_host() -> String {
    format!("{}.invalid", "no-such-host".repeat(6))
}

fn summary(log: &Log) -> String {
    let mut kinds: Vec<_> = log
        .envelopes()
        .into_iter()
        .flat_map(|envelope| envelope.items)
        .map(|item| item.kind().to_owned())
        .collect();
    kinds.truncate(20);
    format!(
        "{} connections, {} requests started, {} read, {} cut short, items {kinds:?}, problems {:?}",
        log.connections(),
        log.attempts(),
        log.requests().len(),
        log.aborted(),
        log.problems()
    )
}
