//! The versions of the wire protocol.

pub use crate::protocol as v7;
pub use crate::protocol as latest;

/// The version of [`latest`].
pub const LATEST: u16 = 7;
