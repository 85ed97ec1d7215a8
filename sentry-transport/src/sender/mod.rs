//! Only the wire: bytes, headers and a deadline in; status and headers, or a network error, out.
//!
//! Queues, rate limits, retries, client reports and deadlines are shared by every [`Sender`] and live elsewhere, so a new
//! one is a few lines:
//!
//! ```
//! use sentry_transport::{BoxFuture, Deadline, Request, Response, SendError, Sender};
//!
//! /// Says yes to everything.
//! #[derive(Debug)]
//! struct Yes;
//!
//! impl Sender for Yes {
//!     fn send(&self, _request: Request, _deadline: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
//!         Box::pin(async { Ok(Response::new(200)) })
//!     }
//! }
//! ```
//!
//! [`SenderTransport`](crate::SenderTransport) makes a client's transport of it. `examples/webhook.rs` is one that works:
//! it posts the titles of crashes to a chat. Senders that need no server are here: [`FileSender`], [`StdoutSender`] and
//! [`FnSender`].

#[cfg(any(feature = "ureq", feature = "curl", test))]
pub(crate) mod blocking;
mod body;
mod closure;
#[cfg(test)]
mod conformance;
#[cfg(feature = "curl")]
pub(crate) mod curl;
mod deadline;
mod error;
mod file;
#[cfg(all(
    feature = "native-tls",
    not(feature = "rustls-no-provider"),
    any(feature = "reqwest", feature = "ureq")
))]
mod pem;
mod plain;
#[cfg(any(feature = "ureq", feature = "curl"))]
mod proxy;
mod request;
#[cfg(feature = "reqwest")]
pub(crate) mod reqwest;
mod response;
#[cfg(test)]
pub(crate) mod scripted;
mod stdout;
#[cfg(all(feature = "rustls-no-provider", any(feature = "reqwest", feature = "ureq")))]
mod tls;
#[cfg(all(
    test,
    any(feature = "rustls-no-provider", feature = "native-tls"),
    any(feature = "reqwest", feature = "ureq", feature = "curl")
))]
mod tls_tests;
#[cfg(feature = "ureq")]
pub(crate) mod ureq;
mod watched;

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
#[cfg(any(feature = "reqwest", feature = "ureq", feature = "curl"))]
use std::time::Duration;

pub use self::body::BodyReader;
pub(crate) use self::body::{Stream, Watch};
pub use self::closure::FnSender;
pub use self::deadline::Deadline;
pub use self::error::SendError;
pub use self::file::FileSender;
pub use self::request::Request;
pub use self::response::Response;
pub use self::stdout::StdoutSender;
pub(crate) use self::watched::watched;

/// The status is known by then; the rest of the answer only matters for keeping the connection.
#[cfg(any(feature = "reqwest", feature = "ureq", feature = "curl"))]
const BODY_TIMEOUT: Duration = Duration::from_millis(500);

/// Shorter than the idle timeout of usual proxies, so that the server is not the one who closes first.
#[cfg(any(feature = "reqwest", feature = "ureq", feature = "curl"))]
const POOL_IDLE: Duration = Duration::from_secs(20);

/// A future that is its own allocation and may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries one request to a server.
pub trait Sender: Send + Sync + Debug {
    /// Sends `request` and returns the answer.
    ///
    /// An implementation gives up at `deadline`; the worker drops the future then in any case. It must not block: a
    /// blocking client belongs on a thread of its own, inside the sender.
    fn send(&self, request: Request, deadline: Deadline) -> BoxFuture<'_, Result<Response, SendError>>;

    /// Whether it sends a [stream](Request::is_streamed) piece by piece. Otherwise all of a request is in memory, and files
    /// of more than 20 MiB are left out.
    fn takes_streams(&self) -> bool {
        false
    }
}

impl<S: Sender + ?Sized> Sender for Arc<S> {
    fn send(&self, request: Request, deadline: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
        (**self).send(request, deadline)
    }

    fn takes_streams(&self) -> bool {
        (**self).takes_streams()
    }
}

impl<S: Sender + ?Sized> Sender for Box<S> {
    fn send(&self, request: Request, deadline: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
        (**self).send(request, deadline)
    }

    fn takes_streams(&self) -> bool {
        (**self).takes_streams()
    }
}
