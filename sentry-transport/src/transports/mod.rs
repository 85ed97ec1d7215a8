//! The transports that applications name.

mod factory;
mod mailbox;
#[cfg(feature = "reqwest")]
mod reqwest;
mod std_thread;
#[cfg(feature = "reqwest")]
mod tokio_thread;

pub use self::factory::DefaultTransportFactory;
#[cfg(feature = "reqwest")]
pub use self::reqwest::{ReqwestHttpTransport, ReqwestHttpTransportOptions};
pub use self::std_thread::{StdTransportThread, StdTransportThreadOptions};
#[cfg(feature = "reqwest")]
pub use self::tokio_thread::{TokioTransportThread, TokioTransportThreadOptions};
pub use crate::rate_limit::{RateLimiter, RateLimitingCategory};

/// The default HTTP transport.
#[cfg(feature = "reqwest")]
pub type HttpTransport = ReqwestHttpTransport;
