//! Structured logs (protocol.md 7).
//!
//! ```text
//! logger_info!, log/tracing layers ─► Hub::capture_log ─► attributes ─► before_send_log ─► JSON ─► batch
//! ```
//!
//! A log is encoded on the thread that writes it, because that is cheaper than to carry its parts to another. Nothing
//! is formatted while no client is active.

mod capture;
mod macros;
mod wire;

#[doc(hidden)]
pub use self::capture::{Parts, is_wanted, log};

#[cfg(all(test, feature = "test"))]
mod tests;
