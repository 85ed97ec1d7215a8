//! A transaction that is not sampled, before anything of it was made.

use std::sync::Arc;

use crate::client::Client;
use crate::client_report::protocol::{Category, Reason};
use crate::options::{ClientOptions, SampleRate, TraceLifecycle};
use crate::protocol::TraceId;
use crate::suppress;
use crate::trace::root::Root;
use crate::trace::sampling::{self, Decision, Verdict};
use crate::trace::{Transaction, TransactionContext};

/// The decision not to record a transaction at the head of its trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unsampled(Verdict);

impl Unsampled {
    /// `None`: it is recorded, or somebody has to be asked.
    pub(crate) fn decide(options: &ClientOptions, trace_id: TraceId) -> Option<Self> {
        if options.spotlight.is_on() || suppress::is_suppressed() || names_decide(options) {
            return None;
        }
        let verdict = sampling::decide_head(options, trace_id)?;
        (!verdict.recorded).then_some(Self(verdict))
    }

    /// Left out at a rate, for nothing else.
    #[inline]
    pub(crate) fn at(rate: f32) -> Self {
        let decision = Decision { sampled: Some(false), rate: SampleRate::new(rate) };
        let reason = Reason::SampleRate;
        Self(Verdict { decision, recorded: false, reported: false, reason, by_sampler: false })
    }

    /// The transaction, for one that was counted and whose name its trace tells.
    pub(super) fn silent(self, client: Arc<Client>, context: TransactionContext) -> Transaction {
        let verdict = Verdict { reported: false, ..self.0 };
        Transaction::of(Arc::new(Root::new(client, None, context, verdict, None)))
    }

    /// The transaction. Finishing it counts it.
    pub(crate) fn transaction(self, client: Arc<Client>, context: TransactionContext) -> Transaction {
        Transaction::unrecorded(client, context, self.0)
    }

    /// The transaction, for one that was counted.
    pub(crate) fn counted(self, context: TransactionContext) -> Transaction {
        Transaction::settled(context, self.0)
    }

    /// Counts what is lost. May call the application: no lock may be held.
    pub(crate) fn count(self, options: &ClientOptions) {
        if !self.0.reported {
            return;
        }
        let recorder = &options.client_report_recorder;
        if options.trace_lifecycle != TraceLifecycle::Stream {
            recorder.record(self.0.reason, Category::Transaction, 1);
        }
        recorder.record(self.0.reason, Category::Span, 1);
    }
}

/// Whether transactions are ignored by their names, which comes before any rate.
pub(crate) fn names_decide(options: &ClientOptions) -> bool {
    let streams = options.trace_lifecycle == TraceLifecycle::Stream;
    !options.ignore_spans.is_empty() || (streams && !options.ignore_transactions.is_empty())
}
