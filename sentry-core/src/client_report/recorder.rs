use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32};

use super::alarm::{Alarm, OnPending};
use super::health::Health;
use super::left_out::LeftOut;
use super::on_drop::{Dropped, Listener, OnDrop};
use super::protocol::{self, Category, Item, LossSource, Report};
use super::stats::{Counters, Stats};
use super::table::Table;
use crate::diagnostics::{Post, Watcher};
use crate::hub::forget_plain;
use crate::process::{self, Held};

/// Counts what one client delivers and loses. Clones count together; counting takes no lock.
///
/// Whoever loses something calls one of the `record` methods. The `count` methods are for transports: an item is
/// accepted once, and then delivered, limited, dropped or spooled once.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Set after a loss was added to `pending`, cleared before it is read: a report is never missed.
    dirty: AtomicBool,
    /// No reports are wanted. Inverted, so that the default is to report.
    muted: AtomicBool,
    /// Since the last report.
    pending: Table,
    /// Since the client was made.
    totals: Table,
    /// Counted apart. Becomes pending with the next report.
    left_out: LeftOut,
    counters: Counters,
    health: Health,
    listener: Listener,
    alarm: Alarm,
    watcher: Post,
    /// The process that what is pending belongs to, if that is a child. Set when a child is told apart from its parent.
    generation: AtomicU32,
}

/// Entries of one report: at 90 bytes each they stay below the server's limit of 4 KiB for the item.
const MAX_ITEMS: usize = 40;

impl Recorder {
    /// For a fork.
    pub(crate) fn hold<'a>(&'a self, held: &mut Held<'a>) {
        self.inner.counters.hold(held);
        self.inner.listener.hold(held);
        self.inner.alarm.hold(held);
    }

    /// Counts everything in `lost`, for `reason` where it has no reason of its own.
    pub fn record_lost_data<L: LossSource + ?Sized>(&self, lost: &L, reason: Reason) {
        self.record_loss(lost, reason.into());
    }

    /// As [`record_lost_data`](Self::record_lost_data), with any reason of the protocol.
    pub fn record_loss<L: LossSource + ?Sized>(&self, lost: &L, reason: protocol::Reason) {
        for loss in lost.losses() {
            self.add(loss.reason.unwrap_or(reason), loss.category, loss.quantity, !loss.is_recorded());
        }
    }

    /// Counts `quantity` losses of one category.
    pub fn record(&self, reason: protocol::Reason, category: Category, quantity: u64) {
        self.add(reason, category, quantity, true);
    }

    /// Whether somebody wants to be told of each loss.
    #[inline]
    pub(crate) fn listens(&self) -> bool {
        self.inner.listener.is_set()
    }

    /// Counts a root span that was left out at the rate, and tells nobody: only where nobody [`listens`](Self::listens). Where
    /// it returns `true`, the caller has to [`ring`](Self::ring) as soon as it holds no lock.
    #[inline]
    pub(crate) fn leave_out_root(&self, streams: bool) -> bool {
        let inner = &*self.inner;
        inner.left_out.add(streams);
        // Looked at after it was added, as `take` looks for what was added after it has cleared this: one sees the other.
        !inner.dirty.load(SeqCst) && inner.soil()
    }

    /// Tells the transport that there is something to report.
    pub(crate) fn ring(&self) {
        self.inner.alarm.ring();
    }

    /// Whether losses are kept for a report. They are counted in [`totals`](Self::totals) either way.
    pub fn set_enabled(&self, enabled: bool) {
        self.inner.settle();
        self.inner.muted.store(!enabled, Relaxed);
    }

    /// What was lost since the last call, as a report for the server; `None` when there is nothing to report.
    ///
    /// A report holds as much as the server takes at once. The rest stays for the next one.
    #[must_use]
    pub fn take(&self) -> Option<Report> {
        if !self.inner.dirty.swap(false, SeqCst) {
            return None;
        }
        self.inner.settle();
        let (items, more) = self.inner.pending.take(MAX_ITEMS);
        if more {
            self.inner.dirty.store(true, Release);
        }
        if items.is_empty() || self.inner.muted.load(Relaxed) { None } else { Some(Report::new(items)) }
    }

    /// Whether [`take`](Self::take) has nothing to return.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.inner.dirty.load(Relaxed)
    }

    /// Everything lost since the client was made. Never reset.
    #[must_use]
    pub fn totals(&self) -> Vec<Item> {
        let mut items = self.inner.totals.items();
        self.inner.left_out.add_to(&mut items);
        items
    }

    /// Sets who is told of every loss, on the thread that has lost something. No lock of the caller's may be held
    /// where losses are recorded.
    pub fn set_on_drop(&self, function: Option<OnDrop>) {
        self.inner.listener.set(function);
        // Whoever relies on nobody listening has to look again.
        forget_plain();
    }

    /// Sets who is told when there is something to report again, after there was nothing. The last one stays. No lock that
    /// it takes may be held where losses are recorded.
    pub fn set_on_pending(&self, function: OnPending) {
        self.inner.alarm.set(function);
    }

    /// Sets who is told of every request of the transport. The first one stays, and it has to be set before the client
    /// is made.
    pub fn set_watcher(&self, watcher: Watcher) {
        self.inner.watcher.set(watcher);
    }

    /// Who is to be told of every request, if anybody.
    #[must_use]
    pub fn watcher(&self) -> Option<Watcher> {
        self.inner.watcher.get()
    }

    /// The transport was given `items`.
    #[inline]
    pub fn count_accepted(&self, items: u64) {
        self.inner.counters.accepted(items);
    }

    /// The server has acknowledged `items`, which took `wire_bytes`.
    pub fn count_delivered(&self, items: u64, wire_bytes: u64) {
        self.inner.counters.delivered(items, wire_bytes);
    }

    /// The server answered `items` with a rate limit, and they were discarded. It has counted them itself.
    pub fn count_limited(&self, items: u64) {
        self.inner.counters.limited(items);
    }

    /// The transport gave up `items`. Their categories go through [`record_loss`](Self::record_loss).
    pub fn count_dropped(&self, items: u64) {
        self.inner.counters.dropped(items);
    }

    /// `items` are on disk and will be delivered later.
    pub fn count_spooled(&self, items: u64) {
        self.inner.counters.spooled(items);
    }

    /// A request is tried again; `ambiguous` if the server may have got it the first time.
    pub fn count_retry(&self, ambiguous: bool) {
        self.inner.counters.retry(ambiguous);
    }

    /// Keeps what an attempt to deliver failed with, for people to read: no secrets, no captured data.
    pub fn set_last_error(&self, error: &str) {
        self.inner.counters.error(error);
    }

    /// Leaves what is pending to the parent, which sends and reports it: this is a forked child. Once in each process.
    pub fn disown(&self) {
        let current = process::generation();
        if self.inner.generation.swap(current, AcqRel) != current {
            self.inner.dirty.store(false, Release);
            self.inner.settle();
            drop(self.inner.pending.take(usize::MAX));
            self.inner.counters.disown_queued();
        }
    }

    /// Tells how the transport fares. Called every ten seconds while there is something to tell.
    ///
    /// Every call with `true` halves the rate of traces once more, up to ten times; one with `false` restores it.
    pub fn set_unhealthy(&self, unhealthy: bool) {
        if self.inner.health.looked_at(unhealthy) {
            forget_plain();
        }
    }

    /// How often the rate of traces is halved at present.
    #[inline]
    #[must_use]
    pub fn downsample_factor(&self) -> u32 {
        self.inner.health.factor()
    }

    /// What became of everything so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.counters.stats(self.totals())
    }

    fn add(&self, reason: protocol::Reason, category: Category, quantity: u64, first: bool) {
        if quantity == 0 {
            return;
        }
        // The losses listed in a lost report are in the totals since they happened.
        if first {
            self.inner.totals.add(reason, category, quantity);
        }
        // Not even how much there was is for the server to know.
        let is_told = reason != protocol::Reason::NoConsent;
        if is_told && !self.inner.muted.load(Relaxed) {
            self.inner.pending.add(reason, category, quantity);
            if self.inner.soil() {
                self.inner.alarm.ring();
            }
        }
        if first {
            self.inner.listener.tell(Dropped { reason, category, quantity });
        }
    }
}

impl Inner {
    /// There is something to report. Whether the transport has to be told.
    #[cold]
    fn soil(&self) -> bool {
        !self.muted.load(Relaxed) && !self.dirty.swap(true, SeqCst)
    }

    /// What was counted apart becomes part of the next report, if reports are wanted.
    fn settle(&self) {
        for item in self.left_out.take() {
            if !self.muted.load(Relaxed) {
                self.pending.add(item.reason(), item.category(), item.quantity());
            }
        }
    }
}

/// Why a transport lost something.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// The SDK failed.
    InternalError,
    /// The network failed, and there will be no further try.
    NetworkError,
    /// The queue was full.
    QueueOverflow,
    /// The server had asked to wait.
    RatelimitBackoff,
    /// The server refused it.
    SendError,
}

impl From<Reason> for protocol::Reason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::InternalError => Self::InternalSdkError,
            Reason::NetworkError => Self::NetworkError,
            Reason::QueueOverflow => Self::QueueOverflow,
            Reason::RatelimitBackoff => Self::RatelimitBackoff,
            Reason::SendError => Self::SendError,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::protocol::ItemLoss;
    use super::*;
    use crate::types::IndexedEnum;

    #[test]
    fn a_report_is_taken_once_and_totals_stay() {
        let recorder = Recorder::default();
        assert!(recorder.take().is_none());
        recorder.record(protocol::Reason::BeforeSend, Category::Error, 2);
        let clone = recorder.clone();
        clone.record(protocol::Reason::BeforeSend, Category::Error, 1);
        recorder.record(protocol::Reason::BeforeSend, Category::Error, 0);

        let expected = [Item::new(Category::Error, protocol::Reason::BeforeSend, 3)];
        assert_eq!(recorder.take().unwrap().items(), expected);
        assert!(clone.take().is_none());
        assert_eq!(clone.totals(), expected);
    }

    #[test]
    fn what_a_parent_has_lost_is_left_to_it_once() {
        let child = || {
            let recorder = Recorder::default();
            // As if the last look at it had been another process'.
            recorder.inner.generation.store(process::generation().wrapping_sub(1), Relaxed);
            recorder
        };
        let recorder = child();
        recorder.count_accepted(3);
        recorder.record(protocol::Reason::BeforeSend, Category::Error, 2);
        recorder.disown();
        assert!(recorder.is_empty() && recorder.take().is_none());
        assert_eq!(recorder.stats().queued, 0);

        recorder.count_accepted(1);
        recorder.record(protocol::Reason::BeforeSend, Category::Error, 5);
        recorder.disown();
        let expected = [Item::new(Category::Error, protocol::Reason::BeforeSend, 5)];
        assert_eq!(recorder.take().unwrap().items(), expected, "these are its own");
        assert_eq!(recorder.stats().queued, 1);
    }

    #[test]
    fn a_lost_report_is_reported_again_but_counted_once() {
        let recorder = Recorder::default();
        recorder.record(protocol::Reason::SampleRate, Category::Span, 5);
        let report = recorder.take().unwrap();

        recorder.record_lost_data(&report, Reason::NetworkError);
        assert_eq!(recorder.take().unwrap().items(), report.items());
        assert_eq!(recorder.totals(), report.items());
    }

    #[test]
    fn a_loss_with_a_reason_of_its_own_keeps_it() {
        let recorder = Recorder::default();
        let losses: [ItemLoss; 2] = [
            ItemLoss::new(Category::Session, 1),
            ItemLoss::new(Category::Feedback, 1).with_reason(protocol::Reason::Invalid),
        ];
        recorder.record_lost_data(&losses[..], Reason::InternalError);
        assert_eq!(
            recorder.totals(),
            [
                Item::new(Category::Session, protocol::Reason::InternalSdkError, 1),
                Item::new(Category::Feedback, protocol::Reason::Invalid, 1),
            ]
        );
    }

    #[test]
    fn switched_off_it_reports_nothing_and_still_counts() {
        let recorder = Recorder::default();
        recorder.set_enabled(false);
        recorder.record(protocol::Reason::Ignored, Category::Span, 1);
        assert!(recorder.take().is_none());
        assert_eq!(recorder.totals().len(), 1);
        recorder.set_enabled(true);
        assert!(recorder.take().is_none());
    }

    #[test]
    fn what_nobody_has_consented_to_is_counted_and_not_reported() {
        let recorder = Recorder::default();
        recorder.record(protocol::Reason::NoConsent, Category::Error, 3);
        assert!(recorder.is_empty() && recorder.take().is_none());
        assert_eq!(recorder.totals(), [Item::new(Category::Error, protocol::Reason::NoConsent, 3)]);
    }

    #[test]
    fn reports_stay_below_the_size_limit_and_lose_nothing() {
        let recorder = Recorder::default();
        for reason in protocol::Reason::VARIANTS {
            for category in Category::VARIANTS {
                recorder.record(*reason, *category, u64::MAX);
            }
        }
        let mut seen = 0;
        while let Some(report) = recorder.take() {
            assert!(serde_json::to_vec(&report).unwrap().len() <= 4096);
            seen += report.items().len();
        }
        // All reasons but the one that is not told.
        assert_eq!(seen, Category::VARIANTS.len() * (protocol::Reason::VARIANTS.len() - 1));
    }

    #[test]
    fn many_threads_are_counted_exactly() {
        const THREADS: u64 = 4;
        const EACH: u64 = 20_000;
        let recorder = Recorder::default();
        let mut reported = 0;
        let mut add = |report: Option<Report>| {
            reported += report.iter().flat_map(Report::items).map(Item::quantity).sum::<u64>();
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..THREADS)
                .map(|index| {
                    let recorder = &recorder;
                    let category = Category::VARIANTS[index as usize % 2];
                    scope.spawn(move || {
                        for _ in 0..EACH {
                            recorder.record(protocol::Reason::QueueOverflow, category, 1);
                        }
                    })
                })
                .collect();
            while workers.iter().any(|worker| !worker.is_finished()) {
                add(recorder.take());
            }
        });
        add(recorder.take());
        assert_eq!(reported, THREADS * EACH);
        assert_eq!(recorder.totals().iter().map(Item::quantity).sum::<u64>(), THREADS * EACH);
    }
}
