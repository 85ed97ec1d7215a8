//! The state that the test, the accept thread and the connection threads share.

use std::{
    collections::{HashMap, VecDeque},
    net::{Shutdown, TcpStream},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{clock, log::Log, reply::Reply};

/// What a [`super::Builder`] collects.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) script: VecDeque<Reply>,
    pub(super) mix: Vec<(f64, Reply)>,
    pub(super) otherwise: Reply,
    pub(super) latency: Duration,
    pub(super) patience: Duration,
}

/// One lock, and two reasons to wait for it.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// The log or the number of open connections changed.
    changed: Condvar,
    /// The server is stopping. Apart from `changed`, so that a request does not wake every delayed answer.
    stopping: Condvar,
    pub(super) dsn: String,
    pub(super) patience: Duration,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) log: Log,
    pub(super) script: VecDeque<Reply>,
    pub(super) mix: Vec<(f64, Reply)>,
    pub(super) otherwise: Reply,
    pub(super) latency: Duration,
    pub(super) allows_problems: bool,
    dice: Dice,
    is_stopping: bool,
    open: HashMap<usize, TcpStream>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            script: VecDeque::new(),
            mix: Vec::new(),
            otherwise: Reply::ok(),
            latency: Duration::ZERO,
            patience: Duration::from_secs(60),
        }
    }
}

impl Shared {
    pub(super) fn new(setup: Setup, dsn: String) -> Self {
        let Setup { script, mix, otherwise, latency, patience } = setup;
        let state = State {
            log: Log::default(),
            script,
            mix,
            otherwise,
            latency,
            allows_problems: false,
            dice: Dice(0x9e37_79b9_7f4a_7c15),
            is_stopping: false,
            open: HashMap::new(),
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), stopping: Condvar::new(), dsn, patience }
    }

    /// Reads or writes the state without telling those who wait for it.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the log and tells those who wait for it.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut Log) -> T) -> T {
        let result = change(&mut self.lock().log);
        self.changed.notify_all();
        result
    }

    /// The next line of the script with the latency added to its delay.
    pub(super) fn next_reply(&self) -> Reply {
        let mut state = self.lock();
        let mut reply = state.script.pop_front().unwrap_or_else(|| state.next_of_the_mix());
        reply.delay += state.latency;
        state.log.start_attempt();
        drop(state);
        self.changed.notify_all();
        reply
    }

    /// Waits until `predicate` holds, at most for `timeout`; says whether it came to hold.
    pub(super) fn wait_for(&self, timeout: Duration, mut predicate: impl FnMut(&Log) -> bool) -> bool {
        self.wait_until(Deadline::after(timeout), |state| predicate(&state.log))
    }

    /// Sleeps; `false` when the server is stopping and the sleeper should give up.
    pub(super) fn pause(&self, duration: Duration) -> bool {
        let mut state = self.lock();
        let deadline = Deadline::after(duration);
        loop {
            if state.is_stopping {
                return false;
            }
            let Some(left) = deadline.left() else { return true };
            state = self.stopping.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.lock().is_stopping
    }

    /// Remembers a connection so that `stop` can end it; `None` when the server is stopping or has too many.
    pub(super) fn register(&self, stream: TcpStream) -> Option<usize> {
        let mut state = self.lock();
        if state.is_stopping {
            return None;
        }
        let id = state.log.open_connection();
        if state.open.len() >= CONNECTION_LIMIT {
            state.log.complain(format!("more than {CONNECTION_LIMIT} connections are open at once"));
            return None;
        }
        state.open.insert(id, stream);
        drop(state);
        self.changed.notify_all();
        Some(id)
    }

    /// Forgets a connection whose thread is done with it.
    pub(super) fn unregister(&self, id: usize) {
        self.lock().open.remove(&id);
        self.changed.notify_all();
    }

    /// Wakes every thread of the server and ends every connection.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.is_stopping = true;
        for stream in state.open.values() {
            // A connection that the peer has already ended cannot be shut down again.
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(state);
        self.stopping.notify_all();
    }

    /// Undoes `stop`, for a server that listens again.
    pub(super) fn go_on(&self) {
        self.lock().is_stopping = false;
    }

    /// Waits until the connection threads are gone; they have nothing left to wait for after `stop`.
    pub(super) fn wait_until_closed(&self, timeout: Duration) {
        self.wait_until(Deadline::after(timeout), |state| state.open.is_empty());
    }

    fn wait_until(&self, deadline: Deadline, mut holds: impl FnMut(&State) -> bool) -> bool {
        let mut state = self.lock();
        loop {
            if holds(&state) {
                return true;
            }
            let Some(left) = deadline.left() else { return false };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl State {
    /// One of the mix, each as often as its share says, or what is done otherwise.
    fn next_of_the_mix(&mut self) -> Reply {
        let mut thrown = self.dice.throw();
        for (share, reply) in &self.mix {
            thrown -= share;
            if thrown < 0.0 {
                return reply.clone();
            }
        }
        self.otherwise.clone()
    }
}

/// Chance that repeats from run to run: xorshift, which only has to look random.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    /// At least 0, below 1.
    fn throw(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A moment in the future; a year when the duration does not fit the clock.
#[derive(Clone, Copy)]
struct Deadline(Instant);

impl Deadline {
    fn after(duration: Duration) -> Self {
        const YEAR: Duration = Duration::from_secs(365 * 86_400);
        Self(clock::now() + duration.min(YEAR))
    }

    fn left(self) -> Option<Duration> {
        Some(self.0.saturating_duration_since(clock::now())).filter(|left| !left.is_zero())
    }
}

const CONNECTION_LIMIT: usize = 1024;
