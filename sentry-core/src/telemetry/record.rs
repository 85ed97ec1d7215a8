//! One record, or several of a kind side by side.

use std::sync::Arc;

use crate::client_report::protocol::{Category, ItemLoss};
use crate::envelope::{Envelope, EnvelopeHeaders, UnknownItem, ingest};
use crate::protocol::{DynamicSamplingContext, TraceId};

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TelemetryKind {
    /// A structured log (protocol section 7).
    Log,
    /// A metric (protocol section 8).
    Metric,
    /// A span of its own (protocol section 10).
    Span,
}

impl TelemetryKind {
    /// The type of the item that carries a batch.
    #[must_use]
    pub fn item_type(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Metric => "trace_metric",
            Self::Span => "span",
        }
    }

    /// What is lost with so many records of that many bytes together.
    pub(crate) fn losses(self, records: u64, bytes: u64) -> Vec<ItemLoss> {
        match self {
            Self::Log => {
                vec![ItemLoss::new(Category::LogItem, records), ItemLoss::new(Category::LogByte, bytes)]
            }
            Self::Metric => vec![
                ItemLoss::new(Category::TraceMetric, records),
                ItemLoss::new(Category::TraceMetricByte, bytes),
            ],
            Self::Span => vec![ItemLoss::new(Category::Span, records)],
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Log => "application/vnd.sentry.items.log+json",
            Self::Metric => "application/vnd.sentry.items.trace-metric+json",
            Self::Span => "application/vnd.sentry.items.span.v2+json",
        }
    }
}

/// Logs or metrics of one envelope (protocol.md 1.6).
pub(crate) const MAX_RECORDS: u32 = 100;

/// One record, encoded, or several logs or metrics that were gathered.
///
/// ```
/// use sentry_core::{Outbound, Telemetry};
///
/// let log = Telemetry::log(br#"{"timestamp":1.5,"level":"info","body":"hello"}"#.to_vec());
/// let envelope = Outbound::from_telemetry(log).finish();
/// let mut bytes = Vec::new();
/// envelope.to_writer(&mut bytes)?;
/// assert!(String::from_utf8_lossy(&bytes).contains(r#""type":"log""#));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Telemetry {
    kind: TelemetryKind,
    json: Vec<u8>,
    records: u32,
    trace: Option<Arc<DynamicSamplingContext>>,
}

impl Telemetry {
    /// A log: one JSON object.
    #[must_use]
    pub fn log(json: Vec<u8>) -> Self {
        Self { kind: TelemetryKind::Log, json, records: 1, trace: None }
    }

    /// A metric: one JSON object.
    #[must_use]
    pub fn metric(json: Vec<u8>) -> Self {
        Self { kind: TelemetryKind::Metric, json, records: 1, trace: None }
    }

    /// A span: one JSON object, its trace, and the dynamic sampling context of that.
    ///
    /// A context that does not name the trace (one that came from another service may be empty) is given its name: an
    /// envelope has to say of which trace its spans are, and spans are sorted into envelopes by it.
    #[must_use]
    pub fn span(json: Vec<u8>, trace_id: TraceId, context: Arc<DynamicSamplingContext>) -> Self {
        let trace = if context.trace_id() == Some(trace_id) {
            context
        } else {
            Arc::new((*context).clone().with_trace_id(trace_id))
        };
        Self { kind: TelemetryKind::Span, json, records: 1, trace: Some(trace) }
    }

    /// So many JSON objects, with commas between them.
    pub(crate) fn batch(kind: TelemetryKind, json: Vec<u8>, records: u32) -> Self {
        Self { kind, json, records, trace: None }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> TelemetryKind {
        self.kind
    }

    /// The JSON object; those of several records have commas between them.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// How many records it is.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records as usize
    }

    /// The trace it must not leave: spans of different traces travel apart.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        self.trace.as_ref()?.trace_id()
    }

    /// What is lost when it is dropped.
    #[must_use]
    pub fn losses(&self) -> Vec<ItemLoss> {
        let (kind, records, bytes) = self.sums();
        kind.losses(records, bytes)
    }

    /// What its losses are made of: without the commas.
    pub(crate) fn sums(&self) -> (TelemetryKind, u64, u64) {
        let commas = u64::from(self.records.saturating_sub(1));
        (self.kind, self.records.into(), (self.json.len() as u64).saturating_sub(commas))
    }

    /// An envelope with these records, which are of one kind and, if they are spans, of one trace.
    #[must_use]
    pub fn envelope(records: &[Self]) -> Envelope {
        let Some(first) = records.first() else { return Envelope::new() };
        let bytes: usize = records.iter().map(|record| record.json.len() + 1).sum();
        let mut payload = Vec::with_capacity(ingest::BEGIN.len() + bytes + ingest::END.len());
        payload.extend_from_slice(ingest::BEGIN);
        for (index, record) in records.iter().enumerate() {
            if index > 0 {
                payload.push(b',');
            }
            payload.extend_from_slice(&record.json);
        }
        payload.extend_from_slice(ingest::END);
        let count: usize = records.iter().map(Self::records).sum();
        let headers = [("item_count", count.into()), ("content_type", first.kind.content_type().into())];
        let envelope = Envelope::from(UnknownItem::new(first.kind.item_type(), headers, payload));
        match &first.trace {
            Some(trace) => envelope.with_headers(EnvelopeHeaders::new().with_trace((**trace).clone())),
            None => envelope,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_report::protocol::LossSource;
    use crate::envelope::{EnvelopeItem, ItemContainer};
    use crate::outbound::{Lane, Outbound};
    use crate::protocol::{Log, LogAttribute, LogLevel, Map};

    fn log(body: &str) -> Log {
        Log {
            level: LogLevel::Info,
            body: body.to_owned(),
            trace_id: None,
            timestamp: std::time::UNIX_EPOCH,
            severity_number: None,
            attributes: Map::from([("key".to_owned(), LogAttribute::from("value"))]),
        }
    }

    fn encoded(log: &Log) -> Telemetry {
        Telemetry::log(serde_json::to_vec(log).unwrap())
    }

    #[test]
    fn a_batch_is_what_its_records_would_be_in_a_container() {
        let logs = [log("a"), log("b")];
        let batch = Telemetry::envelope(&logs.each_ref().map(encoded));
        let container = Envelope::from(EnvelopeItem::from(ItemContainer::from(logs.to_vec())));
        let read = |envelope: &Envelope| {
            let mut bytes = Vec::new();
            envelope.to_writer(&mut bytes).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>()
        };
        assert_eq!(read(&batch), read(&container));
        assert_eq!(read(&batch)[1]["item_count"], 2);
        assert_eq!(read(&batch)[2]["items"][1]["body"], "b");
    }

    #[test]
    fn what_is_lost_is_the_same_before_and_after_batching() {
        let records = ["a", "bb", "ccc"].map(|body| encoded(&log(body)));
        let apart: u64 = records.iter().flat_map(Telemetry::losses).map(|loss| loss.quantity).sum();
        let together: Vec<_> = Telemetry::envelope(&records).losses().collect();
        assert_eq!(together[0], ItemLoss::new(Category::LogItem, 3));
        assert_eq!(together[1].category, Category::LogByte);
        // The version, the settings, brackets and commas.
        let around = together.iter().map(|loss| loss.quantity).sum::<u64>() - apart;
        assert!(around < (ingest::BEGIN.len() + 16) as u64, "{around}");
    }

    #[test]
    fn spans_carry_the_context_of_their_trace() {
        let trace_id = TraceId::default();
        let context = Arc::new(DynamicSamplingContext::new().with_trace_id(trace_id));
        let span = Telemetry::span(b"{}".to_vec(), trace_id, context);
        assert_eq!(span.trace_id(), Some(trace_id));
        let outbound = Outbound::from_telemetry(span);
        assert_eq!(outbound.lane(), Lane::Trace);
        assert_eq!(outbound.losses(), [ItemLoss::new(Category::Span, 1)]);
        assert_eq!(
            outbound.finish().headers().trace().and_then(DynamicSamplingContext::trace_id),
            Some(trace_id)
        );
    }

    #[test]
    fn a_span_belongs_to_its_trace_whatever_its_context_says() {
        let empty = Arc::new(DynamicSamplingContext::new());
        let [one, two] = [1, 2].map(|byte| TraceId::from([byte; 16]));
        let other = Arc::new(DynamicSamplingContext::new().with_trace_id(two));
        for context in [empty, other] {
            let span = Telemetry::span(b"{}".to_vec(), one, context);
            assert_eq!(span.trace_id(), Some(one));
            let envelope = Telemetry::envelope(&[span]);
            assert_eq!(envelope.headers().trace().and_then(DynamicSamplingContext::trace_id), Some(one));
        }
    }

    #[test]
    fn what_is_written_reads_as_the_same_records() {
        let logs = ["a", "a \"quoted\" line\nand another", "\u{1f980}"].map(log);
        let mut bytes = Vec::new();
        Telemetry::envelope(&logs.each_ref().map(encoded)).to_writer(&mut bytes).unwrap();
        let read = Envelope::from_slice(&bytes).unwrap();
        let containers: Vec<_> = read.items().collect();
        assert_eq!(containers, [&EnvelopeItem::from(ItemContainer::from(logs.to_vec()))]);
        assert_eq!(read.losses().next(), Some(ItemLoss::new(Category::LogItem, 3)));
    }

    #[test]
    fn many_of_them_fit_the_queue() {
        assert!(size_of::<Telemetry>() <= 40, "{}", size_of::<Telemetry>());
        assert!(size_of::<Outbound>() <= 256, "the fixed charge covers it: {}", size_of::<Outbound>());
        let outbound = Outbound::from_telemetry(encoded(&log("a")));
        assert!(outbound.size_hint() < 512, "{}", outbound.size_hint());
    }

    #[test]
    fn a_batch_waits_in_the_lane_of_its_records() {
        let lane = |record: Telemetry| {
            let batch = Outbound::from_envelope(Telemetry::envelope(std::slice::from_ref(&record)));
            assert_eq!(batch.lane(), Outbound::from_telemetry(record).lane());
            batch.lane()
        };
        let context = Arc::new(DynamicSamplingContext::new());
        assert_eq!(lane(Telemetry::log(b"{}".to_vec())), Lane::Log);
        assert_eq!(lane(Telemetry::metric(b"{}".to_vec())), Lane::Log);
        assert_eq!(lane(Telemetry::span(b"{}".to_vec(), TraceId::default(), context)), Lane::Trace);
    }

    #[test]
    fn no_records_are_no_envelope() {
        assert!(Telemetry::envelope(&[]).is_empty());
    }
}
