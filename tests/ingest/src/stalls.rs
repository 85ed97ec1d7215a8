//! How long the machine kept this process waiting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::clock;

const TICK: Duration = Duration::from_millis(2);

/// A sleep ends a little late on a quiet machine, too.
const USUAL: Duration = Duration::from_millis(1);

/// Watches how much later than it should a thread of this process gets to run.
///
/// For limits in wall-clock time: what has to end within a limit may take the limit and the stalls meanwhile. On a quiet
/// machine there are none, and the limit holds as it is.
///
/// ```
/// use std::time::Duration;
///
/// let stalls = ingest::Stalls::watch();
/// std::thread::sleep(Duration::from_millis(20));
/// assert!(stalls.total() < Duration::from_secs(20));
/// ```
#[derive(Debug)]
pub struct Stalls {
    state: Arc<State>,
    watcher: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    micros: AtomicU64,
    is_over: AtomicBool,
}

impl Stalls {
    /// Begins to watch; ends when it is dropped.
    #[must_use]
    pub fn watch() -> Self {
        let state = Arc::<State>::default();
        let theirs = Arc::clone(&state);
        let body = move || {
            while !theirs.is_over.load(Ordering::Relaxed) {
                let start = clock::now();
                thread::sleep(TICK);
                let late = start.elapsed().saturating_sub(TICK);
                if late > USUAL {
                    let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
                    theirs.micros.fetch_add(micros, Ordering::Relaxed);
                }
            }
        };
        Self { state, watcher: thread::Builder::new().name("stalls".into()).spawn(body).ok() }
    }

    /// All of it since the beginning.
    #[must_use]
    pub fn total(&self) -> Duration {
        // A stall is known once it is over, for this thread perhaps before it is for the other.
        thread::sleep(TICK * 2);
        Duration::from_micros(self.state.micros.load(Ordering::Relaxed))
    }
}

impl Drop for Stalls {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
        if let Some(watcher) = self.watcher.take() {
            _ = watcher.join();
        }
    }
}
