//! The last stage of everything that leaves: what the application wants changed, then scrubbing, then the size limits.
//!
//! ```text
//! before_send ─► Outbound::finish ─► Finish of the application ─► Scrubber ─► size limits ─► spool, encode ─► Sender
//! ```
//!
//! Ours come last: whatever a stage of the application adds is scrubbed as well.

use std::fmt;
use std::sync::Arc;

use sentry_core::protocol::Envelope;
use sentry_core::{ClientOptions, Finish};

use crate::limits::Limits;
use crate::scrub::Scrubber;

/// The last stage that `sentry::init` installs.
///
/// It reads the options when the client is made, after all integrations: what they set counts.
///
/// ```
/// use std::sync::Arc;
///
/// use sentry_core::ClientOptions;
/// use sentry_core::protocol::{Envelope, Event};
/// use sentry_transport::LastStage;
///
/// let mut options = ClientOptions::new();
/// options.finish = Some(Arc::new(LastStage::after(options.finish.take())));
/// let client = sentry_core::Client::with_options(options);
///
/// let mut envelope = Envelope::from(Event { message: Some("token=a1b2c3d4".into()), ..Event::default() });
/// client.options().finish.as_ref().unwrap().finish(&mut envelope);
/// assert_eq!(envelope.event().and_then(|event| event.message.as_deref()), Some("token=[Filtered]"));
/// ```
#[derive(Clone)]
pub struct LastStage {
    first: Option<Arc<dyn Finish>>,
    scrubber: Scrubber,
    limits: Limits,
}

impl LastStage {
    /// After `first`, a stage of the application. The rules are those of the client's options.
    #[must_use]
    pub fn after(first: Option<Arc<dyn Finish>>) -> Self {
        let options = ClientOptions::new();
        Self { first, scrubber: Scrubber::new(&options), limits: Limits::new(&options) }
    }
}

impl Finish for LastStage {
    fn finish(&self, envelope: &mut Envelope) {
        if let Some(first) = &self.first {
            first.finish(envelope);
        }
        self.scrubber.finish(envelope);
        self.limits.finish(envelope);
    }

    fn finish_raw(&self, envelope: &mut Envelope) {
        if let Some(first) = &self.first {
            first.finish_raw(envelope);
        }
        self.scrubber.finish_raw(envelope);
        self.limits.finish_raw(envelope);
    }

    fn for_options(&self, options: &ClientOptions) -> Option<Arc<dyn Finish>> {
        let own = |first: &Arc<dyn Finish>| first.for_options(options).unwrap_or_else(|| Arc::clone(first));
        Some(Arc::new(Self {
            first: self.first.as_ref().map(own),
            scrubber: Scrubber::new(options),
            limits: Limits::new(options),
        }))
    }
}

impl fmt::Debug for LastStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastStage").field("first", &self.first.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use sentry_core::protocol::Event;

    use super::*;

    /// Lets the message say who was there.
    struct Sign(&'static str);

    impl Finish for Sign {
        fn finish(&self, envelope: &mut Envelope) {
            for item in envelope.items_mut() {
                if let sentry_core::protocol::EnvelopeItem::Event(event) = item {
                    event.message.get_or_insert_default().push_str(self.0);
                }
            }
        }
    }

    fn finished(stage: &dyn Finish, how: impl Fn(&dyn Finish, &mut Envelope)) -> String {
        let mut envelope = Envelope::from(Event { message: Some("pin=1".into()), ..Event::default() });
        how(stage, &mut envelope);
        envelope.event().and_then(|event| event.message.clone()).unwrap_or_default()
    }

    #[test]
    fn what_the_application_adds_is_scrubbed_as_well() {
        let stage = LastStage::after(Some(Arc::new(Sign(" password=hunter2"))));
        assert_eq!(finished(&stage, |stage, it| stage.finish(it)), "pin=1 password=[Filtered]");
    }

    #[test]
    fn the_options_of_the_client_count() {
        let stage = LastStage::after(None);
        assert_eq!(finished(&stage, |stage, it| stage.finish(it)), "pin=1");
        let options = ClientOptions::new().scrub(sentry_core::options::ScrubOptions::default().deny(["pin"]));
        let stage = stage.for_options(&options).unwrap();
        assert_eq!(finished(&*stage, |stage, it| stage.finish(it)), "pin=[Filtered]");
    }

    #[test]
    fn a_thread_that_panics_runs_nothing_of_the_application() {
        let rule = |_: &str, _: &str| Some("ruled".to_owned());
        let options = ClientOptions::new().scrub(sentry_core::options::ScrubOptions::default().rule(rule));
        let stage = LastStage::after(Some(Arc::new(Sign(" signed")))).for_options(&options).unwrap();
        assert_eq!(finished(&*stage, |stage, it| stage.finish_raw(it)), "pin=1");
        assert_eq!(finished(&*stage, |stage, it| stage.finish(it)), "ruled");
    }
}
