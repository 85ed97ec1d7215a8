//! The transports that applications name.

#[cfg(any(feature = "reqwest", feature = "ureq", feature = "curl"))]
#[macro_use]
mod over_background;

#[cfg(feature = "curl")]
mod curl;
mod factory;
mod mailbox;
#[cfg(feature = "reqwest")]
mod reqwest;
mod std_thread;
#[cfg(feature = "reqwest")]
mod tokio_thread;
#[cfg(feature = "ureq")]
mod ureq;

#[cfg(feature = "curl")]
pub use self::curl::{CurlHttpTransport, CurlHttpTransportOptions};
pub use self::factory::DefaultTransportFactory;
#[cfg(feature = "reqwest")]
pub use self::reqwest::{ReqwestHttpTransport, ReqwestHttpTransportOptions};
pub use self::std_thread::{StdTransportThread, StdTransportThreadOptions};
#[cfg(feature = "reqwest")]
pub use self::tokio_thread::{TokioTransportThread, TokioTransportThreadOptions};
#[cfg(feature = "ureq")]
pub use self::ureq::{UreqHttpTransport, UreqHttpTransportOptions};
pub use crate::rate_limit::{RateLimiter, RateLimitingCategory};

/// The default HTTP transport: over reqwest if that is on, else over ureq, else over curl.
#[cfg(feature = "reqwest")]
pub type HttpTransport = ReqwestHttpTransport;

/// The default HTTP transport: over reqwest if that is on, else over ureq, else over curl.
#[cfg(all(feature = "ureq", not(feature = "reqwest")))]
pub type HttpTransport = UreqHttpTransport;

/// The default HTTP transport: over reqwest if that is on, else over ureq, else over curl.
#[cfg(all(feature = "curl", not(any(feature = "reqwest", feature = "ureq"))))]
pub type HttpTransport = CurlHttpTransport;
