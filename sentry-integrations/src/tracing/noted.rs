//! Fields of a span, noted as they come.
//!
//! Most spans have a few fields that mean nothing to us: they go into the span as they are, and nobody looks at them until it
//! is sent. Names with a dot may have a meaning, and are read as [`Fields`](super::fields::Fields).

use std::error::Error;
use std::fmt::Debug;

use sentry_core::__spans::Notes;
use tracing_core::field::Visit;
use tracing_core::{Field, Metadata};

/// Whether the fields of a span may be noted: none of them has a meaning of its own.
#[inline]
pub(super) fn is_plain(metadata: &Metadata<'_>) -> bool {
    let fields = metadata.fields();
    let is_plain = |field: Field| !(field.name().contains('.') || field.name() == "message");
    fields.len() <= usize::from(u8::MAX) && fields.iter().all(is_plain)
}

/// Notes what it is shown.
pub(super) struct Noted<'a>(pub(super) &'a mut Notes);

/// The number of a field among those of its span, which are not more than that.
#[inline]
fn number(field: &Field) -> u8 {
    field.index() as u8
}

impl Visit for Noted<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.float(number(field), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.integer(number(field), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.natural(number(field), value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.0.shown(number(field), format_args!("{value}")),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.0.shown(number(field), format_args!("{value}")),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.truth(number(field), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.text(number(field), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0.shown(number(field), format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.shown(number(field), format_args!("{value:?}"));
    }
}
