//! What the SDK has to say about itself.
//!
//! Messages go to the hook, if one is set, and to standard error only in debug mode. A message with a `once` key is
//! reported the first time only, so that a dead server is one line and not a million. Messages never contain DSN keys
//! or captured data.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use crate::protocol::Level;
use crate::suppress;
use crate::sync::{lock, read, write};

/// Receives diagnostics: a level and a line of text.
pub type Hook = Arc<dyn Fn(Level, &str) + Send + Sync>;

static DEBUG: AtomicBool = AtomicBool::new(false);
static HOOK: RwLock<Option<Hook>> = RwLock::new(None);
static SEEN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// Sets who receives diagnostics; `None` removes the hook.
///
/// The hook runs on SDK threads as well and must not block. A panic in it is swallowed.
pub fn set_hook(hook: Option<Hook>) {
    *write(&HOOK) = hook;
}

/// Switches the copy of every line to standard error.
pub fn set_debug(debug: bool) {
    DEBUG.store(debug, Ordering::Relaxed);
}

/// Reports something that is worth knowing in debug mode only.
pub fn debug(message: impl FnOnce() -> String) {
    if DEBUG.load(Ordering::Relaxed) {
        emit(Level::Debug, &message());
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

fn emit(level: Level, message: &str) {
    let line = Printable(message).to_string();
    if DEBUG.load(Ordering::Relaxed) {
        // Nobody to tell when standard error is closed.
        let _ = writeln!(std::io::stderr(), "[sentry] {level}: {line}");
    }
    let hook = read(&HOOK).clone();
    if let Some(hook) = hook {
        let _ = suppress::guarded("diagnostics hook", || hook(level, &line));
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
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(Printable("a\nb\u{1b}[0m").to_string(), "a\\nb\\u{1b}[0m");
        assert_eq!(Printable(&"x".repeat(9_000)).to_string().len(), 500);
    }
}
