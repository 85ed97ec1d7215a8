//! Stack traces: the seam to whoever captures them, and the pure rules applied to them.

use std::fmt;
use std::time::Instant;

use crate::protocol::Stacktrace;

/// Captures stacks on the calling thread and resolves them elsewhere. Implemented by `sentry-panic`.
pub trait StackSource: Send + Sync + fmt::Debug {
    /// The return addresses of the calling thread, innermost first. Takes no lock and loads no symbols.
    fn capture(&self) -> RawStack;

    /// The frames of `stack`, oldest first, as the protocol wants them.
    ///
    /// Addresses whose symbols cannot be loaded before `deadline` stay bare. `None` when nothing is left.
    fn resolve(&self, stack: &RawStack, deadline: Option<Instant>) -> Option<Stacktrace>;
}

/// Unresolved return addresses of one thread, innermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawStack {
    /// The addresses.
    pub addresses: Box<[usize]>,
}
