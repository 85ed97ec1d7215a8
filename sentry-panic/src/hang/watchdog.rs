//! Starts and ends the thread that watches.

use std::fmt;
use std::sync::Arc;
use std::thread::{Builder, Thread};
use std::time::Duration;

use sentry_core::{Hub, clock, diagnostics};

use super::heartbeat::Heartbeat;
use super::ping::{Ping, Post};
use super::rounds::{self, Desk};
use super::watched::Watched;

/// Reports who has not answered for `timeout`, until it is dropped or the client is closed.
///
/// ```
/// use std::time::Duration;
/// use sentry_panic::hang::Watchdog;
///
/// let watchdog = Watchdog::start(Duration::from_secs(5));
/// let heartbeat = watchdog.thread();
/// for job in ["first", "second"] {
///     heartbeat.beat();
///     println!("{job}");
/// }
/// ```
#[must_use = "dropped, it watches nobody"]
pub struct Watchdog {
    desk: Arc<Desk>,
    thread: Option<Thread>,
}

impl Watchdog {
    /// Starts one for the client in force, with a thread of its own; without a client that is on it does nothing.
    ///
    /// A hang is noticed between one and one and a half timeouts after the last answer, and not below 20 ms.
    pub fn start(timeout: Duration) -> Self {
        let desk = Arc::new(Desk::new(timeout, Hub::current()));
        let thread = desk.is_wanted().then(|| spawn(&desk)).flatten();
        Self { desk, thread }
    }

    /// Watches the calling thread: it has to [beat](Heartbeat::beat) from now on, unless it is [idle](Heartbeat::idle).
    ///
    /// An event loop beats when it gets something to do, and is idle while it waits for it:
    ///
    /// ```
    /// # let watchdog = sentry_panic::hang::Watchdog::start(std::time::Duration::from_secs(5));
    /// # let (sender, receiver) = std::sync::mpsc::channel();
    /// # sender.send("job").unwrap();
    /// # drop(sender);
    /// let heartbeat = watchdog.thread();
    /// heartbeat.idle();
    /// while let Ok(job) = receiver.recv() {
    ///     heartbeat.beat();
    ///     println!("{job}");
    ///     heartbeat.idle();
    /// }
    /// ```
    pub fn thread(&self) -> Heartbeat {
        let watched = Watched::new(None, None);
        watched.shared.sit_down();
        let heartbeat = Heartbeat::new(Arc::clone(&watched.shared));
        self.watch(watched);
        heartbeat
    }

    /// Watches a runtime or an event loop by handing it a [`Ping`] now and then, which it is to run. At most one is under way.
    ///
    /// `post` must return at once. For tokio, whose runtime has to be running for good:
    ///
    /// ```no_run
    /// # let watchdog = sentry_panic::hang::Watchdog::start(std::time::Duration::from_secs(5));
    /// let handle = tokio::runtime::Handle::current();
    /// watchdog.runtime("tokio", move |ping| _ = handle.spawn(ping));
    /// ```
    ///
    /// An event loop gets it as a message and calls [`Ping::answer`].
    pub fn runtime<F>(&self, name: &str, post: F)
    where
        F: Fn(Ping) + Send + 'static,
    {
        self.watch(Watched::new(Some(name), Some(Post::new(post))));
    }

    fn watch(&self, watched: Watched) {
        if self.thread.is_some() && !self.desk.watch(watched) {
            diagnostics::warn_once("hang", || "the watchdog is busy and watches nobody else".to_owned());
        }
    }
}

fn spawn(desk: &Arc<Desk>) -> Option<Thread> {
    let own = Arc::clone(desk);
    let begun = clock::instant();
    match Builder::new().name("sentry-hang".into()).spawn(move || rounds::walk(&own, begun)) {
        Ok(thread) => Some(thread.thread().clone()),
        Err(error) => {
            diagnostics::warn_once("hang", || format!("hangs are not reported: {error}"));
            None
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.desk.close();
        self.thread.iter().for_each(Thread::unpark);
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").field("timeout", &self.desk.timeout).finish_non_exhaustive()
    }
}
