//! The walk through everything that leaves: a file for each kind of item.

mod contexts;
mod event;
mod request;
mod stack;
mod telemetry;
mod transaction;
mod values;

pub(super) use self::values::free;

use sentry_core::envelope::EnvelopeHeaders;
use sentry_core::options::ScrubField;
use sentry_core::protocol::{EnvelopeItem, FileAttachment, MonitorCheckIn, SessionAggregates, SessionUpdate};

use super::clean::What;
use super::notes::Notes;
use super::rules::{Rules, Source};
use super::trail::Trail;

/// A walk through one item.
pub(super) struct Visit<'r> {
    rules: &'r Rules,
    notes: Notes,
    source: Source,
}

impl<'r> Visit<'r> {
    fn new(rules: &'r Rules, notes: Notes) -> Self {
        Self { rules, notes, source: Source::User }
    }

    /// Runs `visit` on something that `source` wrote down.
    fn with_source(&mut self, source: Source, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.source, source);
        visit(self);
        self.source = before;
    }
}

/// Scrubs one item.
pub(super) fn item(rules: &Rules, item: &mut EnvelopeItem) {
    match item {
        EnvelopeItem::Event(event) => event::scrub(rules, event),
        EnvelopeItem::Feedback(event) => event::scrub(rules, event),
        EnvelopeItem::Transaction(transaction) => transaction::scrub(rules, transaction),
        EnvelopeItem::ItemContainer(container) => telemetry::container(rules, container),
        EnvelopeItem::Unknown(unknown) => telemetry::encoded(rules, unknown),
        EnvelopeItem::SessionUpdate(session) | EnvelopeItem::UnhandledSession(session) => {
            session_update(rules, session);
        }
        EnvelopeItem::SessionAggregates(sessions) => session_aggregates(rules, sessions),
        EnvelopeItem::MonitorCheckIn(check_in) => monitor(rules, check_in),
        EnvelopeItem::Attachment(attachment) => file_name(rules, &mut attachment.filename),
        EnvelopeItem::FileAttachment(FileAttachment { filename, .. }) => file_name(rules, filename),
        EnvelopeItem::StoredAttachment(stored) => file_name(rules, &mut stored.filename),
        // Counts of our own, and bytes that are to be passed on as they are.
        _ => {}
    }
}

/// Scrubs what the header says of the trace: it has the name of the transaction in it.
pub(super) fn trace(rules: &Rules, headers: &mut EnvelopeHeaders) {
    const NAME: &str = "transaction";
    let Some(trace) = headers.trace().filter(|_| rules.covers(ScrubField::Spans)) else { return };
    let Some(name) = trace.get(NAME) else { return };
    if let Some(cleaned) = rules.clean(NAME, name, What::Text, Source::Automatic) {
        let trace = trace.clone().with_transaction(cleaned.text);
        headers.set_trace(Some(trace));
    }
}

fn session_update(rules: &Rules, session: &mut SessionUpdate<'_>) {
    if rules.covers(ScrubField::Sessions) {
        Visit::new(rules, Notes::silent()).option(&Trail::ROOT, "did", &mut session.distinct_id, What::Text);
    }
}

fn session_aggregates(rules: &Rules, sessions: &mut SessionAggregates<'_>) {
    if rules.covers(ScrubField::Sessions) {
        let mut visit = Visit::new(rules, Notes::silent());
        for session in &mut sessions.aggregates {
            visit.option(&Trail::ROOT, "did", &mut session.distinct_id, What::Text);
        }
    }
}

fn monitor(rules: &Rules, check_in: &mut MonitorCheckIn) {
    if rules.covers(ScrubField::Monitors) {
        let mut visit = Visit::new(rules, Notes::silent());
        visit.text(&Trail::ROOT, "monitor_slug", &mut check_in.monitor_slug, What::Text);
        visit.option(&Trail::ROOT, "environment", &mut check_in.environment, What::Text);
    }
}

fn file_name(rules: &Rules, name: &mut String) {
    if rules.covers(ScrubField::Attachments) {
        Visit::new(rules, Notes::silent()).text(&Trail::ROOT, "filename", name, What::Text);
    }
}
