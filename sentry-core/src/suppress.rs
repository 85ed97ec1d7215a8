//! Two guards against ourselves: our own threads must not report themselves, and users' callbacks must neither
//! recurse into us nor take the application down.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static SUPPRESSED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` with captures on this thread switched off: the SDK's own work must not report itself.
pub fn suppress<R>(f: impl FnOnce() -> R) -> R {
    let _restore = Restore(SUPPRESSED.try_with(|flag| flag.replace(true)).unwrap_or(true));
    f()
}

/// Whether captures on this thread are switched off.
#[inline]
#[must_use]
pub fn is_suppressed() -> bool {
    SUPPRESSED.try_with(Cell::get).unwrap_or(false)
}

/// A user's callback panicked.
#[derive(Clone, Copy, Debug)]
pub struct Panicked;

/// Runs a user's callback: a panic in it ends here, and a capture from within it is ignored instead of recursing.
pub fn guarded<R>(name: &'static str, callback: impl FnOnce() -> R) -> Result<R, Panicked> {
    suppress(|| caught(name, callback))
}

/// Runs a user's callback that may capture: a panic in it ends here.
pub fn caught<R>(name: &'static str, callback: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_unwind(AssertUnwindSafe(callback)).map_err(|payload| {
        // The destructor of a payload is the user's as well. What it panics with is leaked, or that might go on for ever.
        if let Err(again) = suppress(|| catch_unwind(AssertUnwindSafe(|| drop(payload)))) {
            let _ = ManuallyDrop::new(again);
        }
        if name != "diagnostics hook" {
            crate::diagnostics::warn_once(name, || {
                format!("{name} panicked; the item was dropped or left unchanged")
            });
        }
        Panicked
    })
}

struct Restore(bool);

impl Drop for Restore {
    fn drop(&mut self) {
        let _ = SUPPRESSED.try_with(|flag| flag.set(self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suppression_ends_with_its_closure_even_by_panic() {
        assert!(!is_suppressed());
        assert!(guarded("test", || assert!(is_suppressed())).is_ok());
        assert!(guarded("test", || panic!("expected by the test")).is_err());
        assert!(!is_suppressed());
    }

    #[test]
    fn a_payload_that_panics_without_end_ends_here() {
        struct Endless;
        impl Drop for Endless {
            fn drop(&mut self) {
                std::panic::panic_any(Self);
            }
        }
        assert!(guarded("test", || std::panic::panic_any(Endless)).is_err());
    }
}
