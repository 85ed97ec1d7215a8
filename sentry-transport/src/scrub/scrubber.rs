//! What is installed as the last stage of finishing.

use std::fmt;
use std::sync::Arc;

use sentry_core::protocol::Envelope;
use sentry_core::{ClientOptions, Finish};

use super::rules::Rules;
use super::{json, preview, visit};

/// Takes secrets out of everything that leaves.
///
/// ```
/// use sentry_core::ClientOptions;
/// use sentry_core::protocol::{Envelope, Event};
/// use sentry_transport::scrub::Scrubber;
///
/// let message = "login failed: password=hunter2 for order 1042".to_owned();
/// let mut envelope = Envelope::from(Event { message: Some(message), ..Event::default() });
/// Scrubber::new(&ClientOptions::new()).scrub(&mut envelope);
/// let left = envelope.event().and_then(|event| event.message.as_deref());
/// assert_eq!(left, Some("login failed: password=[Filtered] for order 1042"));
/// ```
#[derive(Clone)]
pub struct Scrubber {
    rules: Rules,
}

impl Scrubber {
    /// With the rules of these options.
    #[must_use]
    pub fn new(options: &ClientOptions) -> Self {
        Self { rules: Rules::new(options) }
    }

    /// Changes `envelope` in place.
    ///
    /// One that was made of raw bytes is passed on as it is, and so is what is in attachments.
    pub fn scrub(&self, envelope: &mut Envelope) {
        if self.rules.is_off() {
            return;
        }
        envelope.items_mut().for_each(|item| visit::item(&self.rules, item));
        if envelope.raw_bytes().is_none() {
            visit::trace(&self.rules, envelope.headers_mut());
        }
    }

    /// Scrubs one encoded log, metric or streamed span. `None`: nothing was found.
    #[must_use]
    pub fn scrub_record(&self, json: &[u8]) -> Option<Vec<u8>> {
        if self.rules.is_off() { None } else { json::record(&self.rules, json).json }
    }

    /// What would be left of `json`: an event, a transaction, a log, any JSON, an envelope, or a plain text.
    #[must_use]
    pub fn preview(&self, json: &str) -> String {
        if self.rules.is_off() { json.to_owned() } else { preview::preview(self, &self.rules, json) }
    }
}

impl Finish for Scrubber {
    fn finish(&self, envelope: &mut Envelope) {
        self.scrub(envelope);
    }

    fn finish_raw(&self, envelope: &mut Envelope) {
        match self.rules.rule() {
            // Whoever reads it back asks for the rule.
            Some(_) => Self { rules: self.rules.without_rule() }.scrub(envelope),
            None => self.scrub(envelope),
        }
    }

    fn for_options(&self, options: &ClientOptions) -> Option<Arc<dyn Finish>> {
        Some(Arc::new(Self::new(options)))
    }
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrubber").finish_non_exhaustive()
    }
}
