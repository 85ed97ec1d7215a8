//! Lookups of names: by the application's function, or by the platform.
//!
//! Neither can be told to give up, so they run on threads of their own, which are bounded: a resolver that hangs costs
//! these and no request, and what it costs a request is known to be no connection.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Weak};
use std::time::Duration;

use sentry_core::options;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Error, Timeout};

use crate::sender::blocking::{Job, MAX_THREADS, Pool};

/// So that an unanswered lookup does not use up the whole patience of a request.
const PATIENCE: Duration = Duration::from_secs(5);

/// As many as ureq has room for.
const MAX_ADDRESSES: usize = 16;

/// Asks the application's function, or the platform if there is none. Clones share their threads.
#[derive(Clone)]
pub(super) struct Dns {
    function: Option<options::Resolver>,
    threads: Arc<Pool>,
}

impl Dns {
    pub(super) fn new(function: Option<options::Resolver>) -> Self {
        Self { function, threads: Pool::new(MAX_THREADS) }
    }

    fn look_up(&self, host: &str, port: u16, patience: Duration) -> Result<Vec<SocketAddr>, Error> {
        let (answer, found) = mpsc::sync_channel(1);
        let wanted = Arc::new(());
        let lookup = Lookup {
            // The brackets of an IPv6 address belong to the URL.
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            function: self.function.clone(),
            answer,
            wanted: Arc::downgrade(&wanted),
        };
        self.threads.run(lookup).map_err(|_| Error::HostNotFound)?;
        match found.recv_timeout(patience) {
            Ok(found) => found.map_err(|_| Error::HostNotFound),
            Err(RecvTimeoutError::Timeout) => Err(Error::Timeout(Timeout::Resolve)),
            // The function of the application panicked.
            Err(RecvTimeoutError::Disconnected) => Err(Error::HostNotFound),
        }
    }
}

impl Resolver for Dns {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(usual);
        let mut addresses = self.empty();
        for address in self.look_up(host, port, PATIENCE.min(*timeout.after))?.into_iter().take(MAX_ADDRESSES)
        {
            addresses.push(address);
        }
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dns").finish_non_exhaustive()
    }
}

/// One lookup on its way to a thread.
struct Lookup {
    host: String,
    port: u16,
    function: Option<options::Resolver>,
    answer: SyncSender<io::Result<Vec<SocketAddr>>>,
    wanted: Weak<()>,
}

impl Job for Lookup {
    fn is_wanted(&self) -> bool {
        self.wanted.strong_count() > 0
    }

    fn run(self: Box<Self>) {
        let mut found = match &self.function {
            Some(function) => function(&self.host),
            None => (&*self.host, self.port).to_socket_addrs().map(Iterator::collect),
        };
        // As with reqwest: a port of 0 stands for the port of the address that is asked for.
        for address in found.iter_mut().flatten().filter(|address| address.port() == 0) {
            address.set_port(self.port);
        }
        // Whoever asked may have lost patience.
        let _ = self.answer.send(found);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_function_that_hangs_is_a_lookup_that_timed_out_and_threads_stay_bounded() {
        let (began, release) =
            (Arc::new(AtomicUsize::new(0)), Arc::new(std::sync::Barrier::new(MAX_THREADS.get() + 1)));
        let (counter, barrier) = (Arc::clone(&began), Arc::clone(&release));
        let dns = Dns::new(Some(Arc::new(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            barrier.wait();
            Ok(Vec::new())
        })));
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| {
                    let found = dns.look_up("hangs.invalid", 80, Duration::from_secs(2));
                    assert!(matches!(found, Err(Error::Timeout(Timeout::Resolve))), "{found:?}");
                });
            }
            // What begins begins while it is waited for.
            while began.load(Ordering::SeqCst) < MAX_THREADS.get() {
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        assert_eq!(began.load(Ordering::SeqCst), MAX_THREADS.get());
        release.wait();
    }

    #[test]
    fn an_address_needs_no_lookup_and_a_port_of_0_is_filled_in() {
        let platform = Dns::new(None);
        assert_eq!(platform.look_up("[::1]", 9, PATIENCE).unwrap(), ["[::1]:9".parse().unwrap()]);
        let function = Dns::new(Some(Arc::new(|_| Ok(vec!["127.0.0.1:0".parse().unwrap()]))));
        assert_eq!(function.look_up("name", 9, PATIENCE).unwrap(), ["127.0.0.1:9".parse().unwrap()]);
    }

    #[test]
    fn a_function_that_fails_or_panics_finds_no_host() {
        let fails = Dns::new(Some(Arc::new(|_| Err(io::ErrorKind::NotFound.into()))));
        assert!(matches!(fails.look_up("name", 9, PATIENCE), Err(Error::HostNotFound)));
        let panics = Dns::new(Some(Arc::new(|_| panic!("expected by the test"))));
        assert!(matches!(panics.look_up("name", 9, PATIENCE), Err(Error::HostNotFound)));
    }
}
