//! How much memory is free, and how much the program uses.

use std::fs::read_to_string;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use sentry_core::protocol::Context;

use crate::contexts::device::parse_meminfo;

/// For so many milliseconds what was read is good enough.
const FRESH: u64 = 1_000;

/// What was read last, and when. Atomic and no lock: a panic hook may ask, and so may a forked child. Several that find it
/// too old at once all read: nobody goes without. Whoever asks meanwhile may get one number of the last time and one of this.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// In milliseconds since 1970.
    read_at: AtomicU64,
    /// In bytes, and 0 where it is not known.
    free: AtomicU64,
    used: AtomicU64,
}

impl Memory {
    /// A copy of `context`, with what is known.
    pub(super) fn add_to(&self, context: &Context) -> Context {
        let mut context = context.clone();
        match &mut context {
            Context::Device(device) => {
                self.refresh();
                device.free_memory = known(&self.free);
            }
            Context::App(app) => {
                self.refresh();
                if let Some(used) = known(&self.used) {
                    app.other.insert("app_memory".to_owned(), used.into());
                }
            }
            _ => {}
        }
        context
    }

    /// A thread that panics makes do with what there is: it has no time to read files.
    fn refresh(&self) {
        let since = sentry_core::clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let read_at = self.read_at.load(Ordering::Acquire);
        // Below it the clock was set back.
        let is_fresh = (read_at..read_at.saturating_add(FRESH)).contains(&now);
        if is_fresh || std::thread::panicking() {
            return;
        }
        let free = read_to_string("/proc/meminfo").ok().and_then(|text| parse_meminfo(&text, "MemAvailable"));
        let used = read_to_string("/proc/self/status").ok().and_then(|text| parse_meminfo(&text, "VmRSS"));
        self.free.store(free.unwrap_or(0), Ordering::Relaxed);
        self.used.store(used.unwrap_or(0), Ordering::Relaxed);
        // Last: what is called fresh is there.
        self.read_at.store(now, Ordering::Release);
    }
}

fn known(number: &AtomicU64) -> Option<u64> {
    Some(number.load(Ordering::Relaxed)).filter(|number| *number > 0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use sentry_core::protocol::{AppContext, DeviceContext};

    use super::*;

    #[test]
    fn whoever_asks_while_somebody_reads_gets_numbers_too() {
        for _ in 0..200 {
            let (memory, start) = (Memory::default(), Barrier::new(4));
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        start.wait();
                        let Context::App(app) = memory.add_to(&AppContext::default().into()) else {
                            panic!()
                        };
                        assert!(app.other["app_memory"].as_u64() > Some(0));
                        let Context::Device(device) = memory.add_to(&DeviceContext::default().into()) else {
                            panic!()
                        };
                        assert!(device.free_memory > Some(0));
                    });
                }
            });
        }
    }
}
