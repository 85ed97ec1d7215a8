//! The transport over libcurl.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use curl::easy::Easy;
use sentry_core::{ClientOptions, TransportOptions};

use crate::background::BackgroundTransport;
use crate::driver::Runtime;
use crate::sender::blocking::{Blocking, MAX_THREADS};
use crate::sender::curl::{CurlConfig, CurlExchange};

/// Sends over HTTP with libcurl, on threads of its own and without tokio.
pub struct CurlHttpTransport {
    /// `None` without a DSN: there is nowhere to send to.
    inner: Option<BackgroundTransport>,
}

impl CurlHttpTransport {
    /// A transport for these options. Without a DSN it discards everything.
    #[deprecated(since = "0.49.100", note = "use `CurlHttpTransportOptions` instead")]
    #[must_use]
    pub fn new(options: &ClientOptions) -> Self {
        Self::from_options(options, None)
    }

    /// As [`new`](Self::new), over a handle of the application.
    #[deprecated(since = "0.49.100", note = "use `CurlHttpTransportOptions::with_client` instead")]
    #[must_use]
    pub fn with_client(options: &ClientOptions, client: Easy) -> Self {
        Self::from_options(options, Some(client))
    }

    fn from_options(options: &ClientOptions, client: Option<Easy>) -> Self {
        let options = TransportOptions::try_from_client_options(options);
        let build = |options| CurlHttpTransportOptions { options, client }.build();
        options.map_or(Self { inner: None }, build)
    }
}

over_background!(CurlHttpTransport);

/// Builds a [`CurlHttpTransport`].
#[must_use = "options do nothing until they are built"]
pub struct CurlHttpTransportOptions {
    options: TransportOptions,
    client: Option<Easy>,
}

impl CurlHttpTransportOptions {
    /// Sends with this handle instead of handles of our own, one request at a time; proxies and certificates are then
    /// its business. A forked child uses handles of our own.
    pub fn with_client(mut self, client: Easy) -> Self {
        self.client = Some(client);
        self
    }

    /// The transport. No thread is started and no handle is made before the first item.
    #[must_use]
    pub fn build(self) -> CurlHttpTransport {
        let Self { mut options, client } = self;
        let one_at_a_time = client.is_some().then_some(NonZeroUsize::MIN);
        let threads = one_at_a_time.or(options.http.max_in_flight).unwrap_or(MAX_THREADS);
        options.http.max_in_flight = Some(threads);
        let for_sender = options.clone();
        let client = Mutex::new(client);
        let make_sender = move || {
            let given = client.lock().unwrap_or_else(PoisonError::into_inner).take();
            let exchange = match given {
                Some(client) => CurlExchange::with_client(client),
                None => CurlExchange::new(CurlConfig::new(&for_sender)),
            };
            Arc::new(Blocking::new(exchange, Some(threads))) as _
        };
        let inner = BackgroundTransport::new(&options, Box::new(make_sender), Runtime::Park);
        CurlHttpTransport { inner: Some(inner) }
    }
}

impl fmt::Debug for CurlHttpTransportOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurlHttpTransportOptions").finish_non_exhaustive()
    }
}

impl From<TransportOptions> for CurlHttpTransportOptions {
    fn from(options: TransportOptions) -> Self {
        Self { options, client: None }
    }
}
