//! From an accepted item to a request, on the worker: finish, limit, stamp, encode.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use sentry_core::protocol::client_report::Reason;
use sentry_core::{Outbound, clock};

use super::answers::{Answers, Fate};
use super::attempt::Attempt;
use super::shared::Shared;
use crate::encode::{Encoded, Encoder};
use crate::flood::{self, Flood, Verdict};
use crate::sender::Request;

/// Client reports of 4 KiB each that fit one envelope; what is left waits for the next.
const MAX_REPORTS: usize = 4;

/// What the buffer for items keeps of its memory after a large one.
const MAX_SCRATCH: usize = 256 * 1024;

/// The stages, with the buffers they use again.
#[derive(Debug)]
pub(super) struct Pipeline {
    shared: Arc<Shared>,
    flood: Flood,
    encoder: Encoder,
    scratch: Vec<u8>,
}

impl Pipeline {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let flood = Flood::new(shared.setup.flood_control);
        Self { shared, flood, encoder: Encoder::new(), scratch: Vec::new() }
    }

    /// Completes an item. `None`: it has been counted and answered.
    pub(super) fn finish(&mut self, mut outbound: Outbound, epoch: u64, now: Instant) -> Option<Attempt> {
        let answers = Answers::One(epoch);
        if self.flood.is_on()
            && let Some(kind) = flood::fingerprint(&outbound)
        {
            match self.flood.admit(kind, now) {
                Verdict::Pass { suppressed } => outbound.set_suppressed(suppressed),
                Verdict::Suppress => {
                    self.shared.recorder.record_loss(&outbound.losses()[..], flood::REASON);
                    self.shared.answer(&answers, Fate::Dropped);
                    return None;
                }
            }
        }
        // Known only now: there is nothing left to ask when finishing has panicked.
        let losses = outbound.losses();
        let finished = catch_unwind(AssertUnwindSafe(|| outbound.finish()));
        let lost = match finished {
            Ok(envelope) if !envelope.is_empty() => return Some(Attempt::new(envelope, answers)),
            // Whoever emptied it has counted it.
            Ok(_) => false,
            Err(_) => true,
        };
        if lost {
            self.shared.tell("finish", || "an item could not be completed: a panic was caught".into());
            self.shared.recorder.record_loss(&losses[..], Reason::InternalSdkError);
        }
        self.shared.answer(&answers, Fate::Dropped);
        None
    }

    /// Makes the request for one try. `None`: nothing may or can be sent; it has been counted and answered.
    pub(super) fn prepare(&mut self, attempt: Attempt, now: Instant) -> Option<(Attempt, Request)> {
        let mut attempt = self.limit(attempt, now)?;
        self.attach_reports(&mut attempt);
        if attempt.envelope.is_empty() {
            self.shared.answer(&attempt.answers, Fate::Dropped);
            return None;
        }
        self.shared.setup.wire.stamp(&mut attempt.envelope, clock::now());
        attempt.tries += 1;
        match self.encode(&attempt) {
            Ok(encoded) if !encoded.bytes.is_empty() => {
                attempt.bytes = encoded.bytes.len();
                Some((attempt, self.shared.setup.wire.request(encoded)))
            }
            // Every item that could not be written has been counted.
            Ok(_) => {
                self.shared.answer(&attempt.answers, Fate::Dropped);
                None
            }
            Err(error) => {
                self.shared.tell("encode", || format!("an envelope could not be encoded: {error}"));
                self.shared.recorder.record_loss(&attempt.envelope, Reason::InternalSdkError);
                self.shared.answer(&attempt.answers, Fate::Dropped);
                None
            }
        }
    }

    /// Right before the request: what was limited in the meantime is counted here.
    fn limit(&self, mut attempt: Attempt, now: Instant) -> Option<Attempt> {
        let Some(limits) = self.shared.limits(now) else { return Some(attempt) };
        if attempt.is_report() && attempt.envelope.is_empty() {
            if !limits.is_limited(crate::rate_limit::RateLimitingCategory::Internal, now) {
                return Some(attempt);
            }
            self.shared.answer(&attempt.answers, Fate::Dropped);
            return None;
        }
        let filtered = limits.filter(attempt.envelope, now);
        for item in &filtered.dropped {
            self.shared.recorder.record_loss(item, Reason::RatelimitBackoff);
        }
        let Some(envelope) = filtered.kept else {
            self.shared.answer(&attempt.answers, Fate::Dropped);
            return None;
        };
        attempt.envelope = envelope;
        Some(attempt)
    }

    /// Losses ride with whatever goes out next for the first time. What is tried again carries its own already: through
    /// a long outage it must not gather more with every try.
    fn attach_reports(&self, attempt: &mut Attempt) {
        if attempt.tries > 0 {
            return;
        }
        for _ in 0..MAX_REPORTS {
            let Some(report) = self.shared.recorder.take() else { return };
            attempt.envelope.add_item(report);
        }
    }

    /// Empty bytes: not one item could be written.
    fn encode(&mut self, attempt: &Attempt) -> io::Result<Encoded> {
        let Self { shared, encoder, scratch, .. } = self;
        let mut written = None;
        let encode = || {
            encoder.encode(|body| {
                written = Some(attempt.envelope.write_reusing(body, scratch)?);
                Ok(())
            })
        };
        // Serialisers of the application's own types may run in here.
        let mut encoded = catch_unwind(AssertUnwindSafe(encode))
            .unwrap_or_else(|_| Err(io::Error::other("a serialiser panicked")))?;
        scratch.clear();
        scratch.shrink_to(MAX_SCRATCH);
        let Some(written) = written else { return Ok(encoded) };
        if attempt.tries == 1 {
            shared.recorder.record_loss(&written.losses[..], Reason::InternalSdkError);
        }
        if written.items == 0 {
            encoded.bytes.clear();
        }
        Ok(encoded)
    }
}
