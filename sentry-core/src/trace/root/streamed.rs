//! A transaction whose spans are sent one by one: it is the segment that they belong to.

use std::borrow::Cow;
use std::sync::Arc;

use super::Root;
use crate::clock;
use crate::protocol;
use crate::protocol::client_report::Category;
use crate::sync::lock;
use crate::telemetry::Telemetry;
use crate::trace::code_location;
use crate::trace::constants::Constants;
use crate::trace::fate::{Fate, Then, Waiting, unless_it_panics};
use crate::trace::record::{Kept, More};
use crate::trace::recorded::Recorded;
use crate::trace::stream::{self, Segment};

impl Root {
    /// Sends a span below the transaction.
    pub(super) fn stream_span(self: &Arc<Self>, ended: Kept) {
        let (mut span, stack) = ended.into_span();
        if let Some(stack) = stack {
            // Nobody waits for symbols here: names that are known already are enough.
            code_location::add_to(&mut span, &stack, self.client.options(), clock::instant());
        }
        let span = self.streamed(span);
        let options = self.client.options();
        if options.trace_ignore_status_codes.is_empty() && options.ignore_transactions.is_empty() {
            return self.client.send_telemetry(span);
        }
        let then = lock(&self.state).fate.meet(span, &self.client, clock::instant());
        match then {
            Then::Waits { is_first: false } => {}
            Then::Waits { is_first: true } => {
                self.client.undecided().add(self);
                self.client.tell_that_records_wait();
            }
            Then::Leaves(before, span) => {
                drop(before.map(|waiting| self.no_longer_undecided(waiting)));
                self.client.send_telemetry(span);
            }
            Then::Dropped(reason) => self.lose(reason, Category::Span),
        }
    }

    /// Sends the transaction itself, after what has waited for its end.
    pub(super) fn stream_segment(self: &Arc<Self>, before: Option<Box<Waiting>>, recorded: Recorded) {
        drop(before.map(|waiting| self.no_longer_undecided(waiting)));
        self.client.send_telemetry(self.streamed(segment(recorded)));
    }

    /// Changes what becomes of it. The lock is free again when what has waited leaves.
    /// `None`: this thread panics, and cannot wait for another one that has the lock.
    pub(in crate::trace) fn change_fate<R>(&self, change: impl FnOnce(&mut Fate) -> R) -> Option<R> {
        unless_it_panics(&self.state).map(|mut state| change(&mut state.fate))
    }

    pub(super) fn no_longer_undecided(self: &Arc<Self>, waiting: Box<Waiting>) -> Box<Waiting> {
        self.client.undecided().remove(self);
        waiting
    }

    /// A span as it is sent by itself.
    fn streamed(&self, span: protocol::Span) -> Telemetry {
        let scope = self.hub.upgrade().map(|hub| hub.snapshot()).unwrap_or_default();
        let (name, source) = {
            let state = lock(&self.state);
            (state.label.first().to_owned(), state.source)
        };
        let segment = Segment { name: &name, source, id: self.ids.span_id(), context: self.dsc() };
        stream::record(&self.client, span, &segment, &scope)
    }
}

/// The transaction as a span.
fn segment(recorded: Recorded) -> protocol::Span {
    let More { tags, measurements, links, .. } = recorded.more.map(|more| *more).unwrap_or_default();
    protocol::Span {
        span_id: recorded.ids.span_id(),
        trace_id: recorded.ids.trace_id(),
        parent_span_id: recorded.ids.parent_span_id(),
        op: recorded.label.into_parts().1,
        start_timestamp: recorded.start,
        timestamp: Some(recorded.end),
        status: recorded.status,
        tags,
        data: Constants::added(recorded.constants, recorded.data),
        origin: recorded.origin.map(Cow::into_owned),
        measurements,
        links,
        ..protocol::Span::default()
    }
}
