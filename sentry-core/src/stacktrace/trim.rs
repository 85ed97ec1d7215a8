//! Which frames of a stack nobody wants to read: our own, the panic machinery, and the runtime below `main`.
//!
//! ```text
//! innermost  sentry_core::…             ┐ captured by hand: ours, with glue of std between them
//!            std::panicking::…          ┐ panic: everything up to the last frame of the machinery
//!            core::panicking::panic_fmt ┘
//!            shop::orders::place        ← what is left
//!            shop::main
//!            __rust_begin_short_…       ┐ below main or the start of a thread
//! outermost  _start                     ┘
//! ```
//!
//! Frames are classified by name once, [`keep`] then only looks at the classes.

use std::ops::Range;

use crate::stacktrace::names;

/// What a frame is to trimming.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Of the SDK itself.
    Sdk,
    /// Of std, and uninteresting where it only connects frames of ours.
    Glue,
    /// Where a panic begins: what is inside of it is the panic's own doing.
    PanicEntry,
    /// Between the code that panics and the entry, such as `Option::unwrap`.
    PanicHelper,
    /// Unwinding goes on: what is inside of it runs in a destructor.
    Unwinding,
    /// The border between the runtime and `main` or the function of a thread.
    StartMarker,
    /// Before the border.
    Start,
    /// Anything else.
    #[default]
    Other,
}

impl Role {
    /// Classifies a demangled name.
    #[must_use]
    pub fn of(function: &str) -> Self {
        if function.contains("__rust_begin_short_backtrace") && in_std(function) {
            return Self::StartMarker;
        }
        if function.contains("__rust_end_short_backtrace") {
            return Self::PanicEntry;
        }
        let Some(crate_name) = names::crate_of(function) else { return Self::of_symbol(function) };
        match crate_name {
            _ if names::is_sdk_crate(crate_name) => Self::Sdk,
            "std" => Self::of_std(function),
            "core" => Self::of_core(function),
            "__rustc" => Self::of_symbol(function.trim_start_matches("__rustc::")),
            "panic_unwind" => Self::Unwinding,
            "alloc" => Self::Glue,
            _ => Self::Other,
        }
    }

    fn of_std(function: &str) -> Self {
        let Some(name) = function.strip_prefix("std::") else { return Self::Glue };
        match name {
            "panicking::rust_panic" | "panicking::rust_panic_without_hook" | "panicking::resume_unwind" => {
                Self::Unwinding
            }
            "rt::lang_start" | "rt::lang_start_internal" => Self::Start,
            _ if name.starts_with("rt::lang_start") => Self::Start,
            _ if PANICKING.iter().any(|start| name.starts_with(start)) => Self::PanicEntry,
            _ if name.contains("thread_start") => Self::Start,
            _ => Self::Glue,
        }
    }

    fn of_core(function: &str) -> Self {
        if function.starts_with("core::panicking::") {
            return Self::PanicEntry;
        }
        let of_option = ["core::option::", "core::result::"].iter().any(|module| function.contains(module));
        // `Option<T>::unwrap`, `<Option<u8>>::unwrap`, and `option::unwrap<u8>` in line tables.
        let ends = [function, function.split('<').next().unwrap_or(function)];
        let helper = ends.iter().filter_map(|name| name.rsplit("::").next()).any(|last| {
            matches!(
                last,
                "unwrap_failed" | "expect_failed" | "unwrap" | "expect" | "unwrap_err" | "expect_err"
            )
        });
        if of_option && helper { Self::PanicHelper } else { Self::Glue }
    }

    fn of_symbol(symbol: &str) -> Self {
        match symbol {
            "rust_begin_unwind" | "rust_panic_with_hook" => Self::PanicEntry,
            "rust_panic" | "__rust_start_panic" => Self::Unwinding,
            "_start"
            | "main"
            | "start_thread"
            | "thread_start"
            | "clone"
            | "clone3"
            | "__clone"
            | "__clone3"
            | "__libc_start_main"
            | "__libc_start_main_impl"
            | "__libc_start_call_main"
            | "__rust_try" => Self::Start,
            _ if symbol.starts_with("_Unwind_") => Self::Unwinding,
            _ if symbol.starts_with("__libc_start_main@") => Self::Start,
            _ => Self::Other,
        }
    }
}

/// The functions of std a panic comes through. Others of its module catch panics.
const PANICKING: [&str; 4] = [
    "panicking::begin_panic",
    "panicking::panic_handler",
    "panicking::panic_with_hook",
    "panicking::rust_panic_with_hook",
];

/// The part of a stack worth keeping. `roles` begins with the innermost frame; a physical frame may have several.
///
/// A stack is never trimmed away as a whole: if nothing would be left, everything is kept.
#[must_use]
pub fn keep(roles: &[Role]) -> Range<usize> {
    let end = end_before_start(roles);
    let start = begin_after_panic(&roles[..end]).unwrap_or_else(|| begin_after_sdk(&roles[..end]));
    if start < end { start..end } else { 0..roles.len() }
}

/// Behind the panic machinery, if the stack was captured by a panic hook.
fn begin_after_panic(roles: &[Role]) -> Option<usize> {
    // A user's own hook may lie between ours and the machinery. A destructor that runs while unwinding is not a hook.
    let entry = roles.iter().position(|role| matches!(role, Role::PanicEntry | Role::Unwinding))?;
    if roles[entry] == Role::Unwinding {
        return None;
    }
    let machinery =
        roles[entry..].iter().take_while(|role| matches!(role, Role::PanicEntry | Role::PanicHelper));
    Some(entry + machinery.count())
}

/// Behind our own frames at the inner end.
fn begin_after_sdk(roles: &[Role]) -> usize {
    let ours = roles.iter().take_while(|role| matches!(role, Role::Sdk | Role::Glue)).count();
    // The glue behind the last of ours belongs to somebody else.
    roles[..ours].iter().rposition(|role| *role == Role::Sdk).map_or(0, |last| last + 1)
}

/// Before the runtime's frames at the outer end.
fn end_before_start(roles: &[Role]) -> usize {
    if let Some(marker) = roles.iter().rposition(|role| *role == Role::StartMarker) {
        // `FnOnce::call_once`, by which the marker calls its closure.
        let glue = roles[..marker].iter().rev().take_while(|role| **role == Role::Glue).count();
        return marker - glue;
    }
    roles.len() - roles.iter().rev().take_while(|role| **role == Role::Start).count()
}

/// The marker is a name of std; `test::__rust_begin_short_backtrace` is another one.
fn in_std(function: &str) -> bool {
    function.starts_with("std::") || function.starts_with("__rust_begin_short_backtrace")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept<'a>(functions: &[&'a str]) -> Vec<&'a str> {
        let roles: Vec<_> = functions.iter().map(|function| Role::of(function)).collect();
        functions[keep(&roles)].to_vec()
    }

    #[test]
    fn a_panic_begins_at_the_code_that_panics() {
        let stack = [
            "sentry_panic::hook::install::{{closure}}",
            "<alloc::boxed::Box<F,A> as core::ops::function::Fn<Args>>::call",
            "std::panicking::panic_with_hook",
            "std::panicking::panic_handler::{{closure}}",
            "std::sys::backtrace::__rust_end_short_backtrace",
            "__rustc::rust_begin_unwind",
            "core::panicking::panic_fmt",
            "core::result::unwrap_failed",
            "<core::result::Result<u8, std::io::Error>>::unwrap",
            "core::result::expect<u8, std::io::error::Error>",
            "core::result::Result<T,E>::unwrap",
            "shop::orders::place",
            "shop::main",
            "core::ops::function::FnOnce::call_once",
            "std::sys::backtrace::__rust_begin_short_backtrace",
            "std::rt::lang_start::{{closure}}",
            "std::rt::lang_start_internal",
            "main",
            "__libc_start_main",
            "_start",
        ];
        assert_eq!(kept(&stack), ["shop::orders::place", "shop::main"]);
    }

    #[test]
    fn a_users_hook_around_ours_belongs_to_the_panic() {
        let stack = [
            "sentry_panic::hook::install::{{closure}}",
            "shop::my_hook",
            "std::panicking::rust_panic_with_hook",
            "core::panicking::panic_fmt",
            "shop::place",
        ];
        assert_eq!(kept(&stack), ["shop::place"]);
    }

    #[test]
    fn a_capture_by_hand_begins_at_its_caller() {
        let stack = [
            "sentry_panic::backtrace::capture::here",
            "<sentry_panic::backtrace::NativeStackSource as sentry_core::stacktrace::StackSource>::capture",
            "std::thread::local::LocalKey<T>::try_with",
            "sentry_core::api::capture_message",
            "core::option::Option<T>::map",
            "shop::place",
            "sentry_core::hub::Hub::run",
            "shop::main",
        ];
        assert_eq!(
            kept(&stack),
            ["core::option::Option<T>::map", "shop::place", "sentry_core::hub::Hub::run", "shop::main"]
        );
    }

    #[test]
    fn a_capture_in_a_destructor_keeps_the_destructor() {
        let stack = [
            "sentry_core::api::capture_message",
            "<shop::Guard as core::ops::drop::Drop>::drop",
            "core::ptr::drop_in_place<shop::Guard>",
            "_Unwind_RaiseException",
            "panic_unwind::imp::panic",
            "__rust_start_panic",
            "std::panicking::rust_panic",
            "std::panicking::rust_panic_with_hook",
            "core::panicking::panic_fmt",
            "shop::main",
        ];
        assert_eq!(kept(&stack), stack[1..]);
    }

    #[test]
    fn a_panic_in_a_destructor_keeps_both() {
        let stack = [
            "std::panicking::rust_panic_with_hook",
            "core::panicking::panic_fmt",
            "<shop::Guard as core::ops::drop::Drop>::drop",
            "_Unwind_RaiseException",
            "std::panicking::rust_panic_with_hook",
            "core::panicking::panic_fmt",
            "shop::main",
        ];
        assert_eq!(kept(&stack), stack[2..]);
    }

    #[test]
    fn catching_a_panic_is_not_panicking() {
        let stack = [
            "sentry::capture_error",
            "shop::f",
            "std::panicking::do_call<shop::main::{closure_env#0}, u8>",
            "std::panicking::catch_unwind::do_call",
            "std::panicking::r#try",
            "std::panic::catch_unwind",
            "shop::main",
        ];
        assert_eq!(kept(&stack), stack[1..]);
    }

    #[test]
    fn threads_begin_at_their_function() {
        let stack = [
            "shop::worker",
            "std::sys::backtrace::__rust_begin_short_backtrace",
            "std::thread::Builder::spawn_unchecked_::{{closure}}::{{closure}}",
            "core::ops::function::FnOnce::call_once{{vtable.shim}}",
            "std::sys::thread::unix::Thread::new::thread_start",
            "start_thread",
            "clone3",
        ];
        assert_eq!(kept(&stack), ["shop::worker"]);
        assert_eq!(
            kept(&["shop::callback", "lib_thread_main", "start_thread", "clone3"]),
            ["shop::callback", "lib_thread_main"]
        );
    }

    #[test]
    fn the_marker_of_the_test_harness_is_not_the_start_of_a_thread() {
        let stack = ["it::works", "test::__rust_begin_short_backtrace", "test::run_test"];
        assert_eq!(kept(&stack), stack);
    }

    #[test]
    fn something_is_always_left() {
        assert_eq!(kept(&["sentry_core::a", "std::b"]), ["std::b"]);
        assert_eq!(kept(&["sentry_core::a"]), ["sentry_core::a"]);
        assert_eq!(kept(&["core::panicking::panic_fmt"]), ["core::panicking::panic_fmt"]);
        assert_eq!(kept(&["_start"]), ["_start"]);
        assert!(kept(&[]).is_empty());
    }
}
