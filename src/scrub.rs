//! Seeing what would leave: what scrubbing leaves of an event, a log, or any JSON.
//!
//! ```
//! let left = sentry::scrub::preview(r#"{"card": "4111 1111 1111 1111", "order": 1042}"#);
//! assert_eq!(left, r#"{"card": "[Filtered]", "order": 1042}"#);
//! ```
#![doc = include_str!("../docs/SCRUBBING.md")]

pub use sentry_transport::scrub::{Scrubber, preview};
