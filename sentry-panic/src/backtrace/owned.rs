//! Backtraces that errors own: `std::backtrace::Backtrace`, and what `anyhow` and `eyre` keep, all of them as text.

use sentry_core::protocol::{Event, Frame, Stacktrace};
use sentry_core::stacktrace::trim::Role;
use sentry_core::stacktrace::{in_app, names};

use crate::backtrace::{frames, parse_stacktrace};

/// Gives the error of an event the stack trace that it has carried since it was made, instead of the one of the capture.
///
/// `backtrace` is the error's own, printed by `Display`. It belongs to the outermost exception, which is the last one. The
/// frames of whoever made the backtrace are left out. `false`: there are no frames in the text, as for a backtrace that is
/// disabled, and nothing has changed.
///
/// ```
/// use sentry_core::protocol::{Event, Exception};
/// use sentry_panic::backtrace::attach_error_backtrace;
///
/// let mut event = Event { exception: vec![Exception::default()].into(), ..Event::default() };
/// assert!(attach_error_backtrace(&mut event, "0: anyhow::error::from\n1: shop::place\n  at src/orders.rs:7:5"));
/// let frames = &event.exception[0].stacktrace.as_ref().unwrap().frames;
/// assert_eq!((frames.len(), frames[0].lineno), (1, Some(7)));
/// assert!(!attach_error_backtrace(&mut event, "disabled backtrace"));
/// ```
pub fn attach_error_backtrace(event: &mut Event<'static>, backtrace: &str) -> bool {
    let Some(exception) = event.exception.values.last_mut() else { return false };
    let Some(stacktrace) = parse_stacktrace(backtrace).and_then(trimmed) else { return false };
    exception.stacktrace = Some(stacktrace);
    true
}

/// Without the frames that made it, and those below `main`.
fn trimmed(stacktrace: Stacktrace) -> Option<Stacktrace> {
    let levels: Vec<(Frame, Role)> = stacktrace.frames.into_iter().rev().map(level).collect();
    // Glue in front of the application, such as the conversion that `?` calls, belongs to them as well.
    let is_theirs = |(frame, role): &&(Frame, Role)| {
        is_maker(frame) || (*role == Role::Glue && frame.in_app != Some(true))
    };
    let theirs = levels.iter().take_while(is_theirs).count();
    let has_maker = levels[..theirs].iter().any(|(frame, _)| is_maker(frame));
    let levels = if has_maker && theirs < levels.len() { &levels[theirs..] } else { &levels[..] };
    let roles: Vec<Role> = levels.iter().map(|(_, role)| *role).collect();
    let kept = frames::shown(&roles, |index| levels[index].0.in_app == Some(true));
    Stacktrace::from_frames_reversed(levels[kept].iter().map(|(frame, _)| frame.clone()).collect())
}

fn level(mut frame: Frame) -> (Frame, Role) {
    let (function, path) = (frame.function.as_deref(), frame.abs_path.as_deref());
    let role = function.map_or(Role::Other, Role::of);
    frame.in_app = in_app::by_origin(function, path);
    (frame, role)
}

/// Whether the function made the backtrace: std's own, or a crate of errors.
fn is_maker(frame: &Frame) -> bool {
    let Some(function) = frame.function.as_deref() else { return false };
    let of_std = function.contains("std::backtrace::Backtrace") || function.contains("backtrace_rs::");
    of_std || names::crate_of(function).is_some_and(|name| MAKERS.contains(&name))
}

/// Crates that make the backtraces of errors.
const MAKERS: [&str; 8] =
    ["anyhow", "backtrace", "color_eyre", "eyre", "failure", "rootcause", "snafu", "stable_eyre"];

#[cfg(test)]
mod tests {
    use sentry_core::protocol::Exception;

    use super::*;

    fn event() -> Event<'static> {
        let named = |ty: &str| Exception { ty: ty.into(), ..Exception::default() };
        Event { exception: vec![named("Source"), named("Outermost")].into(), ..Event::default() }
    }

    #[inline(never)]
    fn place_order() -> std::backtrace::Backtrace {
        std::hint::black_box(std::backtrace::Backtrace::force_capture())
    }

    #[test]
    fn a_backtrace_of_std_begins_with_the_function_that_made_the_error() {
        let mut event = event();
        assert!(attach_error_backtrace(&mut event, &place_order().to_string()));
        assert!(event.exception[0].stacktrace.is_none(), "it belongs to the outermost");
        let frames = &event.exception[1].stacktrace.as_ref().unwrap().frames;
        let names: Vec<_> = frames.iter().filter_map(|frame| frame.function.as_deref()).collect();
        // Our own functions are trimmed at the inner end, and this test is one of them.
        assert!(names.iter().any(|name| name.contains("run_test")), "{names:?}");
        assert!(
            !names.iter().any(|name| name.contains("Backtrace::") || name.contains("thread_start")),
            "{names:?}"
        );
    }

    #[test]
    fn crates_of_errors_are_left_out() {
        let text = "   0: std::backtrace_rs::backtrace::trace
   1: std::backtrace::Backtrace::create
   2: anyhow::error::<impl core::convert::From<E> for anyhow::Error>::from
             at /home/u/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/anyhow-1.0.100/src/backtrace.rs:27:14
   3: <core::result::Result<T,F> as core::ops::try_trait::FromResidual<core::result::Result<core::convert::Infallible,E>>>::from_residual
             at /rustc/5980/library/core/src/result.rs:2009:27
   4: shop::orders::place
             at ./src/orders.rs:7:5
   5: core::iter::traits::iterator::Iterator::map
   6: shop::main
   7: std::sys::backtrace::__rust_begin_short_backtrace
   8: std::rt::lang_start
";
        let mut event = event();
        assert!(attach_error_backtrace(&mut event, text));
        let frames = &event.exception[1].stacktrace.as_ref().unwrap().frames;
        let names: Vec<_> = frames.iter().rev().filter_map(|frame| frame.function.as_deref()).collect();
        assert_eq!(names.last(), Some(&"shop::main"));
        assert!(!names.iter().any(|name| name.starts_with("anyhow") || name.starts_with("std")), "{names:?}");
        let newest = frames.last().unwrap();
        assert_eq!((newest.function.as_deref(), newest.lineno), (Some("shop::orders::place"), Some(7)));
    }

    #[test]
    fn what_is_no_backtrace_changes_nothing() {
        let mut event = event();
        for text in ["disabled backtrace", "unsupported backtrace", ""] {
            assert!(!attach_error_backtrace(&mut event, text));
        }
        assert!(event.exception.iter().all(|exception| exception.stacktrace.is_none()));
        assert!(!attach_error_backtrace(&mut Event::default(), "0: shop::place"));
    }
}
