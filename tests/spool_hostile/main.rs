//! Cache directories that somebody has prepared, that cannot be written, or that are full: the start takes no longer, what is
//! captured is delivered, and nothing outside the directory is touched.
//!
//! A program of its own: the children are this program with a role. Some of it needs root and is left out without.
#![cfg_attr(not(unix), allow(unused, reason = "links, pipes and owners as Unix has them"))]
#![expect(clippy::disallowed_methods, reason = "real time is measured")]

#[cfg(unix)]
#[path = "../common/cache.rs"]
mod cache;
#[cfg(unix)]
mod child;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod tests;
#[cfg(unix)]
mod traps;

#[cfg(unix)]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["start", ref rest @ ..] => child::start(rest),
        ["leave", ref rest @ ..] => child::leave(rest),
        // What the harness would understand is not for us, but for the name of a test.
        _ => tests::run(arguments.last().copied().unwrap_or("")),
    }
}

#[cfg(not(unix))]
fn main() {}

fn now() -> std::time::Instant {
    std::time::Instant::now()
}
