//! Exceptions that were recorded on spans.
//!
//! OpenTelemetry keeps them among the events of a span until it ends. Here each is an error of its own, in the place of the
//! span, at its own time; whether the span is sampled makes no difference to that.

use opentelemetry::trace::Event as SpanEvent;
use opentelemetry_sdk::trace::SpanData;
use sentry_core::protocol::{Event, Exception, Mechanism};
use sentry_core::{Hub, Level, TracePropagationContext, TransactionOrSpan};

use super::ids::Key;
use super::processor::is_own;
use super::values::{text, values};
use crate::semantics;

/// The name that OpenTelemetry gives them.
const NAME: &str = "exception";

/// Captures those of a span that has ended; `ours`, if it is known.
pub(super) fn capture(data: &SpanData, ours: Option<&TransactionOrSpan>) {
    let mut exceptions = data.events.iter().filter(|event| event.name == NAME).peekable();
    if exceptions.peek().is_none() {
        return;
    }
    Hub::with_active(|current| {
        let client = current.client();
        if client.is_some_and(|client| is_own(&client, &data.span_kind, &data.attributes)) {
            return;
        }
        let home = ours.and_then(TransactionOrSpan::home);
        let hub = home.as_ref().unwrap_or(current);
        let place = ours.cloned().unwrap_or_else(|| {
            let key = Key::of(&data.span_context);
            TransactionOrSpan::elsewhere(&TracePropagationContext::new(key.trace_id(), key.span_id()))
        });
        hub.with_scope(
            |scope| scope.set_span(Some(place)),
            || exceptions.for_each(|exception| _ = hub.capture_event(event(exception))),
        );
    });
}

fn event(recorded: &SpanEvent) -> Event<'static> {
    let text = |name: &str| text(&recorded.attributes, name).map(str::to_owned);
    let mut others = values(&recorded.attributes);
    for name in ["exception.type", "exception.message", "exception.escaped"] {
        others.remove(name);
    }
    semantics::show(&mut others);
    let exception = Exception {
        ty: text("exception.type").unwrap_or_else(|| "Error".to_owned()),
        value: text("exception.message"),
        mechanism: Some(Mechanism {
            ty: "auto.otel".to_owned(),
            handled: Some(true),
            ..Mechanism::default()
        }),
        ..Exception::default()
    };
    #[cfg_attr(not(feature = "backtrace"), expect(unused_mut, reason = "the stack trace needs the feature"))]
    let mut event = Event {
        level: Level::Error,
        timestamp: recorded.timestamp,
        exception: vec![exception].into(),
        extra: others,
        ..Event::default()
    };
    #[cfg(feature = "backtrace")]
    if let Some(backtrace) = text("exception.stacktrace")
        && sentry_panic::backtrace::attach_error_backtrace(&mut event, &backtrace)
    {
        event.extra.remove("exception.stacktrace");
    }
    event
}
