//! Ways out of the process.

#[cfg(feature = "reqwest")]
pub use sentry_transport::transports::*;
#[cfg(feature = "reqwest")]
pub use sentry_transport::{
    BackgroundTransport, BoxFuture, Deadline, FanOutFactory, FileSender, FnSender, Request, Response,
    SendError, Sender, SenderTransport, StdoutSender,
};
