//! What the SDK has to say about itself.
//!
//! ```text
//!                    ┌─► the hook, if one is set ◄─────────────┐
//! warn, warn_once ───┤                                          ├── debug, info: in debug mode, from its level on
//!                    └─► standard error, in debug mode only ◄───┘
//! ```
//!
//! A message with a `once` key is reported the first time only, so that a dead server is one line and not a million;
//! later ones are for debug mode. Without a hook and without debug mode nothing is printed (the terminal belongs to the
//! application) but an alarm: that the options have switched off what protects the connection. Messages never contain DSN keys or captured data. `Client::stats().last_error` has the last failure of
//! a transport, whoever listens; a [`Watcher`] sees every request.
//!
//! ```
//! use std::sync::Arc;
//! use sentry_core::{Level, diagnostics};
//!
//! // With `log`: `log::log!(target: "sentry", level, "{line}")`; with `tracing`: `tracing::warn!("{line}")`. Keep what
//! // these capture for Sentry away from this target, or the SDK reports itself.
//! diagnostics::set_hook(Some(Arc::new(|level, line| {
//!     if level >= Level::Warning {
//!         eprintln!("sentry: {line}");
//!     }
//! })));
//! # diagnostics::set_hook(None);
//! ```

mod exchange;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use crate::process::Held;
use crate::protocol::Level;
use crate::suppress;
use crate::sync::{lock, read, write};

pub(crate) use self::exchange::Post;
pub use self::exchange::{Answer, Exchange, Failure, FailureKind, Watcher};

/// Receives diagnostics: a level and a line of text.
pub type Hook = Arc<dyn Fn(Level, &str) + Send + Sync>;

static DEBUG: AtomicBool = AtomicBool::new(false);
/// The least level that debug mode is about.
static LEVEL: AtomicU8 = AtomicU8::new(Level::Debug as u8);
static HOOK: RwLock<Option<Hook>> = RwLock::new(None);
static SEEN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

thread_local! {
    static IN_HOOK: Cell<bool> = const { Cell::new(false) };
}

/// For a fork.
pub(crate) fn hold(held: &mut Held<'_>) {
    held.write(&HOOK);
    held.lock(&SEEN);
}

/// Sets who receives diagnostics; `None` removes the hook.
///
/// The hook runs on SDK threads as well and must not block. A panic in it is swallowed.
pub fn set_hook(hook: Option<Hook>) {
    let previous = std::mem::replace(&mut *write(&HOOK), hook);
    // Dropped outside the lock: its destructor is the user's and may come back here.
    drop(previous);
}

/// Switches the copy of every line to standard error.
pub fn set_debug(debug: bool) {
    DEBUG.store(debug, Ordering::Relaxed);
}

/// Sets from which level on lines are of interest in debug mode. From [`Level::Debug`] on, if nobody says otherwise.
pub fn set_level(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// Whether debug mode is on and is about lines of `level`.
fn shows(level: Level) -> bool {
    DEBUG.load(Ordering::Relaxed) && level as u8 >= LEVEL.load(Ordering::Relaxed)
}

/// Reports something that is worth knowing in debug mode only.
pub fn debug(message: impl FnOnce() -> String) {
    if shows(Level::Debug) {
        emit(Level::Debug, &message());
    }
}

/// Reports, in debug mode, what became of the SDK: it is on, or why it is not.
pub fn info(message: impl FnOnce() -> String) {
    if shows(Level::Info) {
        emit(Level::Info, &message());
    }
}

/// Reports the first failure of the kind `once`; later ones are for debug mode.
pub fn warn_once(once: &'static str, message: impl FnOnce() -> String) {
    if lock(&SEEN).insert(once) {
        emit(Level::Warning, &message());
    } else {
        debug(message);
    }
}

/// Reports a failure every time.
pub fn warn(message: impl FnOnce() -> String) {
    emit(Level::Warning, &message());
}

/// Reports something dangerous once: on standard error too if nobody else listens.
pub fn alarm_once(once: &'static str, message: impl FnOnce() -> String) {
    if lock(&SEEN).insert(once) {
        let is_heard = shows(Level::Warning) || read(&HOOK).is_some();
        let message = message();
        if !is_heard {
            print(Level::Warning, &Printable(&message).to_string());
        }
        emit(Level::Warning, &message);
    }
}

fn print(level: Level, line: &str) {
    // Nobody to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "[sentry] {level}: {line}");
}

fn emit(level: Level, message: &str) {
    let line = Printable(message).to_string();
    if shows(level) {
        print(level, &line);
    }
    let hook = read(&HOOK).clone();
    if let Some(hook) = hook {
        // What the hook itself gives rise to would come back to it for ever.
        let _ = IN_HOOK.try_with(|inside| {
            if !inside.replace(true) {
                let _ = suppress::guarded("diagnostics hook", || hook(level, &line));
                inside.set(false);
            }
        });
    }
}

/// Text of others, safe for a terminal and a log: control characters escaped, at most 500 characters.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars().take(500) {
            match c {
                c if c.is_control() => write!(f, "{}", c.escape_default())?,
                c => fmt::Write::write_char(f, c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_that_reports_is_not_called_for_that_and_may_be_replaced_by_its_destructor() {
        use std::sync::atomic::AtomicUsize;
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        struct Last;
        impl Drop for Last {
            fn drop(&mut self) {
                set_hook(None);
            }
        }
        let last = Last;
        set_hook(Some(Arc::new(move |_, line| {
            let _ = &last;
            if line == "from the test" {
                CALLS.fetch_add(1, Ordering::Relaxed);
                warn(|| "from the hook".to_owned());
                warn(|| "from the test".to_owned());
            }
        })));
        warn(|| "from the test".to_owned());
        set_hook(None);
        assert_eq!(CALLS.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(Printable("a\nb\u{1b}[0m").to_string(), "a\\nb\\u{1b}[0m");
        assert_eq!(Printable(&"x".repeat(9_000)).to_string().len(), 500);
    }
}
