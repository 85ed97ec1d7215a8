//! Return addresses by rules that were learned before.
//!
//! The unwinder of the C runtime looks the table of each frame up and interprets it, each time: about 100 ns a frame. What it
//! finds out is the same every time for the same return address, and nearly always as simple as "the caller's stack begins
//! 48 bytes higher". Here that is remembered:
//!
//! ```text
//! capturing thread                                     worker, while it looks names up
//! ────────────────                                     ───────────────────────────────
//! walk ─ all rules known? ── yes ─► addresses
//!      └ no ─► the C runtime's unwinder
//!            └ missed(address) ──────────────────────► learn: unwind table → rule
//! ```
//!
//! The capturing thread takes no lock, allocates nothing and interprets no table. A rule is only applied while the module it
//! was learned from is still where it was, and only the thread's own stack is read, so that even a wrong rule could do no
//! more harm than a wrong address in a stack trace.

#[cfg_attr(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"), path = "x86_64/mod.rs")]
#[cfg_attr(
    not(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64")),
    path = "unsupported.rs"
)]
mod platform;

pub(crate) use self::platform::{forget, learn, missed, walk};
