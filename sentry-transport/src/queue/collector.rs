//! Small items on their way into batches.

use std::time::Instant;

use sentry_core::protocol::TraceId;
use sentry_core::{Telemetry, TelemetryKind};

use crate::batch::{Batcher, Bounds};

pub(super) type Batch = crate::batch::Batch<Telemetry>;

const MIB: usize = 1024 * 1024;

/// Below the megabyte that a server takes of one item.
const RECORDS: Bounds = Bounds { items: 100, bytes: MIB - 4096 };

/// A server takes more of a trace, but not in one item.
const SPANS: Bounds = Bounds { items: 1_000, bytes: MIB - 4096 };

/// A batcher per kind. Spans of a trace share a bucket, and all logs do.
#[derive(Debug)]
pub(super) struct Collector {
    logs: Kind,
    metrics: Kind,
    spans: Kind,
}

type Kind = Batcher<Option<TraceId>, Telemetry>;

impl Default for Collector {
    fn default() -> Self {
        Self { logs: Batcher::new(RECORDS), metrics: Batcher::new(RECORDS), spans: Batcher::new(SPANS) }
    }
}

impl Collector {
    pub(super) fn is_empty(&self) -> bool {
        self.logs.is_empty() && self.metrics.is_empty() && self.spans.is_empty()
    }

    /// Adds a record and returns what is full now.
    pub(super) fn add(
        &mut self,
        record: Telemetry,
        epoch: u64,
        now: Instant,
    ) -> impl Iterator<Item = Batch> + use<> {
        let kind = match record.kind() {
            TelemetryKind::Log => &mut self.logs,
            TelemetryKind::Metric => &mut self.metrics,
            TelemetryKind::Span => &mut self.spans,
        };
        let (key, records, bytes) = (record.trace_id(), record.records(), record.json().len() + 1);
        kind.add(key, record, (records, bytes, epoch), now)
    }

    /// What has waited long enough.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Batch> {
        self.kinds().into_iter().flat_map(|kind| kind.due(now)).collect()
    }

    /// When something will have waited long enough.
    pub(super) fn next_deadline(&mut self) -> Option<Instant> {
        self.kinds().into_iter().filter_map(Batcher::next_deadline).min()
    }

    /// Everything.
    pub(super) fn drain(&mut self) -> Vec<Batch> {
        self.kinds().into_iter().flat_map(Batcher::drain).collect()
    }

    fn kinds(&mut self) -> [&mut Kind; 3] {
        [&mut self.spans, &mut self.metrics, &mut self.logs]
    }
}
