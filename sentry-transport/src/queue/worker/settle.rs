//! What came of a try.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Instant;

use sentry_core::clock;
use sentry_core::envelope::EnvelopeItem;
use sentry_core::protocol::client_report::{LossSource, Reason};

use super::super::answers::Fate;
use super::super::attempt::Attempt;
use super::super::flights::Landing;
use super::super::inbox::Turn;
use super::Worker;
use crate::retry::{FLOOR, MAX_AMBIGUOUS, MAX_UNAVAILABLE, Outcome, classify, jittered};
use crate::sender::{Response, SendError};

impl Worker {
    /// Acts on what came of a try.
    pub(super) fn settle(&mut self, landing: Landing, turn: &Turn) {
        let was_failing = self.gate.is_failing();
        let is_delivered = landing.result.as_ref().is_ok_and(|response| response.status() < 300);
        if let Some(item) = landing.attempt.broken_item().filter(|_| !is_delivered) {
            // Neither the server nor the network is to blame, whatever they have made of it.
            let attempt = self.pipeline.leave_out_broken(landing.attempt, item);
            return self.outbox.push(attempt);
        }
        match landing.result {
            Ok(response) => {
                if landing.attempt.watch.is_none() {
                    // What takes long because it is long says nothing about the way.
                    self.width.answered(landing.took, clock::instant());
                }
                if turn.closing.is_some() {
                    self.heard = Some(clock::instant());
                }
                self.answered(landing.attempt, &response, turn);
            }
            Err(error) => self.unanswered(landing.attempt, &error, turn),
        }
        if was_failing != self.gate.is_failing() {
            self.shared.set_failing(!was_failing);
        }
    }

    fn answered(&mut self, mut attempt: Attempt, response: &Response, turn: &Turn) {
        let now = clock::instant();
        self.shared.learn(response, now);
        let outcome = classify(response);
        if let Outcome::Unavailable { pause, is_asked_for } = outcome {
            self.gate.unavailable(now, pause, is_asked_for);
            return self.unavailable(attempt, response.status(), now + pause, turn);
        }
        self.gate.answered();
        // Whatever the answer, it need not be kept any more.
        if let Some(id) = attempt.kept {
            self.shared.shelf.remove(id);
        }
        match outcome {
            Outcome::Delivered => self.shared.answer(&attempt.answers, Fate::Delivered(attempt.bytes)),
            Outcome::Limited => {
                self.tell("rate limited", || {
                    let limits =
                        response.header("x-sentry-rate-limits").or_else(|| response.header("retry-after"));
                    format!(
                        "the server limits the rate ({}): items are discarded",
                        limits.unwrap_or("a minute")
                    )
                });
                self.discard(&attempt);
            }
            Outcome::TooLarge => {
                let bytes = attempt.bytes;
                self.tell("too large", || {
                    format!("the server found an envelope of {bytes} bytes on the wire too large")
                });
                if self.drop_attachments(&mut attempt, Reason::SendError) {
                    self.outbox.push([attempt]);
                } else {
                    self.lose(&attempt, Reason::SendError);
                }
            }
            Outcome::Rejected | Outcome::Unavailable { .. } => {
                self.tell("rejected", || rejection(response));
                self.lose(&attempt, Reason::SendError);
            }
        }
    }

    /// A proxy answered for a server that is away.
    fn unavailable(&mut self, mut attempt: Attempt, status: u16, again: Instant, turn: &Turn) {
        self.tell("unavailable", || {
            format!("a proxy answered {status} for a server that is away; trying again")
        });
        self.failed_at(turn);
        attempt.unavailable += 1;
        let too_late = turn.closing.is_some_and(|closing| again >= closing.last_start);
        if attempt.is_report() || attempt.unavailable >= MAX_UNAVAILABLE || too_late || attempt.is_replayed()
        {
            let Some(attempt) = self.keep(attempt) else { return };
            if too_late && !attempt.is_report() {
                self.shared.set_abandoned();
            }
            return self.lose(&attempt, Reason::SendError);
        }
        attempt.not_before = Some(again);
        attempt.not_before_in_hurry = Some(again);
        self.try_again(attempt, false);
    }

    fn unanswered(&mut self, mut attempt: Attempt, error: &SendError, turn: &Turn) {
        if error.is_permanent() {
            self.tell("sender", || error.explain());
            return self.lose(&attempt, Reason::InternalSdkError);
        }
        let host = self.shared.setup.wire.host();
        self.tell("network", || format!("cannot send to {host}: {}", error.explain()));
        self.failed_at(turn);
        let now = clock::instant();
        let is_ambiguous = !error.is_connect();
        if is_ambiguous {
            self.gate.was_cut(now, unit());
            // Its own pause: whatever cut it may do so again.
            attempt.not_before = Some(now + jittered(u32::from(attempt.ambiguous), unit()));
            attempt.not_before_in_hurry = Some(now + FLOOR);
            attempt.ambiguous += 1;
        } else {
            self.gate.failed(now, unit());
            attempt.not_before = None;
            self.refused |= turn.closing.is_some();
        }
        // What may have arrived is only sent again if the server can tell, and not for ever.
        let hopeless =
            attempt.ambiguous > 0 && (!attempt.is_idempotent() || attempt.ambiguous >= MAX_AMBIGUOUS);
        // It may be the size of its files that the way is not made for.
        let is_long = attempt.watch.is_some();
        if hopeless && is_long && self.drop_attachments(&mut attempt, Reason::NetworkError) {
            return self.try_again(attempt, true);
        }
        if hopeless && let Some(id) = attempt.kept {
            self.shared.shelf.remove(id);
        }
        let Some(attempt) = self.set_aside(attempt, hopeless) else { return };
        if attempt.is_report() || hopeless {
            if turn.closing.is_some() && !attempt.is_report() {
                self.shared.set_abandoned();
            }
            return self.lose(&attempt, Reason::NetworkError);
        }
        self.try_again(attempt, is_ambiguous);
    }

    /// Puts an attempt that failed into the store, if that is the better place for it: the host is away, it failed more
    /// than once, or it came from there.
    fn set_aside(&mut self, attempt: Attempt, hopeless: bool) -> Option<Attempt> {
        let belongs_there = self.gate.is_away() || attempt.ambiguous > 1 || attempt.is_replayed();
        if hopeless || !belongs_there {
            return Some(attempt);
        }
        if attempt.is_replayed() {
            // One by one until the host is back.
            self.next_replay = clock::instant() + self.shared.setup.pace;
        }
        self.keep(attempt)
    }

    /// Counts the attachments and takes them out, so that what is left can be sent by itself. Tells whether there were any,
    /// and anything else.
    fn drop_attachments(&self, attempt: &mut Attempt, reason: Reason) -> bool {
        if !attempt.envelope.items().any(EnvelopeItem::owns_attachments) {
            return false;
        }
        let mut lost = Vec::new();
        attempt.envelope.retain_items(|item| {
            let is_kept = !item.is_attachment();
            if !is_kept {
                lost.extend(item.losses());
            }
            is_kept
        });
        if lost.is_empty() {
            return false;
        }
        self.shared.recorder.record_loss(&lost[..], reason);
        if let Some(id) = attempt.kept.take() {
            self.shared.shelf.remove(id);
        }
        (attempt.ambiguous, attempt.watch) = (0, None);
        true
    }

    fn try_again(&mut self, attempt: Attempt, is_ambiguous: bool) {
        self.shared.recorder.count_retry(is_ambiguous);
        self.outbox.try_again(attempt);
    }

    fn failed_at(&mut self, turn: &Turn) {
        self.accepted_at_failure = turn.accepted;
    }

    fn tell(&self, kind: &'static str, message: impl Fn() -> String) {
        self.shared.tell(kind, message);
    }

    /// The server has counted the items, but nobody else will count what a report in the envelope says.
    fn discard(&self, attempt: &Attempt) {
        for item in attempt.envelope.items() {
            if let EnvelopeItem::ClientReport(report) = item {
                self.shared.recorder.record_loss(report, Reason::NetworkError);
            }
        }
        self.shared.answer(&attempt.answers, Fate::Limited);
    }

    /// Counts an item as lost. Reports in it are put back.
    pub(super) fn lose(&self, attempt: &Attempt, reason: Reason) {
        // Or it would be sent after all, by the next process.
        if let Some(id) = attempt.kept {
            self.shared.shelf.remove(id);
        }
        self.shared.recorder.record_loss(&attempt.envelope, reason);
        self.shared.answer(&attempt.answers, Fate::Dropped);
    }
}

/// The status and what the server said: text of others, so not much of it.
fn rejection(response: &Response) -> String {
    const MAX_CHARS: usize = 200;
    let body = || String::from_utf8_lossy(&response.body()[..response.body().len().min(4 * MAX_CHARS)]);
    let said = response.header("x-sentry-error").map_or_else(body, std::borrow::Cow::Borrowed);
    let detail: String = said.trim().chars().take(MAX_CHARS).collect();
    let status = response.status();
    if detail.is_empty() {
        return format!("the server rejected an envelope with status {status}");
    }
    format!("the server rejected an envelope with status {status}: {detail}")
}

/// A random number in `[0, 1)`: the standard library's hasher keys are the randomness at hand, and jitter needs no more.
fn unit() -> f64 {
    const SCALE: f64 = 1.0 / (1_u64 << 53) as f64;
    (RandomState::new().build_hasher().finish() >> 11) as f64 * SCALE
}
