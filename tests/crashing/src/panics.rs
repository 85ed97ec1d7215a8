//! Panics that end the process, or that something goes wrong with.

use std::fmt;
use std::hint::black_box;

use crate::announce::{Kind, announce, announce_in, kind};

/// What is known by a name.
pub(crate) fn find(name: &str) -> Option<Kind> {
    Some(match name {
        "panic" => kind!(panic),
        "double-panic" => kind!(double_panic),
        "nounwind-panic" => kind!(nounwind_panic),
        "caught-then-abort" => kind!(caught_then_abort),
        "panic-in-hook" => kind!(panic_in_hook),
        "panic-after-hook" => kind!(panic_after_hook),
        "panic-in-message" => kind!(panic_in_message),
        _ => return None,
    })
}

#[inline(never)]
fn panic() {
    announce(line!() + 1);
    panic!("expected by the test");
}

#[inline(never)]
fn double_panic() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("second, while unwinding");
        }
    }
    announce(line!() + 2);
    let _bomb = Bomb;
    panic!("first");
}

/// A panic that may not unwind, and whose message is not always the same.
#[inline(never)]
fn nounwind_panic() {
    announce_in(&fails_in_c, FAILS_IN_C);
    fails_in_c();
}

const FAILS_IN_C: u32 = line!() + 4;

#[inline(never)]
extern "C" fn fails_in_c() {
    panic!("in a function of C");
}

/// The abort has nothing to do with the panic.
#[inline(never)]
fn caught_then_abort() {
    let caught = std::panic::catch_unwind(|| panic!("caught"));
    black_box(caught.is_err());
    announce(line!() + 2);
    // SAFETY: ends the process.
    unsafe { libc::abort() };
}

/// A hook of the application's, in the place of ours, panics itself: std aborts, and nothing of ours has been asked.
#[inline(never)]
fn panic_in_hook() {
    std::panic::set_hook(Box::new(|_| fails()));
    announce_in(&fails, FAILS);
    panic!("expected by the test");
}

const FAILS: u32 = line!() + 4;

#[inline(never)]
fn fails() {
    panic!("in the hook");
}

/// The same, when ours has been asked before: the panic is reported, and the abort is its end.
#[inline(never)]
fn panic_after_hook() {
    let ours = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        ours(info);
        fails();
    }));
    announce(line!() + 1);
    panic!("expected by the test");
}

/// The message of the panic panics: std aborts before any hook is asked.
#[inline(never)]
fn panic_in_message() {
    announce_in(&<Message as fmt::Display>::fmt, IN_MESSAGE);
    panic!("{}", black_box(Message));
}

struct Message;

const IN_MESSAGE: u32 = line!() + 5;

impl fmt::Display for Message {
    #[inline(never)]
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("in the message");
    }
}
