use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release};

use super::protocol::{self, Category, Item, LossSource, Report};
use super::table::Table;

/// Counts the losses of one client. Clones count together; recording takes no lock.
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
}

/// Entries of one report: at 90 bytes each they stay below the server's limit of 4 KiB for the item.
const MAX_ITEMS: usize = 40;

impl Recorder {
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

    /// Whether losses are kept for a report. They are counted in [`totals`](Self::totals) either way.
    pub fn set_enabled(&self, enabled: bool) {
        self.inner.muted.store(!enabled, Relaxed);
    }

    /// What was lost since the last call, as a report for the server; `None` when there is nothing to report.
    ///
    /// A report holds as much as the server takes at once. The rest stays for the next one.
    #[must_use]
    pub fn take(&self) -> Option<Report> {
        if !self.inner.dirty.swap(false, AcqRel) {
            return None;
        }
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
        self.inner.totals.items()
    }

    fn add(&self, reason: protocol::Reason, category: Category, quantity: u64, first: bool) {
        if quantity == 0 {
            return;
        }
        // The losses listed in a lost report are in the totals since they happened.
        if first {
            self.inner.totals.add(reason, category, quantity);
        }
        if !self.inner.muted.load(Relaxed) {
            self.inner.pending.add(reason, category, quantity);
            self.inner.dirty.store(true, Release);
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
        assert_eq!(seen, Category::VARIANTS.len() * protocol::Reason::VARIANTS.len());
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
