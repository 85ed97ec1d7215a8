//! How long guards live. One that dies at once takes everything with it, and nobody notices.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sentry_core::{Client, Hub, clock, diagnostics, process};

use super::report::Row;

/// A guard that lives no longer than this was not kept.
const AT_ONCE: Duration = Duration::from_millis(10);

const FIX: &str =
    "bind the guard to a name in main, `let _guard = sentry::init(..)`: `let _ = ..` drops it at once";

/// From `init` to the drop of its guard.
#[derive(Debug)]
pub(crate) struct Lifetime {
    since: Instant,
}

/// What is known of the guards of this process.
#[derive(Clone, Copy, Debug, Default)]
struct Book {
    alive: u32,
    last: Option<End>,
}

/// How a guard ended.
#[derive(Clone, Copy, Debug)]
struct End {
    lived: Duration,
    at_once: bool,
}

/// Locked where no fork interrupts: a child has guards too.
static BOOK: Mutex<Book> = Mutex::new(Book { alive: 0, last: None });

impl Lifetime {
    /// A guard was made.
    pub(crate) fn begins() -> Self {
        process::without_fork(|| book().alive += 1);
        Self { since: clock::instant() }
    }

    /// The guard of `client` is being dropped. Says so, once, when that is hardly intended.
    pub(crate) fn ends(&self, client: &Client) {
        let lived = clock::instant().saturating_duration_since(self.since);
        let at_once = lived < AT_ONCE && client.is_enabled() && is_unused(client);
        process::without_fork(|| {
            let mut book = book();
            book.alive = book.alive.saturating_sub(1);
            book.last = Some(End { lived, at_once });
        });
        if at_once {
            diagnostics::warn_once("guard", || {
                format!("the guard was dropped {lived:?} after init, and everything is off since: {FIX}")
            });
        }
    }
}

/// The row about the guard of `client`, the one in force.
pub(super) fn of(client: Option<&Client>) -> Vec<Row> {
    let book = process::without_fork(|| *book());
    let is_open = client.is_some_and(|client| client.is_enabled() || client.dsn().is_none());
    vec![describe(client.is_some(), is_open, book)]
}

fn describe(is_bound: bool, is_open: bool, book: Book) -> Row {
    match book.last {
        _ if !is_bound => Row::warn(
            "guard",
            "no client is in force here; what follows is about the environment",
            "call `sentry::init` at the start of main and keep its guard",
        ),
        _ if is_open => Row::ok("guard", "alive"),
        Some(end) if end.at_once => {
            Row::fail("guard", format!("dropped {:?} after init: everything is off", end.lived), FIX)
        }
        Some(end) if book.alive == 0 => Row::warn(
            "guard",
            format!("dropped {:.1?} after init: everything is off since", end.lived),
            "keep the guard until the end of main",
        ),
        _ => Row::warn(
            "guard",
            "the client in force is closed",
            "do not call `close` before the end of the program",
        ),
    }
}

fn is_unused(client: &Client) -> bool {
    let stats = client.stats();
    stats.accepted == 0 && stats.losses.is_empty() && Hub::current().last_event_id().is_none()
}

fn book() -> MutexGuard<'static, Book> {
    BOOK.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::report::Status;
    use super::*;

    #[test]
    fn every_fate_of_a_guard_has_its_row() {
        let end = |ms, at_once| Some(End { lived: Duration::from_millis(ms), at_once });
        let table = [
            (false, false, Book::default(), Status::Warn, "no client"),
            (true, true, Book { alive: 1, last: None }, Status::Ok, "alive"),
            (true, true, Book { alive: 1, last: end(1, true) }, Status::Ok, "alive"),
            (true, false, Book { alive: 0, last: end(1, true) }, Status::Fail, "dropped 1ms"),
            (true, false, Book { alive: 0, last: end(90_000, false) }, Status::Warn, "dropped 90.0s"),
            (true, false, Book { alive: 1, last: None }, Status::Warn, "closed"),
        ];
        for (is_bound, is_open, book, status, detail) in table {
            let row = describe(is_bound, is_open, book);
            assert!(row.status == status && row.detail.contains(detail), "{row:?} for {book:?}");
        }
    }
}
