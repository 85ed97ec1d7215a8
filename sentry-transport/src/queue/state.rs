//! What is behind the lock that the capturing threads and the worker share.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use sentry_core::protocol::Envelope;
use sentry_core::{Outbound, clock};

use super::attic::Room;
use super::epochs::Epochs;
use super::lanes::Lanes;
use super::wake::Bell;
use crate::rate_limit::Limits;
use crate::sender::Deadline;
use crate::store::EntryId;

/// What finishing and writing one item may cost; far less in a release build.
const WRITE_COST: Duration = Duration::from_millis(1);

/// How long the end of a process may take at most for what earlier ones have left. Programs that run for moments only would
/// otherwise leave more than they send.
pub(super) const DRAIN: Duration = Duration::from_millis(500);

/// How long to wait before trying again to start a worker that could not be started.
const RESTART: Duration = Duration::from_secs(5);

pub(super) struct State {
    pub(super) lanes: Lanes<Accepted>,
    pub(super) epochs: Epochs,
    /// Client reports to be sent when everything before them is answered, by epoch.
    pub(super) reports: VecDeque<u64>,
    pub(super) limits: Limits,
    /// Whether a limit may be in force: spares the clock where none is.
    pub(super) limited: bool,
    pub(super) worker: Status,
    pub(super) closing: Option<Closing>,
    pub(super) bell: Bell,
    /// Counts flushes, closes and what else the worker has to know of, so that the worker sees one that came before it armed the bell.
    pub(super) control: u64,
    /// How much of that the worker had seen when it last found that nothing may leave, and had put away what it can.
    pub(super) settled: u64,
    /// Counts items, likewise.
    pub(super) accepted: u64,
    /// Items that nothing has become of yet.
    pub(super) unanswered: u64,
    /// Somebody has begun to wait: knock at a closed gate.
    pub(super) hurry: bool,
    /// How many wait for a flush.
    pub(super) waiting: usize,
    /// The last request got no answer.
    pub(super) failing: bool,
    /// Something was given up at the end.
    pub(super) abandoned: bool,
    /// Something did not fit since this was looked at last.
    pub(super) overflowed: bool,
    /// What a later process is to tell should this one vanish, as long as the store does not have it.
    pub(super) last_words: Option<Box<Envelope>>,
    /// Until then somebody waits for the crashes of earlier processes to be sent.
    pub(super) crashes_first: Option<Instant>,
    /// When records that wait in the client have to be taken.
    pub(super) gather_at: Option<Instant>,
}

/// An item in its lane.
pub(super) struct Accepted {
    pub(super) outbound: Outbound,
    pub(super) epoch: u64,
    /// It was put into the store when it was captured.
    pub(super) kept: Option<EntryId>,
    /// What its attachments take in memory.
    pub(super) room: Option<Room>,
}

/// Where the worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Not started: nothing was sent yet.
    None,
    /// Running.
    Running,
    /// Could not be started, or died; may be tried again at this time.
    Failed(Instant),
    /// Gone for good.
    Stopped,
}

/// The end, as a close has ordered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closing {
    /// Nothing is under way after this.
    pub(super) deadline: Instant,
    /// Nothing but the last client report is started after this.
    pub(super) last_start: Instant,
    /// Until then what earlier processes have left is sent, if nothing else is to be done.
    pub(super) drains_until: Instant,
}

impl Closing {
    /// `to_write`: how many items would have to be written to the store if none could be sent any more.
    pub(super) fn new(now: Instant, timeout: Duration, to_write: usize) -> Self {
        let deadline = Deadline::after(now, timeout).instant();
        let for_report = (timeout / 4).min(Duration::from_millis(250));
        let for_writing = WRITE_COST.saturating_mul(u32::try_from(to_write).unwrap_or(u32::MAX));
        let reserve = for_report.max(for_writing).min(timeout / 4 * 3);
        let drains = (timeout / 4).min(DRAIN);
        let drains_until = Deadline::after(now, drains).instant();
        Self { deadline, last_start: deadline.checked_sub(reserve).unwrap_or(deadline), drains_until }
    }
}

impl State {
    /// Whether a worker has to be started now; whoever is told so must start it.
    pub(super) fn wants_worker(&mut self) -> bool {
        let wanted = match self.worker {
            Status::None => true,
            Status::Failed(again) => clock::instant() >= again,
            Status::Running | Status::Stopped => false,
        };
        if wanted {
            self.worker = Status::Running;
        }
        wanted
    }

    /// Whether anything is in the lanes or a report is asked for.
    pub(super) fn has_work(&self) -> bool {
        !self.lanes.is_empty() || !self.reports.is_empty()
    }

    pub(super) fn failed(&mut self) {
        self.worker = Status::Failed(clock::instant() + RESTART);
    }
}
