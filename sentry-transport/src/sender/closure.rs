//! A closure as a sender: for tests, tools and experiments.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sentry_core::{ClientOptions, Transport, TransportFactory, TransportOptions, process};

use super::{BoxFuture, Deadline, Request, Response, SendError, Sender};
use crate::custom::SenderTransport;

/// Hands each request to a closure and takes what it returns for the answer of the server. Clones share the closure.
///
/// The closure runs on the worker and gets one request at a time. It may take a moment, but what takes long belongs into
/// a [`Sender`] of its own. A client with it is on without a DSN too.
///
/// ```
/// use sentry_core::{Client, ClientOptions};
/// use sentry_transport::{FnSender, Request, Response};
///
/// let (seen, requests) = std::sync::mpsc::channel();
/// let sender = FnSender::new(move |request: Request| {
///     let _ = seen.send(request.body().len());
///     Response::new(200)
/// });
/// let client = Client::with_options(ClientOptions::new().transport(sender));
/// client.capture_event(Default::default(), None);
/// client.close(None);
/// assert!(requests.recv()? > 0);
/// # Ok::<(), std::sync::mpsc::RecvError>(())
/// ```
#[derive(Clone)]
pub struct FnSender {
    call: Arc<Mutex<Call>>,
}

type Call = dyn FnMut(Request) -> Result<Response, SendError> + Send;

impl FnSender {
    /// A sender over a closure that returns a [`Response`], or a `Result<Response, SendError>`.
    #[must_use]
    pub fn new<F, R>(mut call: F) -> Self
    where
        F: FnMut(Request) -> R + Send + 'static,
        R: Into<Result<Response, SendError>>,
    {
        Self { call: Arc::new(Mutex::new(move |request| call(request).into())) }
    }
}

impl From<Response> for Result<Response, SendError> {
    fn from(response: Response) -> Self {
        Ok(response)
    }
}

impl Sender for FnSender {
    fn send(&self, request: Request, _deadline: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
        Box::pin(async move {
            // A child could never take the lock that is held in here.
            process::without_fork(|| {
                // A closure that panicked once may be called again: the worker has told of the panic.
                let mut call = self.call.lock().unwrap_or_else(PoisonError::into_inner);
                call(request)
            })
        })
    }
}

impl TransportFactory for FnSender {
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

impl fmt::Debug for FnSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnSender").finish_non_exhaustive()
    }
}
