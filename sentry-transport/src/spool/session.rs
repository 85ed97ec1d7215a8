//! The first update of a session, which has to say that it is the first.
//!
//! A server counts a session when it sees an update with `init`, and only one may have it. When the one that does is given
//! up before it was sent, the next one becomes the first.

use memchr::memmem;
use sentry_core::envelope::{Envelope, EnvelopeItem};
use sentry_core::protocol::SessionStatus;
use sentry_core::types::Uuid;

/// A number for a session, to stand in names. Never 0.
pub(super) fn number(session: Uuid) -> u32 {
    let (high, low) = session.as_u64_pair();
    let folded = high ^ low;
    (((folded >> 32) ^ folded) as u32).max(1)
}

/// The sessions that begin in an envelope.
pub(super) fn begun(bytes: &[u8]) -> Vec<Uuid> {
    // What has none, which is nearly everything, is not parsed.
    if memmem::find(bytes, b"\"init\":true").is_none() {
        return Vec::new();
    }
    let Ok(envelope) = Envelope::from_slice_lossless(bytes) else { return Vec::new() };
    let updates = envelope.items().filter_map(EnvelopeItem::session_update);
    updates.filter(|update| update.init).map(|update| update.session_id).collect()
}

/// The same envelope, with its update of `session` as the first one. `None`: there is no such update.
pub(super) fn begin(bytes: &[u8], session: Uuid) -> Option<Vec<u8>> {
    let mut envelope = Envelope::from_slice_lossless(bytes).ok()?;
    let updates = envelope.items_mut().filter_map(EnvelopeItem::session_update_mut);
    let update = { updates }.find(|update| update.session_id == session);
    update.filter(|update| !update.init)?.init = true;
    write(&envelope, bytes.len())
}

/// The same envelope, of a process that is known to have crashed. `None`: no session in it has ended in a way that nobody saw.
pub(super) fn crash(bytes: &[u8]) -> Option<Vec<u8>> {
    memmem::find(bytes, b"\"abnormal\"")?;
    let mut envelope = Envelope::from_slice_lossless(bytes).ok()?;
    let mut is_changed = false;
    for update in envelope.items_mut().filter_map(EnvelopeItem::session_update_mut) {
        if update.status == SessionStatus::Abnormal {
            update.status = SessionStatus::Crashed;
            // The crash is one.
            update.errors = update.errors.saturating_add(1);
            is_changed = true;
        }
    }
    if is_changed { write(&envelope, bytes.len()) } else { None }
}

fn write(envelope: &Envelope, length: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length + 16);
    let written = envelope.write_to(&mut bytes).ok()?;
    written.losses.is_empty().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(init: &str) -> String {
        envelope_that(init, "ok")
    }

    fn envelope_that(init: &str, status: &str) -> String {
        let update = format!(
            r#"{{"sid":"00000000-0000-0000-0000-000000000007","started":"2024-01-01T00:00:00Z"{init},"status":"{status}","errors":0,"attrs":{{"release":"r"}}}}"#
        );
        format!("{{}}\n{{\"type\":\"session\",\"length\":{}}}\n{update}\n", update.len())
    }

    #[test]
    fn an_update_is_made_the_first_of_its_session_and_of_no_other() {
        let session = Uuid::from_u128(7);
        let later = envelope("");
        assert!(begun(later.as_bytes()).is_empty());
        let first = begin(later.as_bytes(), session).unwrap();
        assert_eq!(begun(&first), [session]);
        assert!(first.len() > later.len());
        assert_eq!(begin(&first, session), None, "it is that already");
        assert_eq!(begin(later.as_bytes(), Uuid::from_u128(8)), None);
        assert_eq!(begun(envelope(r#","init":true"#).as_bytes()), [session]);
        assert!(begun(b"\"init\":true, and no envelope").is_empty());
    }

    #[test]
    fn an_end_that_nobody_saw_was_a_crash_and_no_other_end() {
        let crashed = crash(envelope_that("", "abnormal").as_bytes()).unwrap();
        let told = Envelope::from_slice(&crashed).unwrap();
        let update = told.items().find_map(EnvelopeItem::session_update).unwrap();
        assert_eq!((update.status, update.errors), (SessionStatus::Crashed, 1));
        assert_eq!(crash(&crashed), None);
        for status in ["ok", "exited", "crashed"] {
            assert_eq!(crash(envelope_that("", status).as_bytes()), None, "{status}");
        }
        assert_eq!(crash(b"\"abnormal\", and no envelope"), None);
    }

    #[test]
    fn a_session_has_a_number_that_is_not_that_of_no_session() {
        assert_eq!(number(Uuid::nil()), 1);
        assert_ne!(number(Uuid::from_u128(7)), number(Uuid::from_u128(8)));
    }
}
