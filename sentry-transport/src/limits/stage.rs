//! The stage.

use std::fmt;
use std::sync::Arc;

use sentry_core::client_report::Recorder;
use sentry_core::protocol::client_report::{ItemLoss, Reason};
use sentry_core::protocol::{Envelope, EnvelopeItem};
use sentry_core::{ClientOptions, Finish};

use super::caps::{Caps, ITEM};
use super::visit::{self, Seen};
use super::{items, reduce, telemetry};

/// Makes everything small enough to be accepted.
///
/// ```
/// use sentry_core::ClientOptions;
/// use sentry_core::protocol::{Envelope, Event};
/// use sentry_transport::limits::Limits;
///
/// let mut envelope = Envelope::from(Event { message: Some("x".repeat(100_000)), ..Event::default() });
/// let trimmed = Limits::new(&ClientOptions::new()).apply(&mut envelope);
/// assert_eq!(trimmed.cuts, 1);
/// let message = envelope.event().and_then(|event| event.message.as_deref()).unwrap_or_default();
/// assert_eq!(message.len(), 8_192);
/// assert!(message.ends_with("xxx..."));
/// ```
#[derive(Clone)]
pub struct Limits {
    caps: Caps,
    recorder: Recorder,
}

/// What had to be done to an envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trimmed {
    /// How many texts, lists and values were cut.
    pub cuts: usize,
    /// What was left out and counts as lost: attachments, spans, records.
    pub losses: Vec<ItemLoss>,
}

impl Limits {
    /// With the limits of these options.
    #[must_use]
    pub fn new(options: &ClientOptions) -> Self {
        Self { caps: Caps::new(options), recorder: options.client_report_recorder.clone() }
    }

    /// Changes `envelope` in place, and tells what was lost; it is not counted yet.
    ///
    /// One that was made of raw bytes is passed on as it is.
    #[must_use = "losses have to be counted"]
    pub fn apply(&self, envelope: &mut Envelope) -> Trimmed {
        let mut trimmed = Trimmed::default();
        let (mut files, mut sessions) = (false, Vec::new());
        for item in envelope.items_mut() {
            match item {
                EnvelopeItem::Event(event) | EnvelopeItem::Feedback(event) => {
                    let seen = visit::event(&self.caps, event);
                    trimmed.add(or_reduced(seen, || reduce::event(&self.caps, event)));
                }
                EnvelopeItem::Transaction(transaction) => {
                    let seen = visit::transaction(&self.caps, transaction);
                    trimmed.add(or_reduced(seen, || reduce::transaction(&self.caps, transaction)));
                }
                EnvelopeItem::Attachment(attachment) => {
                    files = true;
                    items::file_name(&mut attachment.filename);
                }
                EnvelopeItem::FileAttachment(_) => files = true,
                EnvelopeItem::StoredAttachment(stored) => {
                    files = true;
                    items::file_name(&mut stored.filename);
                }
                EnvelopeItem::SessionUpdate(session) | EnvelopeItem::UnhandledSession(session) => {
                    items::session(session);
                }
                EnvelopeItem::SessionAggregates(aggregates) => {
                    sessions.extend(items::sessions(aggregates));
                }
                EnvelopeItem::MonitorCheckIn(check_in) => items::check_in(check_in),
                EnvelopeItem::ItemContainer(container) => telemetry::container(container, &mut trimmed),
                EnvelopeItem::Unknown(item) => telemetry::encoded(item, &mut trimmed),
                // Reports keep their own bound, and bytes are passed on as they are.
                _ => {}
            }
        }
        sessions.into_iter().for_each(|rest| envelope.add_item(rest));
        if files {
            items::attachments(envelope, self.caps.attachment, &mut trimmed);
        }
        trimmed
    }

    /// What is left of one encoded log, metric or streamed span that no batch has room for. `None`: it fits.
    #[must_use]
    pub fn record(&self, json: &[u8]) -> Option<Vec<u8>> {
        telemetry::record(json)
    }

    /// [`apply`](Self::apply), with what was lost counted.
    pub fn enforce(&self, envelope: &mut Envelope) {
        let trimmed = self.apply(envelope);
        if !trimmed.losses.is_empty() {
            self.recorder.record_loss(&trimmed.losses[..], Reason::Invalid);
        }
    }
}

/// What has come of an item in the end. Encoding it to know its size is for those that may be too large.
fn or_reduced(seen: Seen, reduce: impl FnOnce() -> Seen) -> Seen {
    if seen.is_below(ITEM) {
        return seen;
    }
    let more = reduce();
    Seen { cuts: seen.cuts + more.cuts, spans: seen.spans + more.spans, ..seen }
}

impl Trimmed {
    fn add(&mut self, seen: Seen) {
        self.cuts += seen.cuts;
        self.losses.extend(items::lost_spans(seen.spans));
    }
}

impl Finish for Limits {
    fn finish(&self, envelope: &mut Envelope) {
        self.enforce(envelope);
    }

    fn finish_raw(&self, envelope: &mut Envelope) {
        // What is lost is counted, which may run code of the application, when what is read back is finished.
        let _ = self.apply(envelope);
    }

    fn for_options(&self, options: &ClientOptions) -> Option<Arc<dyn Finish>> {
        Some(Arc::new(Self::new(options)))
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}
