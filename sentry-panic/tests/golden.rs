//! A stack whose functions, lines and columns are known, resolved.
#![cfg(target_os = "linux")]

use std::hint::black_box;
use std::time::Duration;

use sentry_core::protocol::{Frame, Stacktrace};
use sentry_core::{RawStack, StackSource, clock};
use sentry_panic::NativeStackSource;

mod orders {
    use super::*;

    pub(crate) struct Order;

    impl Order {
        #[inline(never)]
        pub(crate) fn total(&self) -> RawStack {
            black_box(inlined())
        }
    }

    #[inline(always)]
    fn inlined() -> RawStack {
        // The frame of this function exists in the debug information only.
        NativeStackSource::new().capture() // THE CALL
    }

    #[inline(never)]
    pub(crate) fn place() -> RawStack {
        let through = |order: &Order| black_box(order.total());
        let stack = through(&Order);
        black_box(stack)
    }
}

fn named<'a>(stacktrace: &'a Stacktrace, part: &str) -> (usize, &'a Frame) {
    let has = |frame: &Frame| frame.function.as_ref().is_some_and(|name| name.contains(part));
    let found = stacktrace.frames.iter().enumerate().rfind(|(_, frame)| has(frame));
    found.unwrap_or_else(|| panic!("{part} is not in {stacktrace:#?}"))
}

#[test]
fn functions_lines_columns_inlines_and_source_are_right() {
    let source = NativeStackSource::new();
    let stacktrace = source.resolve(&orders::place(), None).unwrap();
    let text = include_str!("golden.rs");
    let line = text.lines().position(|line| line.contains("// THE CALL")).unwrap();
    let column = text.lines().nth(line).unwrap().find("capture").unwrap();

    // Oldest first, and trimmed: the last frame is the one that called us.
    // Line tables, unlike full debug information, name inlined functions without their paths.
    let (index, inlined) = named(&stacktrace, "inlined");
    assert_eq!(index, stacktrace.frames.len() - 1, "{stacktrace:#?}");
    assert!(["golden::orders::inlined", "inlined"].contains(&inlined.function.as_deref().unwrap()));
    assert_eq!(inlined.filename.as_deref(), Some("tests/golden.rs"));
    assert!(inlined.abs_path.as_ref().unwrap().ends_with("/tests/golden.rs"), "{inlined:?}");
    assert!(inlined.abs_path.as_ref().unwrap().starts_with('/'), "{inlined:?}");
    assert_eq!(inlined.lineno, Some(line as u64 + 1));
    assert_eq!(inlined.colno, Some(column as u64 + 1));
    assert_eq!(inlined.in_app, Some(true));
    assert!(inlined.context_line.as_ref().unwrap().contains("// THE CALL"));
    assert_eq!(inlined.pre_context.len(), 5);
    assert!(inlined.pre_context[4].contains("exists in the debug information only"));
    assert_eq!(inlined.post_context.len(), 5);
    assert_eq!(inlined.post_context[0].trim(), "}");

    let (outer, total) = named(&stacktrace, "Order::total");
    assert_eq!(outer, index - 1, "the function it was inlined into comes before it");
    assert_eq!(total.module.as_deref(), Some("golden::orders"));
    assert_eq!(total.instruction_addr, inlined.instruction_addr);
    assert!(total.context_line.as_ref().unwrap().contains("black_box(inlined())"));

    let (_, closure) = named(&stacktrace, "orders::place::{");
    assert_eq!(closure.module.as_deref(), Some("golden::orders"));
    assert!(closure.context_line.as_ref().unwrap().contains("let through = "));

    let exe = std::env::current_exe().unwrap();
    assert!(
        stacktrace.frames.iter().all(|frame| frame.image_addr.is_some() && frame.instruction_addr.is_some())
    );
    assert_eq!(inlined.package.as_deref(), exe.to_str());
}

#[test]
fn the_runtime_below_the_test_is_not_in_app_or_trimmed() {
    let stacktrace = NativeStackSource::new().resolve(&orders::place(), None).unwrap();
    for frame in &stacktrace.frames {
        let name = frame.function.as_deref().unwrap_or_default();
        let ours = frame.filename.as_deref() == Some("tests/golden.rs");
        assert_eq!(frame.in_app, Some(ours), "{frame:#?}");
        assert!(
            !name.contains("lang_start") && !name.contains("thread_start") && !name.contains("sentry_"),
            "{name}"
        );
    }
}

#[test]
fn a_deadline_in_the_past_loads_nothing_and_uses_what_is_cached() {
    // A function of its own: no other test resolves these addresses.
    #[inline(never)]
    fn fresh() -> RawStack {
        black_box(NativeStackSource::new().capture())
    }
    let source = NativeStackSource::new();
    let stack = fresh();
    let past = clock::instant();
    let bare = source.resolve(&stack, Some(past)).unwrap();
    let innermost = bare.frames.last().unwrap();
    assert_eq!((innermost.function.as_ref(), innermost.context_line.as_ref()), (None, None));
    assert!(innermost.instruction_addr.is_some());

    let full = source.resolve(&stack, Some(clock::instant() + Duration::from_secs(60))).unwrap();
    assert!(full.frames.last().unwrap().function.as_ref().unwrap().contains("fresh"));
    // Another test may have the lock of the cache, which is not waited for.
    let cached = (0..1_000).find_map(|_| {
        let cached = source.resolve(&stack, Some(past)).unwrap();
        let function = cached.frames.last().unwrap().function.clone();
        if function.is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        function
    });
    assert!(cached.unwrap().contains("fresh"));

    source.release();
    let again = source.resolve(&fresh(), None).unwrap();
    assert!(again.frames.last().unwrap().context_line.is_some());
}

#[test]
fn addresses_of_nothing_stay_bare() {
    let stack = RawStack { addresses: vec![1, usize::MAX, 0].into() };
    let stacktrace = NativeStackSource::new().resolve(&stack, None).unwrap();
    assert_eq!(stacktrace.frames.len(), 3);
    assert!(stacktrace.frames.iter().all(|frame| frame.function.is_none() && frame.in_app.is_none()));
    assert_eq!(NativeStackSource::new().resolve(&RawStack::default(), None), None);
}

#[test]
fn backtraces_of_the_crate_are_converted_resolved_or_not() {
    for backtrace in [backtrace::Backtrace::new(), backtrace::Backtrace::new_unresolved()] {
        let stacktrace = sentry_panic::backtrace::backtrace_to_stacktrace(&backtrace).unwrap();
        let wanted = "backtraces_of_the_crate_are_converted_resolved_or_not";
        let (_, frame) = named(&stacktrace, wanted);
        assert_eq!((frame.in_app, frame.filename.as_deref()), (Some(true), Some("tests/golden.rs")));
    }
}
