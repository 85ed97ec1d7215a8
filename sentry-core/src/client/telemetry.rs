//! What logs and metrics need of a client.

use std::sync::{Arc, OnceLock, Weak};
use std::time::SystemTime;

use crate::attributes::Defaults;
use crate::client::{Client, Inner};
#[cfg(any(feature = "logs", feature = "metrics"))]
use crate::client_report::protocol::Category;
use crate::client_report::protocol::Reason;
use crate::outbound::Outbound;
use crate::protocol::LogAttribute;
use crate::suppress::{guarded, is_suppressed};
use crate::sync::read;
#[cfg(any(feature = "logs", feature = "metrics"))]
use crate::telemetry::{Added, Ending, TelemetryKind};
use crate::telemetry::{Gathered, Source, Telemetry};
use crate::trace::Undecided;
use crate::{clock, process};

/// What all logs and all metrics of a client say.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    #[cfg(feature = "logs")]
    logs: OnceLock<Defaults>,
    #[cfg(feature = "metrics")]
    metrics: OnceLock<Defaults>,
    spans: OnceLock<Defaults>,
}

impl Client {
    #[cfg(feature = "logs")]
    pub(crate) fn log_defaults(&self) -> &Defaults {
        self.defaults(&self.inner.attributes.logs, || {
            let options = self.options();
            let asked = options
                .integrations
                .iter()
                .filter_map(|it| guarded("integration", || it.log_attributes(options)).ok());
            Defaults::new(self.common().into_iter().chain(asked.flatten()))
        })
    }

    /// The same, if somebody has asked before: whoever holds a lock must not ask integrations.
    #[cfg(feature = "logs")]
    #[inline]
    pub(crate) fn known_log_defaults(&self) -> Option<&Defaults> {
        self.inner.attributes.logs.get()
    }

    /// As for logs.
    #[cfg(feature = "metrics")]
    #[inline]
    pub(crate) fn known_metric_defaults(&self) -> Option<&Defaults> {
        self.inner.attributes.metrics.get()
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn metric_defaults(&self) -> &Defaults {
        self.defaults(&self.inner.attributes.metrics, || Defaults::new(self.common()))
    }

    pub(crate) fn span_defaults(&self) -> &Defaults {
        self.defaults(&self.inner.attributes.spans, || Defaults::new(self.common()))
    }

    fn defaults<'a>(&self, slot: &'a OnceLock<Defaults>, make: impl FnOnce() -> Defaults) -> &'a Defaults {
        if let Some(defaults) = slot.get() {
            return defaults;
        }
        // Made before the slot is filled: a fork must not find it half done.
        let defaults = make();
        process::without_fork(|| slot.get_or_init(|| defaults))
    }

    fn common(&self) -> Vec<(&'static str, LogAttribute)> {
        let options = self.options();
        let sdk = self.inner.completion.sdk();
        let text = |text: Option<&str>| LogAttribute(text.into());
        vec![
            ("sentry.environment", text(options.environment.as_deref())),
            ("sentry.release", text(options.release.as_deref())),
            ("sentry.sdk.name", text(Some(&sdk.name))),
            ("sentry.sdk.version", text(Some(&sdk.version))),
            ("server.address", text(options.server_name.as_deref())),
        ]
    }

    /// Asks the transport whether records shall be gathered.
    pub(super) fn begin_to_gather(&self) {
        let Some(transport) = self.transport() else { return };
        let source: Weak<Inner> = Arc::downgrade(&self.inner);
        let gathers = guarded("transport", || transport.gather(Gathered::new(source)));
        let _ = self.inner.gathers.set(gathers.unwrap_or(false));
    }

    /// Whether records can be [gathered](Self::gather), as far as the client is concerned.
    #[cfg(any(feature = "logs", feature = "metrics"))]
    #[inline]
    pub(crate) fn gathers(&self) -> bool {
        self.inner.gathers.get() == Some(&true) && !self.discards()
    }

    /// Lets a log or a metric wait for company. What is left to be done is done with the [`FollowUp`], when no lock is held
    /// any more.
    #[cfg(any(feature = "logs", feature = "metrics"))]
    #[inline]
    pub(crate) fn gather(
        &self,
        kind: TelemetryKind,
        time: SystemTime,
        write: impl FnOnce(&mut Vec<u8>, &mut Ending),
    ) -> FollowUp {
        match self.inner.gathering.add(kind, time, write) {
            Added::Waits | Added::Closed => FollowUp(None),
            added => self.to_follow_up(added),
        }
    }

    #[cfg(any(feature = "logs", feature = "metrics"))]
    #[cold]
    fn to_follow_up(&self, added: Added) -> FollowUp {
        FollowUp(Some(Box::new((self.clone(), added))))
    }

    /// Hands a log or a metric on, which was captured at `time`.
    #[cfg(any(feature = "logs", feature = "metrics"))]
    pub(crate) fn send_encoded(&self, kind: TelemetryKind, json: &[u8], time: SystemTime) {
        if self.gathers() {
            self.gather(kind, time, |out, _| out.extend_from_slice(json)).run();
        } else {
            self.inner.send(Telemetry::batch(kind, json.to_vec(), 1), time);
        }
    }

    /// The segments that may still be dropped, below which spans wait.
    pub(crate) fn undecided(&self) -> &Undecided {
        &self.inner.undecided
    }

    /// Has the transport ask for what waits before long, if it does so at all.
    pub(crate) fn tell_that_records_wait(&self) {
        if self.inner.gathers.get() == Some(&true) {
            self.inner.tell_that_records_wait();
        }
    }

    /// Hands a span to the transport.
    pub(crate) fn send_telemetry(&self, record: Telemetry) {
        if self.discards() {
            return self.recorder().record_loss(&record.losses()[..], Reason::NoConsent);
        }
        if self.is_enabled() {
            self.inner.send(record, clock::now());
        }
    }

    /// Counts what is not sent.
    #[cfg(any(feature = "logs", feature = "metrics"))]
    pub(crate) fn lose(&self, reason: Reason, what: &[(Category, u64)]) {
        what.iter().for_each(|(category, quantity)| self.recorder().record(reason, *category, *quantity));
    }
}

/// What is left to be done for a record that was gathered: nearly always nothing, hence small.
#[cfg(any(feature = "logs", feature = "metrics"))]
#[must_use = "the transport has to be told"]
pub(crate) struct FollowUp(Option<Box<(Client, Added)>>);

#[cfg(any(feature = "logs", feature = "metrics"))]
impl FollowUp {
    #[inline]
    pub(crate) fn run(self) {
        if let Some(left) = self.0 {
            let (client, added) = *left;
            client.follow_up(added);
        }
    }
}

#[cfg(any(feature = "logs", feature = "metrics"))]
impl Client {
    #[cold]
    fn follow_up(&self, added: Added) {
        match added {
            Added::Waits | Added::Closed => {}
            Added::First => self.inner.tell_that_records_wait(),
            Added::Full(lost) => {
                self.inner.count_overflow(lost.map(|batch| *batch));
                self.inner.gathering.send_full(|(batch, since)| self.inner.send(batch, since));
            }
        }
    }
}

impl Inner {
    fn send(&self, record: Telemetry, time: SystemTime) {
        let recorder = &self.completion.options().client_report_recorder;
        if self.completion.options().consent_gate.is_refused() {
            return recorder.record_loss(&record.losses()[..], Reason::NoConsent);
        }
        // Bound first, or the lock would be held for all that follows.
        let transport = read(&self.transport).clone();
        let Some(transport) = transport else {
            // Closed meanwhile.
            return recorder.record_loss(&record.losses()[..], Reason::QueueOverflow);
        };
        let (kind, records, bytes) = record.sums();
        let outbound = Outbound::from_telemetry_at(record, time).of_client(&self.completion);
        if guarded("transport", || transport.send(outbound)).is_err() {
            recorder.record_loss(&kind.losses(records, bytes)[..], Reason::InternalSdkError);
        }
    }

    fn tell_that_records_wait(&self) {
        let transport = read(&self.transport).clone();
        if let Some(transport) = transport {
            let _ = guarded("transport", || transport.records_wait());
        }
    }

    /// Sends all records that wait. `is_last`: those that come are too late.
    pub(super) fn hand_over(&self, is_last: bool) {
        self.undecided.release_all();
        self.send_all(is_last, is_suppressed());
    }

    fn send_all(&self, is_last: bool, is_nested: bool) {
        if self.gathers.get() == Some(&true) {
            let send = |(batch, since)| self.send(batch, since);
            let lost = self.gathering.send_all(is_last, is_nested, send);
            self.count_overflow(lost);
        }
    }

    /// Counts batches that had to go because the thread that sends does not get on.
    fn count_overflow(&self, lost: impl IntoIterator<Item = Telemetry>) {
        for batch in lost {
            let recorder = &self.completion.options().client_report_recorder;
            recorder.record_loss(&batch.losses()[..], Reason::BufferOverflow);
        }
    }

    /// Counts all records that wait, as nobody may have them.
    pub(super) fn forget_records(&self) {
        self.hand_over(false);
    }
}

impl Source for Inner {
    fn hand_over(&self) {
        // The worker of a transport is suppressed as well, but it is not in the middle of sending.
        self.send_all(false, false);
        if self.undecided.release_at(clock::instant()) {
            self.tell_that_records_wait();
        }
    }
}
