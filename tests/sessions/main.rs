//! Sessions of real processes: those that end well, those that panic, those that crash and those that vanish.
//!
//! A program of its own: most children are this program with a role. Children that must be built in another way are the
//! programs of the panic tests and of the crash tests.
#![expect(
    clippy::disallowed_methods,
    reason = "roles are handed to children through the environment, and real time is measured"
)]

mod child;
mod programs;
mod table;

/// What a child is.
const ROLE: &str = "SENTRY_TEST_ROLE";
/// How it is set up: words, with spaces between.
const SETUP: &str = "SENTRY_TEST_SETUP";

fn main() {
    if let Ok(role) = std::env::var(ROLE) {
        return child::play(&role);
    }
    table::check();
}
