//! From an accepted item to a request, on the worker: finish, limit, stamp, encode.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, mem};

use sentry_core::envelope::{EnvelopeFilterCallbacks, EnvelopeItem, Written};
use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::{LossSource, Reason};
use sentry_core::{Lane, Outbound, Telemetry, clock};

use super::answers::{Answers, Fate};
use super::attempt::Attempt;
use super::collector::Batch;
use super::shared::Shared;
use crate::caught::caught;
use crate::encode::{Body, Encoded, Encoder};
use crate::flood::{self, Flood, Verdict};
use crate::sender::{Request, Stream};
use crate::store::EntryId;

/// Client reports of 4 KiB each that fit one envelope; what is left waits for the next.
const MAX_REPORTS: usize = 4;

/// How long symbols stay in memory after the last event that may have needed them.
const IDLE: Duration = Duration::from_secs(60);

/// Files that are larger together are read while they are sent; smaller ones are read before, and compressed.
const MAX_FILES_IN_MEMORY: u64 = 4 * 1024 * 1024;

/// What the buffer for items keeps of its memory after a large one.
const MAX_SCRATCH: usize = 256 * 1024;

/// The stages, with the buffers they use again.
#[derive(Debug)]
pub(super) struct Pipeline {
    shared: Arc<Shared>,
    flood: Flood,
    encoder: Encoder,
    scratch: Vec<u8>,
    /// When symbols may be given up.
    symbols_until: Option<Instant>,
}

impl Pipeline {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let flood = Flood::new(shared.setup.flood_control);
        Self { shared, flood, encoder: Encoder::new(), scratch: Vec::new(), symbols_until: None }
    }

    /// Completes an item. `None`: it has been counted and answered.
    pub(super) fn finish(
        &mut self,
        mut outbound: Outbound,
        (epoch, kept): (u64, Option<EntryId>),
        (now, deadline): (Instant, Instant),
    ) -> Option<Attempt> {
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
        let durability = outbound.durability();
        if outbound.lane() == Lane::Error {
            self.uses_symbols(now);
        }
        let finished = caught(|| outbound.finish_by(deadline));
        let lost = match finished {
            Some(envelope) if !envelope.is_empty() => {
                return Some(Attempt { kept, durability, ..Attempt::new(envelope, answers) });
            }
            // Whoever emptied it has counted it.
            Some(_) => false,
            None => true,
        };
        if lost {
            self.shared.tell("finish", || "an item could not be completed: a panic was caught".into());
            self.shared.recorder.record_loss(&losses[..], Reason::InternalSdkError);
        }
        if let Some(id) = kept {
            self.shared.shelf.remove(id);
        }
        self.shared.answer(&answers, Fate::Dropped);
        None
    }

    /// Makes a batch an envelope. `None`: it has been counted and answered.
    pub(super) fn finish_batch(&self, batch: Batch) -> Option<Attempt> {
        let answers = Answers::Batch(batch.epochs);
        let finish = || {
            let mut envelope = Telemetry::envelope(&batch.items);
            self.shared.setup.revival.sign(&mut envelope);
            self.shared.setup.revival.finish(&mut envelope);
            envelope
        };
        match caught(finish).filter(|envelope| !envelope.is_empty()) {
            Some(envelope) => Some(Attempt::new(envelope, answers)),
            None => {
                self.shared.tell("finish", || "a batch could not be completed: a panic was caught".into());
                for record in &batch.items {
                    self.shared.recorder.record_loss(&record.losses()[..], Reason::InternalSdkError);
                }
                self.shared.answer(&answers, Fate::Dropped);
                None
            }
        }
    }

    /// Symbols are being used: they stay for a while.
    pub(super) fn uses_symbols(&mut self, now: Instant) {
        self.symbols_until = Some(now + IDLE);
    }

    /// When [`release`](Self::release) has something to do.
    pub(super) fn symbols_until(&self) -> Option<Instant> {
        self.symbols_until
    }

    /// Gives up symbols that nobody has used for a while.
    pub(super) fn release(&mut self, now: Instant) {
        if self.symbols_until.is_some_and(|until| until <= now) {
            self.symbols_until = None;
            let _ = caught(|| self.shared.setup.revival.release());
        }
    }

    /// Makes the request for one try. `None`: nothing may or can be sent; it has been counted and answered.
    pub(super) fn prepare(&mut self, attempt: Attempt, now: Instant) -> Option<(Attempt, Request)> {
        let mut attempt = self.limit(attempt, now)?;
        self.attach_reports(&mut attempt);
        if attempt.envelope.is_empty() {
            self.let_go(&attempt);
            return None;
        }
        if attempt.is_report() {
            self.shared.setup.revival.sign(&mut attempt.envelope);
        }
        self.shared.setup.wire.stamp(&mut attempt.envelope, clock::now());
        attempt.tries += 1;
        let mut request = match attempt.encoded.take() {
            Some(encoded) => self.request_again(&attempt, &encoded),
            None => self.request(&attempt),
        };
        // A file may be gone the second time as well.
        while let Ok((_, written)) = &request
            && !written.left_out.is_empty()
        {
            attempt = self.leave_out(attempt, written)?;
            request = self.request(&attempt);
        }
        match request {
            Ok((request, written)) if written.items > 0 => {
                attempt.bytes = usize::try_from(request.length()).unwrap_or(usize::MAX);
                attempt.resident = request.resident() + attached(&attempt.envelope);
                attempt.watch = request.watch().cloned();
                Some((attempt, request))
            }
            Ok((_, written)) => {
                self.shared.recorder.record_loss(&written.losses[..], Reason::InternalSdkError);
                self.let_go(&attempt);
                None
            }
            Err(error) => {
                self.shared.tell("encode", || format!("an envelope could not be encoded: {error}"));
                self.shared.recorder.record_loss(&attempt.envelope, Reason::InternalSdkError);
                self.let_go(&attempt);
                None
            }
        }
    }

    /// It has been counted: nobody shall send it later either.
    fn let_go(&self, attempt: &Attempt) {
        if let Some(id) = attempt.kept {
            self.shared.shelf.remove(id);
        }
        self.shared.answer(&attempt.answers, Fate::Dropped);
    }

    /// Right before the request: what was limited in the meantime is counted here.
    fn limit(&self, mut attempt: Attempt, now: Instant) -> Option<Attempt> {
        let Some(limits) = self.shared.limits(now) else { return Some(attempt) };
        if attempt.is_report() && attempt.envelope.is_empty() {
            if !limits.is_limited(crate::rate_limit::RateLimitingCategory::Internal, now) {
                return Some(attempt);
            }
            self.let_go(&attempt);
            return None;
        }
        let filtered = limits.filter(mem::take(&mut attempt.envelope), now);
        for item in &filtered.dropped {
            self.shared.recorder.record_loss(item, Reason::RatelimitBackoff);
        }
        let Some(envelope) = filtered.kept else {
            self.let_go(&attempt);
            return None;
        };
        attempt.envelope = envelope;
        if filtered.dropped.is_empty() {
            return Some(attempt);
        }
        attempt.encoded = None;
        self.unless_hollow(attempt)
    }

    /// Takes an item out whose file could not be read as it was announced, and counts it. What is left is sent again.
    pub(super) fn leave_out_broken(&self, attempt: Attempt, item: usize) -> Option<Attempt> {
        self.shared.tell("attachment", || "a file became shorter while it was sent, and was left out".into());
        let mut broken = Written::default();
        broken.left_out.push(item);
        broken.losses.extend(attempt.envelope.items().nth(item).into_iter().flat_map(LossSource::losses));
        self.leave_out(Attempt { watch: None, ..attempt }, &broken)
    }

    /// Counts what could not be written and takes it out, or it would be counted again with the rest if that is lost.
    fn leave_out(&self, mut attempt: Attempt, written: &Written) -> Option<Attempt> {
        self.shared.recorder.record_loss(&written.losses[..], Reason::InternalSdkError);
        // Asked for each item in its order; attachments whose event is gone follow it without being asked for.
        let (next, was_asked) = (Cell::new(0), Cell::new(false));
        let is_written = |_: &EnvelopeItem| {
            let is_written = !written.left_out.contains(&next.get());
            next.set(next.get() + 1);
            was_asked.set(!is_written);
            is_written
        };
        let orphaned = |item: EnvelopeItem| {
            if !was_asked.take() {
                self.shared.recorder.record_loss(&item, Reason::InternalSdkError);
            }
        };
        let kept =
            mem::take(&mut attempt.envelope).filter(EnvelopeFilterCallbacks::new(is_written, orphaned));
        attempt.envelope = kept.unwrap_or_default();
        self.unless_hollow(attempt)
    }

    /// What is left of an item may be nothing but the reports that ride with it: these go back, to ride with another.
    fn unless_hollow(&self, attempt: Attempt) -> Option<Attempt> {
        let is_report = |item: &EnvelopeItem| matches!(item, EnvelopeItem::ClientReport(_));
        if attempt.is_report() || !attempt.envelope.items().all(is_report) {
            return Some(attempt);
        }
        self.shared.recorder.record_loss(&attempt.envelope, Reason::InternalSdkError);
        self.let_go(&attempt);
        None
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

    fn request(&mut self, attempt: &Attempt) -> io::Result<(Request, Written)> {
        let wire = &self.shared.setup.wire;
        if self.shared.sender.takes_streams()
            && let Some(opened) = attempt.envelope.open()
            && opened.length() > MAX_FILES_IN_MEMORY
        {
            let pieces = caught(|| opened.into_pieces(&mut self.scratch)).unwrap_or_else(|| Err(panicked()));
            let (pieces, written) = pieces?;
            return Ok((wire.stream(Stream::new(pieces)), written));
        }
        let (encoded, written) =
            self.encode(|body, scratch| attempt.envelope.write_reusing(body, scratch))?;
        Ok((self.shared.setup.wire.request(encoded), written))
    }

    /// The same for one that was encoded when it was kept.
    fn request_again(&mut self, attempt: &Attempt, before: &[u8]) -> io::Result<(Request, Written)> {
        let (encoded, written) =
            self.encode(|body, scratch| attempt.envelope.write_again(before, body, scratch))?;
        Ok((self.shared.setup.wire.request(encoded), written))
    }

    fn encode(
        &mut self,
        write: impl FnOnce(&mut Body<'_>, &mut Vec<u8>) -> io::Result<Written>,
    ) -> io::Result<(Encoded, Written)> {
        let Self { encoder, scratch, .. } = self;
        let mut written = Written::default();
        let encode = || {
            encoder.encode(|body| {
                written = write(body, scratch)?;
                Ok(())
            })
        };
        // Serialisers of the application's own types may run in here.
        let encoded = caught(encode).unwrap_or_else(|| Err(panicked()))?;
        scratch.clear();
        scratch.shrink_to(MAX_SCRATCH);
        Ok((encoded, written))
    }
}

/// The bytes of attachments that are in memory.
fn attached(envelope: &Envelope) -> usize {
    let bytes = |item: &EnvelopeItem| match item {
        EnvelopeItem::Attachment(attachment) => attachment.buffer.len(),
        _ => 0,
    };
    envelope.items().map(bytes).sum()
}

fn panicked() -> io::Error {
    io::Error::other("a serialiser panicked")
}
