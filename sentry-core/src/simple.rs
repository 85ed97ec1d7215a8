//! An event without the room for what it does not hold.
//!
//! [`Event`] has a field for everything and takes 1.3 KiB before there is anything in it. Most events that users build
//! are a message with a few tags. While they wait in the queue they are kept like this, so that a burst of ten thousand
//! fits its bound.

use std::time::SystemTime;

use crate::protocol::{Event, Level, Value};

/// A message with tags and extras.
#[derive(Clone, Debug)]
pub struct SimpleEvent {
    level: Level,
    timestamp: SystemTime,
    message: Option<String>,
    logger: Option<String>,
    transaction: Option<String>,
    tags: Box<[(String, String)]>,
    extra: Box<[(String, Value)]>,
}

impl SimpleEvent {
    /// Keeps what `event` holds.
    ///
    /// # Errors
    /// The event as it was, if it holds more than fits here.
    pub(crate) fn new(event: Box<Event<'static>>) -> Result<Self, Box<Event<'static>>> {
        if !is_simple(&event) {
            return Err(event);
        }
        let Event { level, timestamp, message, logger, transaction, tags, extra, .. } = *event;
        Ok(Self {
            level,
            timestamp,
            message,
            logger,
            transaction,
            tags: tags.into_iter().collect(),
            extra: extra.into_iter().collect(),
        })
    }

    /// The event again, with a blank id.
    pub(crate) fn into_event(self) -> Event<'static> {
        Event {
            event_id: crate::types::Uuid::nil(),
            level: self.level,
            timestamp: self.timestamp,
            message: self.message,
            logger: self.logger,
            transaction: self.transaction,
            tags: self.tags.into_iter().collect(),
            extra: self.extra.into_iter().collect(),
            ..Event::default()
        }
    }

    /// The level.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// The text.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The logger that brought it, if one did.
    #[must_use]
    pub fn logger(&self) -> Option<&str> {
        self.logger.as_deref()
    }

    /// The tags.
    pub(crate) fn tags(&self) -> &[(String, String)] {
        &self.tags
    }

    /// The extras.
    pub(crate) fn extra(&self) -> &[(String, Value)] {
        &self.extra
    }

    /// The bytes of its texts.
    pub(crate) fn text_len(&self) -> usize {
        [&self.message, &self.logger, &self.transaction].into_iter().flatten().map(String::len).sum()
    }
}

/// Whether every other field is as `Event::default()` leaves it.
fn is_simple(event: &Event<'_>) -> bool {
    let Event {
        event_id: _,
        level: _,
        timestamp: _,
        message: _,
        logger: _,
        transaction: _,
        tags: _,
        extra: _,
        fingerprint,
        culprit,
        logentry,
        modules,
        platform,
        server_name,
        release,
        dist,
        environment,
        user,
        request,
        contexts,
        breadcrumbs,
        exception,
        stacktrace,
        template,
        threads,
        debug_meta,
        sdk,
    } = event;
    let has_no_texts = culprit.is_none()
        && server_name.is_none()
        && release.is_none()
        && dist.is_none()
        && environment.is_none()
        && platform == "other"
        && **fingerprint == *Event::DEFAULT_FINGERPRINT;
    let has_no_parts = logentry.is_none()
        && user.is_none()
        && request.is_none()
        && stacktrace.is_none()
        && template.is_none()
        && sdk.is_none()
        && debug_meta.images.is_empty()
        && debug_meta.sdk_info.is_none();
    let has_no_lists = modules.is_empty()
        && contexts.is_empty()
        && breadcrumbs.is_empty()
        && exception.is_empty()
        && threads.is_empty();
    has_no_texts && has_no_parts && has_no_lists
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::User;

    fn simple() -> Event<'static> {
        Event {
            level: Level::Warning,
            message: Some("low on ink".into()),
            logger: Some("printer".into()),
            transaction: Some("print".into()),
            tags: [("tray".to_owned(), "2".to_owned())].into(),
            extra: [("pages".to_owned(), 12.into())].into(),
            ..Event::default()
        }
    }

    #[test]
    fn a_simple_event_comes_back_as_it_was() {
        let before = simple();
        let thin = SimpleEvent::new(Box::new(before.clone())).unwrap();
        let after = Event { event_id: before.event_id, ..thin.into_event() };
        assert_eq!(after, before);
        assert!(size_of::<SimpleEvent>() <= 144, "{}", size_of::<SimpleEvent>());
    }

    #[test]
    fn anything_else_stays_a_whole_event() {
        let others: [fn(&mut Event<'static>); 6] = [
            |event| event.user = Some(User::default()),
            |event| event.release = Some("a@1".into()),
            |event| event.fingerprint = vec!["mine".into()].into(),
            |event| event.culprit = Some("there".into()),
            |event| event.platform = "native".into(),
            |event| event.exception = vec![crate::protocol::Exception::default()].into(),
        ];
        for change in others {
            let mut event = simple();
            change(&mut event);
            assert_eq!(*SimpleEvent::new(Box::new(event.clone())).unwrap_err(), event);
        }
    }
}
