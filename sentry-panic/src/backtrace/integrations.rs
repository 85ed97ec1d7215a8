//! The two integrations of the official API.

use sentry_core::protocol::{Event, Stacktrace};
use sentry_core::{ClientOptions, Integration};

use crate::backtrace::process_event_stacktrace;

/// Adds stack traces to events that have none, if `attach_stacktrace` is set.
///
/// The capture itself has to happen on the capturing thread, before the event is handed to the worker: the client does
/// it. This type makes the list of integrations say so.
#[derive(Debug, Default)]
pub struct AttachStacktraceIntegration;

impl AttachStacktraceIntegration {
    /// The integration.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Integration for AttachStacktraceIntegration {
    fn name(&self) -> &'static str {
        "attach-stacktrace"
    }

    fn processes_events(&self) -> bool {
        false
    }
}

/// Decides for the frames of stack traces that users built which of them are the application's.
#[derive(Debug, Default)]
pub struct ProcessStacktraceIntegration;

impl ProcessStacktraceIntegration {
    /// The integration.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Integration for ProcessStacktraceIntegration {
    fn name(&self) -> &'static str {
        "process-stacktrace"
    }

    fn enrich(&self, event: &mut Event<'static>, options: &ClientOptions) {
        for stacktrace in stacktraces(event) {
            process_event_stacktrace(stacktrace, options);
        }
    }

    fn processes_events(&self) -> bool {
        false
    }
}

fn stacktraces<'a>(event: &'a mut Event<'static>) -> impl Iterator<Item = &'a mut Stacktrace> {
    let of_exceptions =
        event.exception.values.iter_mut().filter_map(|exception| exception.stacktrace.as_mut());
    let of_threads = event.threads.values.iter_mut().filter_map(|thread| thread.stacktrace.as_mut());
    of_exceptions.chain(of_threads).chain(event.stacktrace.as_mut())
}

#[cfg(test)]
mod tests {
    use sentry_core::protocol::{Exception, Frame};

    use super::*;

    #[test]
    fn frames_of_users_are_decided() {
        let frame = Frame { function: Some("shop::place".into()), ..Frame::default() };
        let stacktrace = Some(Stacktrace { frames: vec![frame], ..Stacktrace::default() });
        let mut event = Event {
            exception: vec![Exception { stacktrace: stacktrace.clone(), ..Exception::default() }].into(),
            stacktrace,
            ..Event::default()
        };
        ProcessStacktraceIntegration::new()
            .enrich(&mut event, &ClientOptions::new().in_app_exclude(["shop"]));
        for stacktrace in stacktraces(&mut event) {
            assert_eq!(stacktrace.frames[0].in_app, Some(false));
        }
    }
}
