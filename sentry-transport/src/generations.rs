//! One of something per process.
//!
//! A forked child inherits the memory of its parent but not the parent's threads: whoever worked is gone, and a lock that
//! another thread held at that moment is held for ever. So the child leaves alone what it has inherited, which the parent
//! goes on with, and makes its own when it first needs it. Noticing costs one load and a comparison, no system call.

use std::sync::OnceLock;

use sentry_core::process;

/// The value of this process, whichever process that is.
#[derive(Debug)]
pub(crate) struct PerProcess<T> {
    number: u32,
    value: T,
    /// Belongs to a child.
    next: OnceLock<Box<Self>>,
}

impl<T> PerProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { number: process::generation(), value, next: OnceLock::new() }
    }

    /// The value of this process. In a child `inherit` makes it from that of a process it comes from; it must not wait for
    /// a lock of that.
    pub(crate) fn get(&self, inherit: impl Fn(&T) -> T) -> &T {
        let current = process::generation();
        let mut generation = self;
        while generation.number != current {
            let next = || Box::new(Self::new(inherit(&generation.value)));
            // Half done it would stay half done in a child of this one.
            generation = process::without_fork(|| generation.next.get_or_init(next));
        }
        &generation.value
    }

    /// The value of this process, if it has made one.
    pub(crate) fn get_if_made(&self) -> Option<&T> {
        let current = process::generation();
        let mut generation = self;
        while generation.number != current {
            generation = generation.next.get()?;
        }
        Some(&generation.value)
    }
}
