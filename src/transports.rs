//! Ways out of the process.

#[cfg(any(feature = "reqwest", feature = "ureq", feature = "curl"))]
pub use sentry_transport::transports::*;
#[cfg(any(feature = "reqwest", feature = "ureq", feature = "curl"))]
pub use sentry_transport::{
    BackgroundTransport, BodyReader, BoxFuture, Deadline, FanOutFactory, FileSender, FnSender, Request,
    Response, SendError, Sender, SenderTransport, StdoutSender,
};
