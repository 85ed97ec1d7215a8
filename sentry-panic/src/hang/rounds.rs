//! What the thread of the watchdog does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sentry_core::{Hub, clock};

use super::patience::{awake, tick};
use super::pulse::Sign;
use super::report::{self, Stacks};
use super::watched::Watched;
use crate::sync::{lock, lock_until};

/// Where the watchdog is told whom to watch, and when to stop.
pub(super) struct Desk {
    pub(super) timeout: Duration,
    hub: Arc<Hub>,
    is_closed: AtomicBool,
    new: Mutex<Vec<Watched>>,
}

/// A child that was forked at the wrong moment has a lock that nobody gives back.
const PATIENCE: Duration = Duration::from_millis(100);
/// How many may wait to be watched: a forked child has no thread that would take them.
const MAX_NEW: usize = 1_024;

impl Desk {
    pub(super) fn new(timeout: Duration, hub: Arc<Hub>) -> Self {
        let timeout = timeout.max(Duration::from_millis(20));
        Self { timeout, hub, is_closed: AtomicBool::new(false), new: Mutex::new(Vec::new()) }
    }

    /// Whether reports lead anywhere.
    pub(super) fn is_wanted(&self) -> bool {
        !self.is_closed.load(Ordering::Acquire) && self.hub.client().is_some_and(|client| client.is_enabled())
    }

    /// Tells whether it will be.
    pub(super) fn watch(&self, watched: Watched) -> bool {
        let new = lock_until(&self.new, Some(clock::instant() + PATIENCE));
        let Some(mut new) = new.filter(|new| new.len() < MAX_NEW) else { return false };
        new.push(watched);
        true
    }

    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }
}

/// Looks after everybody, until the desk is closed.
pub(super) fn walk(desk: &Desk, mut before: Instant) {
    let tick = tick(desk.timeout);
    let mut all: Vec<Watched> = Vec::new();
    let mut stacks = Stacks::default();
    while desk.is_wanted() {
        std::thread::park_timeout(tick);
        let now = clock::instant();
        let lap = awake(now.saturating_duration_since(before), tick);
        before = now;
        all.append(&mut std::mem::take(&mut *lock(&desk.new)));
        all.retain_mut(|watched| look_after(watched, lap, desk.timeout, &mut stacks));
    }
}

/// Tells whether it is still there.
fn look_after(watched: &mut Watched, lap: Duration, timeout: Duration, stacks: &mut Stacks) -> bool {
    let sign = watched.shared.pulse.take();
    if let Some(hang) = watched.patience.judge(sign, lap, timeout) {
        return report::send(watched, &hang, timeout, stacks);
    }
    if sign == Sign::Beat {
        watched.ask();
    }
    sign != Sign::Gone
}
