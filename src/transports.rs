//! Ways out of the process.

#[cfg(feature = "reqwest")]
pub use sentry_transport::transports::*;
