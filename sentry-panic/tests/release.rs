//! Symbols are given back: memory returns to what it was. One test, because it measures its whole process.
#![cfg(target_os = "linux")]

use std::hint::black_box;

use sentry_core::{RawStack, StackSource};
use sentry_panic::NativeStackSource;

#[inline(never)]
fn deep(source: &NativeStackSource, levels: usize) -> RawStack {
    if levels == 0 { source.capture() } else { black_box(deep(source, levels - 1)) }
}

/// What the process holds in memory, in KiB.
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the line");
    line.split_ascii_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn released_symbols_leave_no_memory_behind() {
    let source = NativeStackSource::new();
    let stack = deep(&source, 20);
    let before = resident();
    assert!(source.resolve(&stack, None).is_some());
    let loaded = resident();
    source.release();
    let after = resident();
    let again = source.resolve(&stack, None).expect("the names stay");
    assert!(
        again.frames.iter().any(|frame| frame.function.as_ref().is_some_and(|name| name.contains("deep")))
    );
    println!("resident: {before} KiB before, {loaded} KiB with symbols, {after} KiB after their release");
    assert!(loaded > before, "nothing was loaded");
    assert!(after - before < 5 * 1024, "{} KiB stay", after - before);
}
