//! The stacks of the threads that compute, for a profiler.
//!
//! A thread is interrupted by a signal, waits while its stack is walked from here, and goes on. Nothing of it allocates or takes
//! a lock there. Only Linux on x86-64 and AArch64 has anything to show.

use std::fmt;
use std::fs::File;
use std::io::Read as _;

use sentry_core::RawStack;

use crate::native::{Stacks, Taken};

/// Takes the stacks of other threads of this process.
#[derive(Default)]
pub struct Sampler {
    stacks: Stacks,
}

impl Sampler {
    /// One that has looked at nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The return addresses of a thread, known by the system's number, innermost first. `None` if it is gone or cannot be
    /// interrupted.
    pub fn take(&mut self, thread: u32) -> Option<RawStack> {
        match self.stacks.take(thread)? {
            Taken::Stack(addresses) => Some(RawStack { addresses }),
            Taken::NoThread => None,
        }
    }
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler").finish_non_exhaustive()
    }
}

/// The system's numbers of the threads that compute at this moment, at most `most`. Those of this SDK are not among them.
#[must_use]
pub fn running(most: usize) -> Vec<u32> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let numbers = tasks.flatten().filter_map(|task| task.file_name().to_str()?.parse().ok());
    numbers.filter(|number| is_running(*number)).take(most).collect()
}

/// The system's number of the calling thread.
#[must_use]
pub fn current() -> Option<u32> {
    crate::thread::system_number().and_then(|number| u32::try_from(number).ok())
}

/// The name of a thread.
#[must_use]
pub fn name(thread: u32) -> Option<String> {
    let name = std::fs::read_to_string(format!("/proc/self/task/{thread}/comm")).ok()?;
    Some(name.trim_end().to_owned()).filter(|name| !name.is_empty())
}

fn is_running(thread: u32) -> bool {
    // Number, name and state stand at the beginning.
    let mut start = [0; 64];
    let file = File::open(format!("/proc/self/task/{thread}/stat"));
    let read = file.and_then(|mut file| file.read(&mut start)).unwrap_or(0);
    says_running(&start[..read])
}

/// A name may have parentheses, too; it is the last one that ends it.
fn says_running(stat: &[u8]) -> bool {
    let (Some(begin), Some(end)) =
        (stat.iter().position(|byte| *byte == b'('), stat.iter().rposition(|byte| *byte == b')'))
    else {
        return false;
    };
    let is_ours = stat.get(begin + 1..end).is_some_and(|name| name.starts_with(b"sentry-"));
    !is_ours && stat.get(end + 2) == Some(&b'R')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_sleep_and_our_own_are_left_alone() {
        assert!(says_running(b"42 (main) R 1 42 42"));
        assert!(says_running(b"42 (odd) S (name) R 1 42 42"));
        for other in ["42 (main) S 1", "42 (main) D 1", "42 (sentry-worker) R 1", "42 (main)", "42 ", ""] {
            assert!(!says_running(other.as_bytes()), "{other}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn whoever_asks_runs_and_has_a_name() {
        let number = current().unwrap();
        assert!(running(usize::MAX).contains(&number));
        assert!(name(number).is_some());
        assert!(running(0).is_empty());
    }
}
