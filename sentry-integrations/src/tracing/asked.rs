//! What is asked of a span before anything is decided on it.

use tracing_core::field::Visit;
use tracing_core::{Field, Metadata};

use crate::semantics::ASKED;

/// Whether a span may have such fields.
#[inline]
pub(super) fn asks(metadata: &Metadata<'_>) -> bool {
    metadata.fields().iter().any(|field| field.name().starts_with("sentry."))
}

#[derive(Default)]
pub(super) struct Asked {
    pub(super) name: Option<String>,
    pub(super) op: Option<String>,
    pub(super) trace: Option<String>,
}

impl Visit for Asked {
    fn record_str(&mut self, field: &Field, value: &str) {
        let slot = match field.name() {
            "sentry.name" => &mut self.name,
            "sentry.op" => &mut self.op,
            "sentry.trace" => &mut self.trace,
            _ => return,
        };
        *slot = Some(value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if ASKED.contains(&field.name()) {
            self.record_str(field, &format!("{value:?}"));
        }
    }
}
