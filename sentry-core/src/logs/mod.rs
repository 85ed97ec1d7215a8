//! Structured logs (protocol.md 7).
//!
//! ```text
//! logger_info!, tracing ► Draft (JSON) ─┐                     ┌─ no callback: attributes of scope and client ─┐
//!                                       ├─► hub and scope ─►──┤                                               ├─► Gathering
//! log, capture_log ─────► Log ──────────┘                     └─ before_send_log ─► JSON ─────────────────────┘
//! ```
//!
//! A log is encoded on the thread that writes it, because that is cheaper than to carry its parts to another. Nothing
//! is formatted while no client is active. Where a callback looks at it, what was drafted is read back.

mod capture;
mod draft;
mod kind;
mod macros;
mod wire;

#[doc(hidden)]
pub use self::capture::{is_wanted, wants_logs};
#[doc(hidden)]
pub use self::draft::{Draft, Given, encode, is_plain, name};
#[doc(hidden)]
pub use self::kind::{Any, AnyKind, Plain, PlainKind, Text, TextKind};

#[cfg(all(test, feature = "test"))]
mod tests;
