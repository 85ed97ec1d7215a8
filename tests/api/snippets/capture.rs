//! Captures: errors, messages, events, and what callbacks make of them.

use std::fmt;
use std::sync::Arc;

use sentry::protocol::{Event, Exception, Value, Values};
use sentry::test::{with_captured_events, with_captured_events_options};
use sentry::{ClientOptions, Hub, Level};

/// The way in which many applications write an error.
#[derive(Debug)]
enum ShopError {
    Payment(std::num::ParseIntError),
}

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payment(_) => f.write_str("payment failed"),
        }
    }
}

impl std::error::Error for ShopError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Payment(source) => Some(source),
        }
    }
}

fn pay(amount: &str) -> Result<u32, ShopError> {
    amount.parse().map_err(ShopError::Payment)
}

#[test]
fn an_error_is_captured_with_its_sources() {
    let events = with_captured_events(|| {
        if let Err(error) = pay("nothing") {
            let id = sentry::capture_error(&error);
            assert_eq!(sentry::last_event_id(), Some(id));
            let dynamic: Box<dyn std::error::Error + Send + Sync> = error.into();
            Hub::current().capture_error(dynamic.as_ref());
        }
    });
    let values: Vec<_> = events[0].exception.iter().map(|exception| exception.value.as_deref()).collect();
    assert_eq!(values, [Some("invalid digit found in string"), Some("payment failed")]);
    assert_eq!(events[1].exception.len(), 2);
}

#[test]
fn messages_and_events_are_captured() {
    let events = with_captured_events(|| {
        sentry::capture_message("Something went wrong", Level::Warning);
        sentry::capture_event(Event {
            message: Some("Hello".into()),
            level: Level::Info,
            culprit: Some("shop::cart".into()),
            fingerprint: vec!["{{ default }}".into(), "cart".into()].into(),
            exception: vec![Exception { ty: "CartError".into(), value: None, ..Default::default() }].into(),
            ..Default::default()
        });
        Hub::current().capture_message("from the hub", Level::Fatal);
        let mut event = sentry::event_from_error(&fmt::Error);
        event.level = Level::Debug;
        event.extra.insert("attempt".into(), Value::from(2));
        sentry::capture_event(event);
    });
    let levels: Vec<_> = events.iter().map(|event| event.level).collect();
    assert_eq!(levels, [Level::Warning, Level::Info, Level::Fatal, Level::Debug]);
    let Values { values, .. } = &events[1].exception;
    assert_eq!(values[0].ty, "CartError");
}

#[test]
fn before_send_changes_and_drops_events() {
    let literal = ClientOptions {
        before_send: Some(Arc::new(|mut event| {
            if event.level == Level::Debug {
                return None;
            }
            event.server_name = Some("hidden".into());
            Some(event)
        })),
        ..Default::default()
    };
    let setter = ClientOptions::new().before_send(|mut event| {
        event.server_name = Some("hidden".into());
        (event.level != Level::Debug).then_some(event)
    });
    for options in [literal, setter] {
        let events = with_captured_events_options(
            || {
                sentry::capture_message("kept", Level::Info);
                assert!(sentry::capture_message("dropped", Level::Debug).is_nil());
            },
            options,
        );
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].server_name.as_deref(), Some("hidden"));
    }
}
