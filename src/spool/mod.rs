//! Looking into a cache directory: what waits to be sent, what is in it, away with it. Works without a client.
//!
//! ```
//! use sentry::spool;
//!
//! # let dir = std::env::temp_dir().join(format!("sentry-spool-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir)?;
//! for entry in spool::list(&dir)? {
//!     println!("{} {} {} bytes", entry.kind.as_str(), entry.state.as_str(), entry.size);
//!     println!("{}", spool::show(&entry)?);
//! }
//! let removed = spool::purge(&dir)?;
//! assert_eq!(removed, 0, "there was nothing");
//! # std::fs::remove_dir_all(&dir)?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! `docs/OFFLINE.md` says what is kept there, when, and for how long.

/// Keeps the examples of the guide true.
#[cfg(doctest)]
#[doc = include_str!("../../docs/OFFLINE.md")]
struct Guide;

pub use sentry_transport::spool::{Entry, Kind, State, list, purge, purge_all, show};
