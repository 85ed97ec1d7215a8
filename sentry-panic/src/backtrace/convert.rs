//! Stack traces at once: from here, from the `backtrace` crate, for users' events.

use sentry_core::protocol::{Addr, Frame, Stacktrace, Thread};
use sentry_core::stacktrace::in_app;
use sentry_core::stacktrace::trim::Role;
use sentry_core::{ClientOptions, StackSource};

use crate::backtrace::symbol::Symbol;
use crate::backtrace::{NativeStackSource, capture, frames};
use crate::thread;

/// The stack trace of the caller, resolved at once.
#[must_use]
#[inline(never)]
pub fn current_stacktrace() -> Option<Stacktrace> {
    let marker = 0_u8;
    let stack = capture::above(capture::address_of(&marker));
    NativeStackSource::new().resolve(&stack, None)
}

/// The calling thread, with its stack trace if wanted.
#[must_use]
pub fn current_thread(with_stack: bool) -> Thread {
    let stacktrace = with_stack.then(current_stacktrace).flatten();
    Thread { current: true, stacktrace, ..thread::current() }
}

/// Converts a stack trace of the `backtrace` crate. Frames it has not resolved are resolved by us.
#[must_use]
pub fn backtrace_to_stacktrace(backtrace: &::backtrace::Backtrace) -> Option<Stacktrace> {
    let (levels, roles): (Vec<Frame>, Vec<Role>) = backtrace.frames().iter().flat_map(levels).unzip();
    let kept = frames::shown(&roles, |index| levels[index].in_app == Some(true));
    Stacktrace::from_frames_reversed(levels.into_iter().skip(kept.start).take(kept.len()).collect())
}

/// Decides which frames are the application's, where nobody has decided yet.
pub fn process_event_stacktrace(stacktrace: &mut Stacktrace, options: &ClientOptions) {
    in_app::apply(stacktrace, &options.in_app_include, &options.in_app_exclude);
}

/// The function of a frame and what was inlined into it, innermost first.
fn levels(frame: &::backtrace::BacktraceFrame) -> Vec<(Frame, Role)> {
    let address = frame.ip().addr();
    if frame.symbols().is_empty() {
        return by_address(address);
    }
    let level = |symbol: &::backtrace::BacktraceSymbol| {
        let name = symbol.name();
        let path = symbol.filename().and_then(|path| path.to_str());
        let symbol = Symbol::new(
            name.as_ref().and_then(|name| name.as_str()),
            path.map(Into::into),
            symbol.lineno(),
            symbol.colno(),
        );
        let role = symbol.role;
        let frame = Frame {
            filename: symbol.filename().map(str::to_owned),
            abs_path: path.map(str::to_owned),
            lineno: symbol.line.map(u64::from),
            colno: symbol.column.map(u64::from),
            in_app: symbol.in_app,
            module: symbol.module,
            function: symbol.function,
            instruction_addr: Some(Addr::from(address)),
            ..Frame::default()
        };
        (frame, role)
    };
    frame.symbols().iter().map(level).collect()
}

fn by_address(address: usize) -> Vec<(Frame, Role)> {
    let stacktrace = frames::stacktrace(&[address], &Default::default(), None);
    let frames = stacktrace.map(|stacktrace| stacktrace.frames).unwrap_or_default();
    frames
        .into_iter()
        .rev()
        .map(|frame| {
            let role = frame.function.as_deref().map_or(Role::Other, Role::of);
            (frame, role)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_number_name_and_stack() {
        let thread = current_thread(true);
        assert!(
            thread.current && thread.id.is_some() && thread.name.is_some() && thread.stacktrace.is_some()
        );
        assert!(current_thread(false).stacktrace.is_none());
    }
}
