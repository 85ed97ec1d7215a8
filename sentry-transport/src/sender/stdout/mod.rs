//! Envelopes to standard output, for a person to read.
//!
//! ```text
//! [sentry] event 5a1f…  error  CheckoutError: the amount is not a number
//!          release shop@1.2.0, environment staging
//!          tags: region=eu, shop.plan=premium
//! [sentry] transaction 77c0…  GET /orders (http.server)  12.3 ms, 4 spans
//! ```

mod describe;

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use sentry_core::{ClientOptions, Transport, TransportFactory, TransportOptions, process};

use super::{BoxFuture, Deadline, Request, Response, SendError, Sender, plain};
use crate::custom::SenderTransport;

/// Prints what would be sent, a few lines per item, instead of sending it. Clones print to the same place. A client with
/// it is on without a DSN too.
///
/// Neither a closed pipe nor any other error of the writer disturbs the application: what could not be printed is counted
/// as lost. Users, requests and extras are not printed.
///
/// ```
/// use sentry_core::{Client, ClientOptions};
/// use sentry_transport::StdoutSender;
///
/// let client = Client::with_options(ClientOptions::new().transport(StdoutSender::new()));
/// client.capture_event(Default::default(), None);
/// assert!(client.close(None));
/// ```
#[derive(Clone)]
pub struct StdoutSender {
    out: Arc<Mutex<dyn Write + Send>>,
}

impl StdoutSender {
    /// To standard output.
    #[must_use]
    pub fn new() -> Self {
        Self::to(io::stdout())
    }

    /// To any writer: `std::io::stderr()`, a file, a buffer.
    #[must_use]
    pub fn to<W: Write + Send + 'static>(writer: W) -> Self {
        Self { out: Arc::new(Mutex::new(writer)) }
    }

    fn print(&self, request: &Request) -> io::Result<()> {
        let text = describe::envelope(&plain::bytes(request)?);
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // In one piece: lines of the application do not come between.
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

impl Default for StdoutSender {
    fn default() -> Self {
        Self::new()
    }
}

impl Sender for StdoutSender {
    fn send(&self, request: Request, _deadline: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
        Box::pin(async move {
            // A child could never take the lock that is held in here.
            match process::without_fork(|| self.print(&request)) {
                Ok(()) => Ok(Response::new(200)),
                Err(error) => Err(SendError::setup().with_source(error)),
            }
        })
    }
}

impl TransportFactory for StdoutSender {
    fn create_transport(&self, options: &ClientOptions) -> Arc<dyn Transport> {
        SenderTransport::without_dsn(self.clone()).create_transport(options)
    }

    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        SenderTransport::without_dsn(self.clone()).create_transport_with_options(options)
    }

    fn needs_dsn(&self, _options: &ClientOptions) -> bool {
        false
    }
}

impl fmt::Debug for StdoutSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StdoutSender").finish_non_exhaustive()
    }
}
