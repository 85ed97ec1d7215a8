//! What the cache directory costs, and how fast it is emptied.
//!
//! ```text
//! spool panic     what a panic takes its thread: without us, with the official crate, with ours, with a cache directory
//! spool capture   what a capture takes its thread: the cache directory must add nothing
//! spool always    what an event of 20 KB takes the worker, by policy
//! spool drain     10,000 envelopes on disk: the start, the first request, the rate
//! ```
//!
//! Each figure is taken in a process of its own, `spool-client WHAT WAY DSN CACHE`. The cache directory is made below `TMPDIR`:
//! it should lie on the disk that is to be measured.

mod capture;
mod client;
mod drain;
mod panic;
mod place;
mod work;

pub use self::client::client;

/// `spool [WHAT]`.
pub fn measure(only: &[&str]) {
    let wanted = |what: &str| only.is_empty() || only.contains(&what);
    if wanted("panic") {
        panic::measure();
    }
    if wanted("capture") {
        capture::measure();
    }
    if wanted("always") {
        work::measure();
    }
    if wanted("drain") {
        drain::measure();
    }
}

/// How the client is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// No client at all.
    Nothing,
    Official,
    /// Ours, in memory.
    Memory,
    OnFailure,
    Always,
}

impl Way {
    const ALL: [Self; 5] = [Self::Nothing, Self::Official, Self::Memory, Self::OnFailure, Self::Always];

    const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Official => "official",
            Self::Memory => "ours",
            Self::OnFailure => "ours, on_failure",
            Self::Always => "ours, always",
        }
    }

    fn parse(name: &str) -> Self {
        Self::ALL.into_iter().find(|way| way.name() == name).expect("a way")
    }
}

fn verdict(is_within: bool) -> &'static str {
    if is_within { "ok" } else { "MISSED" }
}
