//! `sentry::integrations::backtrace`: stack traces.

use std::fmt::Debug;

use sentry::integrations::backtrace::{
    AttachStacktraceIntegration, Frame, ProcessStacktraceIntegration, Stacktrace, backtrace_to_stacktrace,
    current_stacktrace, current_thread, parse_stacktrace, process_event_stacktrace,
};
use sentry::protocol::{self, Thread};
use sentry::{ClientOptions, Integration};

const _: fn(protocol::Frame) -> Frame = |same| same;
const _: fn(protocol::Stacktrace) -> Stacktrace = |same| same;
const _: fn() = || {
    let _: fn(_) -> Option<Stacktrace> = backtrace_to_stacktrace;
};
const _: fn() -> Option<Stacktrace> = current_stacktrace;
const _: fn(bool) -> Thread = current_thread;
const _: fn(&str) -> Option<Stacktrace> = parse_stacktrace;
const _: fn(&mut Stacktrace, &ClientOptions) = process_event_stacktrace;

const _: fn() -> AttachStacktraceIntegration = AttachStacktraceIntegration::new;
implements!(AttachStacktraceIntegration: Debug + Default + Integration);

const _: fn() -> ProcessStacktraceIntegration = ProcessStacktraceIntegration::new;
implements!(ProcessStacktraceIntegration: Debug + Default + Integration);

#[test]
fn the_current_thread_has_a_stack() {
    let thread = current_thread(true);
    assert!(thread.current && thread.id.is_some());
    assert!(thread.stacktrace.is_some_and(|stacktrace| !stacktrace.frames.is_empty()));
    assert_eq!(current_thread(false).stacktrace, None);
}
