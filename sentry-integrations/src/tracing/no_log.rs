//! Without logs there are none to write.

#![expect(clippy::needless_pass_by_ref_mut, reason = "the same signatures as with logs")]

use std::fmt::Arguments;

use sentry_core::__breadcrumbs::{Brief, Scalar};
use sentry_core::Hub;
use tracing_core::{Field, Metadata};

use super::callsite::Known;

/// Whether logs are wanted here. `None`: nothing is.
pub(super) fn wants() -> Option<bool> {
    Hub::with_active(|_| Some(false))
}

/// Nobody wants any.
pub(super) fn capture(_: impl FnOnce() -> sentry_core::protocol::Log) {}

pub(super) struct Key;

impl Key {
    pub(super) fn new(_: &Field, _: &str) -> Self {
        Self
    }
}

pub(super) struct Lasting;

impl Lasting {
    pub(super) fn new(_: &'static Metadata<'static>) -> Self {
        Self
    }
}

pub(super) struct Log {
    pub(super) is_odd: bool,
}

impl Log {
    pub(super) fn new(_: &Lasting) -> Self {
        Self { is_odd: false }
    }

    pub(super) fn scalar(&mut self, _: &Lasting, _: &Known, _: Scalar) {}

    pub(super) fn text(&mut self, _: &Lasting, _: &Known, _: &str) {}

    pub(super) fn write(&mut self, _: &Lasting, _: &Known, _: Arguments<'_>) {}

    pub(super) fn capture(self, _: &Lasting, _: &mut Option<Brief>) -> bool {
        !self.is_odd
    }
}
