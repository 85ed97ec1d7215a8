//! The three handlers of `pthread_atfork`: before, after in the parent, after in the child.
//!
//! The one in the child writes atomics, releases locks, and allocates and frees a little: the C library has made its own
//! allocator usable by then. What it finds is always complete, as this thread took the locks before.
#![expect(unsafe_code, reason = "hooks are registered with the C library, and locks are held across a call")]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sentry_core::process::{self, Held, Owners};

use super::helper;
use crate::backtrace::symbolicator;
use crate::modules;

/// Notices every fork from now on.
pub(in crate::process) fn watch_forks() {
    // SAFETY: the three are functions of this module, and none unwinds. The C library forgets them when it unloads a shared
    // library that they are in.
    unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
}

thread_local! {
    /// What this thread holds while it forks.
    static HOLD: RefCell<Option<Hold>> = const { RefCell::new(None) };
}

unsafe extern "C" fn before() {
    guarded(|| {
        let _ = HOLD.try_with(|slot| *slot.borrow_mut() = Some(Hold::take()));
    });
}

unsafe extern "C" fn in_parent() {
    guarded(|| drop(taken()));
}

unsafe extern "C" fn in_child() {
    // Before anything is released: what the child finds then is the parent's.
    process::forked();
    guarded(|| {
        let mut hold = taken();
        if !hold.as_ref().is_some_and(|hold| hold.symbols) {
            symbolicator::abandon();
        }
        if let Some(hold) = &mut hold {
            hold.disown();
        }
    });
}

fn taken() -> Option<Hold> {
    HOLD.try_with(|slot| slot.borrow_mut().take()).ok().flatten()
}

/// A panic must not leave a function that C calls.
fn guarded(f: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(f));
}

/// Locks, and those who own them.
struct Hold {
    /// Dropped before the owners are. `None` only meanwhile.
    held: Option<Held<'static>>,
    owners: *mut Owners,
    /// The symbolicator was not in use, so the child can go on with it.
    symbols: bool,
}

impl Hold {
    fn take() -> Self {
        let owners = Box::into_raw(Box::new(Owners::now()));
        // SAFETY: the pointer comes from a box, which is freed by `drop` and by nobody else, after `held` is gone. Nothing
        // refers to the owners mutably until then.
        let mut held = unsafe { &*owners }.hold();
        modules::hold(&mut held);
        helper::hold(&mut held);
        let symbols = symbolicator::hold(&mut held);
        Self { held: Some(held), owners, symbols }
    }

    /// Releases the locks, and leaves to the parent what is the parent's.
    fn disown(&mut self) {
        self.held = None;
        // SAFETY: made by `Box::into_raw` in `take`, and freed by `drop` only. Nothing refers to it mutably.
        unsafe { &*self.owners }.disown();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.held = None;
        // SAFETY: made by `Box::into_raw` in `take`, and freed only here. What borrowed it has just been dropped.
        drop(unsafe { Box::from_raw(self.owners) });
    }
}
