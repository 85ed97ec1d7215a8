//! What a dying process stored before it was finished, finished by the next.
//!
//! ```text
//! panic hook: Outbound::unfinished ─► disk ─► next start: Revival::revive ─► server
//!             bare addresses,                 names, callbacks, scrubbing
//!             callbacks not asked
//! ```
//!
//! Bare addresses speak for themselves: a frame with nothing but an address, in an event that lists the images it lies in.
//! That callbacks were not asked is noted in a header of the envelope, which never leaves the machine.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::client::callbacks::ask_late;
use crate::client::complete::{Whose, enrich, sdk_of};
use crate::envelope::{Envelope, EnvelopeItem};
use crate::integration;
use crate::options::ClientOptions;
use crate::protocol::{ClientSdkInfo, Value};
use crate::scope::ScopeSnapshot;

/// The header of what is not finished: whether callbacks have yet to see it.
const UNSEEN: &str = "unseen";

/// Finishes stored items as the client with these options would have.
#[derive(Clone, Default)]
pub struct Revival {
    options: Option<Arc<ClientOptions>>,
    sdk: Option<Cow<'static, ClientSdkInfo>>,
}

impl Revival {
    /// As a client with these options does.
    #[must_use]
    pub fn of(options: &ClientOptions) -> Self {
        Self { options: Some(Arc::new(options.clone())), sdk: Some(sdk_of(options)) }
    }

    /// Names frames as far as that is possible before `deadline`, and asks the callbacks that were not asked yet. What was
    /// stored complete is passed on as it is. An event that a callback drops is counted, and left out.
    #[must_use]
    pub fn revive(&self, mut envelope: Envelope, deadline: Instant) -> Envelope {
        let unfinished = envelope.headers_mut().take_private(UNSEEN);
        let is_unseen = unfinished == Some(Value::Bool(true));
        let Some(options) = self.options.as_deref() else { return envelope };
        let (mut is_changed, mut dropped) = (unfinished.is_some(), None);
        for item in envelope.items_mut() {
            let EnvelopeItem::Event(event) = item else { continue };
            if let Some(source) = &options.stack_source {
                is_changed |= source.restore(event, Some(deadline));
            }
            if is_unseen {
                // Late: the scopes of its process are in it already.
                integration::preprocess(options, event);
                enrich(options, event, Whose::Others);
                match ask_late(options, std::mem::take(event), &ScopeSnapshot::default()) {
                    Ok(seen) => **event = seen,
                    Err(reason) => dropped = Some(reason),
                }
            }
        }
        if let Some(reason) = dropped {
            return left_of(envelope, |lost| options.client_report_recorder.record_loss(lost, reason));
        }
        if is_changed {
            // Names, paths and lines of source are new to it.
            self.finish(&mut envelope);
        }
        envelope
    }

    /// The last stage alone: for what needs no other.
    pub fn finish(&self, envelope: &mut Envelope) {
        if let Some(finish) = self.options.as_ref().and_then(|options| options.finish.as_ref()) {
            finish.finish(envelope);
        }
    }

    /// Lets an envelope say which SDK has made it, as a batch or a report that transports make does not say so by itself.
    pub fn sign(&self, envelope: &mut Envelope) {
        if envelope.headers().sdk().is_none() {
            envelope.headers_mut().set_sdk(self.sdk.clone());
        }
    }

    /// Gives memory back that only resolving stacks needs; see [`StackSource::release`](crate::StackSource::release).
    pub fn release(&self) {
        if let Some(source) = self.options.as_ref().and_then(|options| options.stack_source.as_ref()) {
            source.release();
        }
    }
}

impl fmt::Debug for Revival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revival").finish_non_exhaustive()
    }
}

/// Without its event: what was told of a session is true nevertheless.
fn left_of(mut envelope: Envelope, count: impl FnOnce(&Envelope)) -> Envelope {
    let mut left = Envelope::new();
    for item in envelope.items() {
        if item.session_update().is_some() {
            left.add_item(item.clone());
        }
    }
    envelope.retain_items(|item| item.session_update().is_none());
    count(&envelope);
    left
}

pub(crate) fn mark(envelope: &mut Envelope, is_unseen: bool) {
    envelope.headers_mut().set_private(UNSEEN, is_unseen.into());
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::envelope::EnvelopeHeaders;
    use crate::outbound::Outbound;
    use crate::sync::lock;
    use crate::telemetry::Telemetry;
    use crate::transport::Transport;

    #[test]
    fn an_envelope_is_signed_once() {
        let revival = Revival::of(&ClientOptions::new());
        let mut batch = Telemetry::envelope(&[Telemetry::log(b"{}".to_vec())]);
        revival.sign(&mut batch);
        assert_eq!(batch.headers().sdk().map(|sdk| &*sdk.name), Some("sentry.rust"));

        let other = ClientSdkInfo {
            name: "other".to_owned(),
            version: "1.0.0".to_owned(),
            integrations: Vec::new(),
            packages: Vec::new(),
        };
        let mut signed = batch.with_headers(EnvelopeHeaders::new().with_sdk(other.clone()));
        revival.sign(&mut signed);
        assert_eq!(signed.headers().sdk(), Some(&other));
    }

    /// Gets complete envelopes, as transports of applications do.
    #[derive(Default)]
    struct Keeps(Mutex<Vec<Envelope>>);

    impl Transport for Keeps {
        fn send_envelope(&self, envelope: Envelope) {
            lock(&self.0).push(envelope);
        }
    }

    #[test]
    fn a_transport_of_the_application_gets_records_signed() {
        let keeps = Arc::<Keeps>::default();
        let mut options = ClientOptions::new().dsn("https://public@sentry.invalid/1");
        options.transport = Some(Arc::new(Arc::clone(&keeps)));
        crate::Client::with_options(options).send_telemetry(Telemetry::metric(b"{}".to_vec()));
        assert!(lock(&keeps.0)[0].headers().sdk().is_some());
        // Made by nobody in particular.
        let foreign = Outbound::from_telemetry(Telemetry::metric(b"{}".to_vec())).finish();
        assert!(foreign.headers().sdk().is_none());
    }
}
