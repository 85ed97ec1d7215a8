//! What a crash tells the parent ahead, on standard output: what the event has to say.

use std::io::Write as _;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::allocator;

/// Nobody gets memory any more after what is announced.
pub(crate) static IS_LAST: AtomicBool = AtomicBool::new(false);

/// A way to crash, and its name in a stack trace.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) run: fn(),
    pub(crate) function: &'static str,
}

impl Kind {
    /// Tells whose crash it will be.
    pub(crate) fn announce(self) {
        tell(&[("function", self.function), ("address", &format!("{:#x}", self.run as usize))]);
    }
}

/// A `Kind` of a function.
macro_rules! kind {
    ($function:expr) => {
        crate::announce::Kind { run: $function, function: std::any::type_name_of_val(&$function) }
    };
}
pub(crate) use kind;

/// It will happen in this line of the file that calls this; 0: in none that could be told.
#[track_caller]
pub(crate) fn announce(line: u32) {
    tell(&[("file", Location::caller().file()), ("line", &line.to_string())]);
    allocator::HELD.store(IS_LAST.load(Ordering::SeqCst), Ordering::SeqCst);
}

/// It will happen in a line of another function.
#[track_caller]
pub(crate) fn announce_in<F>(function: &F, line: u32) {
    tell(&[("function", std::any::type_name_of_val(function))]);
    announce(line);
}

/// It will happen in another function, before this line.
#[track_caller]
pub(crate) fn announce_within<F>(function: &F, first: u32, last: u32) {
    tell(&[("last", &last.to_string())]);
    announce_in(function, first);
}

/// The function it will happen in is inlined into one that calls it in this line.
pub(crate) fn announce_caller(function: &str, line: u32) {
    tell(&[("caller", function), ("caller-line", &line.to_string())]);
}

fn tell(pairs: &[(&str, &str)]) {
    let mut output = std::io::stdout();
    for (name, value) in pairs {
        let _ = writeln!(output, "{name}={value}");
    }
    let _ = output.flush();
}
