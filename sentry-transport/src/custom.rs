//! From a sender to the transport of a client.

use std::fmt;
use std::sync::Arc;

use sentry_core::{ClientOptions, Transport, TransportFactory, TransportOptions};

use crate::background::BackgroundTransport;
use crate::sender::Sender;

/// Makes the transport of a client from a [`Sender`]: queue, rate limits, retries and client reports around it.
///
/// ```
/// use sentry_core::{Client, ClientOptions};
/// use sentry_transport::{BoxFuture, Deadline, Request, Response, SendError, Sender, SenderTransport};
///
/// #[derive(Debug)]
/// struct Yes;
///
/// impl Sender for Yes {
///     fn send(&self, _request: Request, _deadline: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
///         Box::pin(async { Ok(Response::new(200)) })
///     }
/// }
///
/// let client = Client::with_options(ClientOptions::new().transport(SenderTransport::without_dsn(Yes)));
/// assert!(client.is_enabled());
/// assert!(!Client::with_options(ClientOptions::new().transport(SenderTransport::new(Yes))).is_enabled());
/// ```
#[derive(Clone)]
pub struct SenderTransport {
    sender: Arc<dyn Sender>,
    needs_dsn: bool,
}

/// Stands where a DSN has to be and there is none. Nothing is ever sent there.
const NOWHERE: &str = "http://none@localhost/0";

impl SenderTransport {
    /// Over a sender that goes where the request says. Without a DSN the client is off, as usual.
    #[must_use]
    pub fn new<S: Sender + 'static>(sender: S) -> Self {
        Self { sender: Arc::new(sender), needs_dsn: true }
    }

    /// Over a sender that knows by itself where to go. The client is on without a DSN too; envelopes then name
    /// `http://none@localhost/0` where their DSN has to be.
    #[must_use]
    pub fn without_dsn<S: Sender + 'static>(sender: S) -> Self {
        Self { sender: Arc::new(sender), needs_dsn: false }
    }
}

impl TransportFactory for SenderTransport {
    fn create_transport(&self, options: &ClientOptions) -> Arc<dyn Transport> {
        let mut options = options.clone();
        if options.dsn.is_none() && !self.needs_dsn {
            options.dsn = NOWHERE.parse().ok();
        }
        Placed(self).create_transport(&options)
    }

    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(BackgroundTransport::with_sender(&options, Arc::clone(&self.sender)))
    }

    fn needs_dsn(&self, _options: &ClientOptions) -> bool {
        self.needs_dsn
    }
}

/// With a DSN, or meant to be off without one.
struct Placed<'s>(&'s SenderTransport);

impl TransportFactory for Placed<'_> {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        self.0.create_transport_with_options(options)
    }
}

impl fmt::Debug for SenderTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SenderTransport")
            .field("sender", &self.sender)
            .field("needs_dsn", &self.needs_dsn)
            .finish()
    }
}
