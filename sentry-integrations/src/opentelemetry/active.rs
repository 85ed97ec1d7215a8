//! Where the code is, by the context of OpenTelemetry.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use sentry_core::__spans::Outside;
use sentry_core::{Hub, TracePropagationContext, TransactionOrSpan, suppress};

use super::ids::Key;
use super::open::OPEN;

/// The trace that came with a request, in the context of what serves it.
#[derive(Clone, Debug)]
pub(super) struct Incoming(pub(super) TracePropagationContext);

/// From now on what is captured belongs to the active span of OpenTelemetry.
pub(super) fn follow() {
    Hub::ask_outside(current);
}

thread_local! {
    /// Gone before the context of OpenTelemetry is, which is not there to be asked when a thread ends.
    static STAYS: Stays = const { Stays(Cell::new(false)) };
}

struct Stays(Cell<bool>);

impl Drop for Stays {
    fn drop(&mut self) {
        // Having a destructor is all it is for: without one it would not be gone.
        self.0.set(false);
    }
}

/// The active span of this thread.
fn current() -> Option<Outside> {
    // The context refuses to be looked at, by a panic, while a value in it is being dropped.
    let look = || suppress(|| catch_unwind(AssertUnwindSafe(|| Context::map_current(of))).ok().flatten());
    match STAYS.try_with(|stays| stays.0.get()) {
        Ok(true) => look(),
        Ok(false) => {
            // In this order: what is used first is dropped last.
            let found = look();
            let _ = STAYS.try_with(|stays| stays.0.set(true));
            found
        }
        Err(_) => None,
    }
}

/// The span of a context: ours, if it is recorded, else its place in the trace.
pub(super) fn of(context: &Context) -> Option<Outside> {
    if !context.has_active_span() {
        return None;
    }
    let span = context.span();
    let place = span.span_context();
    if !place.is_valid() {
        return None;
    }
    let (span, bound) = match OPEN.get(Key::of(place)) {
        Some(open) => (open.span, open.bound),
        None => (TransactionOrSpan::elsewhere(&unrecorded(context, place)), None),
    };
    Some(Outside { span: Arc::new(span), bound })
}

/// The place of a span that is not open here: dropped by a sampler, of another process, or there is no tracing.
fn unrecorded(context: &Context, place: &SpanContext) -> TracePropagationContext {
    let key = Key::of(place);
    match incoming(context, key) {
        Some(trace) => trace.at_span(key.span_id()),
        None => TracePropagationContext::new(key.trace_id(), key.span_id()),
    }
}

/// What came with the trace of a span, if it came from outside.
pub(super) fn incoming(context: &Context, key: Key) -> Option<&TracePropagationContext> {
    let Incoming(trace) = context.get()?;
    (trace.trace_id() == key.trace_id()).then_some(trace)
}
