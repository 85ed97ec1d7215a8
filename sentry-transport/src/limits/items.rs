//! Items without a place for remarks: sessions, check-ins, attachments.

use std::borrow::Cow;
use std::fs;

use sentry_core::protocol::client_report::{Category, ItemLoss, Reason};
use sentry_core::protocol::{
    Envelope, EnvelopeItem, MonitorCheckIn, MonitorSchedule, SessionAggregates, SessionAttributes,
    SessionUpdate,
};

use super::caps::{ENVELOPE, SESSIONS};
use super::names;
use super::stage::Trimmed;

/// A name of a file, an id, a schedule: longer ones are a mistake.
const NAME: usize = 200;
const ENVIRONMENT: usize = 64;

pub(super) fn session(session: &mut SessionUpdate<'static>) {
    shorten_option(&mut session.distinct_id, NAME);
    attributes(&mut session.attributes);
}

/// What one item has no room for, as further items.
pub(super) fn sessions(sessions: &mut SessionAggregates<'static>) -> Vec<SessionAggregates<'static>> {
    attributes(&mut sessions.attributes);
    sessions.aggregates.iter_mut().for_each(|bucket| shorten_option(&mut bucket.distinct_id, NAME));
    if sessions.aggregates.len() <= SESSIONS {
        return Vec::new();
    }
    let rest = sessions.aggregates.split_off(SESSIONS);
    let more = rest.chunks(SESSIONS).map(|buckets| SessionAggregates {
        aggregates: buckets.to_vec(),
        attributes: sessions.attributes.clone(),
    });
    more.collect()
}

fn attributes(attributes: &mut SessionAttributes<'static>) {
    names::plain_release(&mut attributes.release);
    attributes.environment.iter_mut().for_each(names::plain_environment);
    shorten_option(&mut attributes.user_agent, NAME);
}

pub(super) fn check_in(check_in: &mut MonitorCheckIn) {
    names::slug(&mut check_in.monitor_slug);
    if let Some(environment) = &mut check_in.environment {
        let mut name = Cow::Borrowed(environment.as_str());
        names::plain_environment(&mut name);
        if let Cow::Owned(name) = name {
            *environment = name;
        }
    }
    let Some(config) = &mut check_in.monitor_config else { return };
    shorten_option(&mut config.timezone, ENVIRONMENT);
    if let MonitorSchedule::Crontab { value } = &mut config.schedule {
        shorten(value, NAME);
    }
}

pub(super) fn file_name(name: &mut String) {
    // The end of it says what kind of file it is.
    if name.len() > NAME {
        let mut start = name.len() - NAME;
        while !name.is_char_boundary(start) {
            start += 1;
        }
        name.drain(..start);
    }
}

/// Leaves out attachments that are too large, and the last ones of too many.
pub(super) fn attachments(envelope: &mut Envelope, most: usize, trimmed: &mut Trimmed) {
    // Who allows larger files has a server that takes them.
    let mut left = ENVELOPE.max(most as u64);
    envelope.retain_items(|item| {
        let size = match item {
            EnvelopeItem::Attachment(attachment) => attachment.buffer.len() as u64,
            // A file that cannot be read is found out, and counted, when it is written.
            EnvelopeItem::FileAttachment(file) => fs::metadata(file.path()).map_or(0, |file| file.len()),
            EnvelopeItem::StoredAttachment(stored) => stored.bytes().length(),
            _ => return true,
        };
        if size > most as u64 || size > left {
            trimmed.losses.push(ItemLoss::new(Category::Attachment, size).with_reason(Reason::Invalid));
            return false;
        }
        left -= size;
        true
    });
}

pub(super) fn lost_spans(spans: usize) -> Option<ItemLoss> {
    (spans > 0).then(|| ItemLoss::new(Category::Span, spans as u64).with_reason(Reason::BufferOverflow))
}

fn shorten_option(text: &mut Option<String>, most: usize) {
    if let Some(text) = text {
        shorten(text, most);
    }
}

fn shorten(text: &mut String, most: usize) {
    if text.len() > most {
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.shrink_to_fit();
    }
}
