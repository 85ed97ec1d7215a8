//! What the options change.

use sentry_core::ClientOptions;
use sentry_core::options::{DataCollection, KeyValue, ScrubField, ScrubOptions};
use sentry_core::protocol::{Envelope, Event, Exception, Request};

use crate::scrub::Scrubber;

fn scrubbed(options: ClientOptions, event: Event<'static>) -> Event<'static> {
    let mut envelope = Envelope::from(event);
    Scrubber::new(&options).scrub(&mut envelope);
    envelope.event().cloned().unwrap()
}

fn event() -> Event<'static> {
    let exception = Exception { value: Some("no user jo@example.com".into()), ..Exception::default() };
    Event {
        message: Some("password=hunter2".into()),
        extra: [
            ("badge".to_owned(), "B-77".into()),
            ("api_key".to_owned(), 42.into()),
            ("color".to_owned(), "red".into()),
        ]
        .into(),
        exception: vec![exception].into(),
        ..Event::default()
    }
}

#[test]
fn off_is_off() {
    let event = event();
    assert_eq!(scrubbed(ClientOptions::new().scrub(ScrubOptions::off()), event.clone()), event);
}

#[test]
fn names_are_added_or_replaced() {
    let added = scrubbed(ClientOptions::new().scrub(ScrubOptions::default().deny(["BADGE"])), event());
    assert_eq!(added.extra["badge"], "[Filtered]");
    assert_eq!(added.extra["api_key"], "[Filtered]");
    let replaced =
        scrubbed(ClientOptions::new().scrub(ScrubOptions::default().deny_only(["badge"])), event());
    assert_eq!(replaced.extra["badge"], "[Filtered]");
    assert_eq!(replaced.extra["api_key"], 42);
    assert_eq!(replaced.message.as_deref(), Some("password=hunter2"));
}

#[test]
fn what_is_denied_goes_although_it_is_allowed() {
    let left =
        scrubbed(ClientOptions::new().scrub(ScrubOptions::default().allow(["api_key", "color"])), event());
    assert_eq!(left.extra["color"], "red");
    assert_eq!(left.extra["badge"], "[Filtered]");
    assert_eq!(left.extra["api_key"], "[Filtered]");
}

#[test]
fn a_field_can_be_left_alone() {
    let left = scrubbed(ClientOptions::new().scrub(ScrubOptions::default().skip(ScrubField::Extra)), event());
    assert_eq!(left.extra["api_key"], 42);
    assert_eq!(left.message.as_deref(), Some("password=[Filtered]"));
}

#[test]
fn personal_data_goes_where_nobody_permitted_it() {
    let value = |options| scrubbed(options, event()).exception[0].value.clone().unwrap();
    assert_eq!(value(ClientOptions::new()), "no user [Filtered]");
    assert_eq!(value(ClientOptions::new().send_default_pii(true)), "no user jo@example.com");
    assert_eq!(
        value(ClientOptions::new().data_collection(DataCollection::default())),
        "no user jo@example.com"
    );
    let said = || Event { message: Some("hello jo@example.com".into()), ..Event::default() };
    assert_eq!(scrubbed(ClientOptions::new(), said()).message.as_deref(), Some("hello [Filtered]"));
    let set = || Event {
        event_id: sentry_core::types::Uuid::nil(),
        timestamp: std::time::UNIX_EPOCH,
        extra: [("note".to_owned(), "hello jo@example.com".into())].into(),
        tags: [("mail".to_owned(), "jo@example.com".to_owned())].into(),
        ..Event::default()
    };
    assert_eq!(scrubbed(ClientOptions::new(), set()), set(), "the application has set it");
    let strict = scrubbed(ClientOptions::new().send_default_pii(true).scrub(ScrubOptions::strict()), set());
    assert_eq!(strict.extra["note"], "hello [Filtered]");
    assert_eq!(strict.tags["mail"], "[Filtered]");
}

#[test]
fn headers_follow_the_rules_of_collection() {
    let event = || {
        let headers = [("X-Real-Ip", "203.0.113.7"), ("Accept", "a"), ("Authorization", "Basic x")];
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Event { request: Some(Request { headers, ..Request::default() }), ..Event::default() }
    };
    let header = |options, name: &str| scrubbed(options, event()).request.unwrap().headers[name].clone();
    assert_eq!(header(ClientOptions::new(), "X-Real-Ip"), "[Filtered]");
    assert_eq!(header(ClientOptions::new().send_default_pii(true), "X-Real-Ip"), "203.0.113.7");
    assert_eq!(header(ClientOptions::new().send_default_pii(true), "Authorization"), "[Filtered]");
    let only_ip =
        DataCollection { request_headers: KeyValue::allow(["x-real-ip"]), ..DataCollection::default() };
    assert_eq!(header(ClientOptions::new().data_collection(only_ip.clone()), "X-Real-Ip"), "203.0.113.7");
    assert_eq!(header(ClientOptions::new().data_collection(only_ip), "Accept"), "[Filtered]");
}

#[test]
fn a_rule_of_the_application_sees_what_is_left() {
    let rule = |key: &str, text: &str| {
        assert!(!text.contains("hunter2"));
        (key == "badge" && text.starts_with("B-")).then(|| "[badge]".to_owned())
    };
    let left = scrubbed(ClientOptions::new().scrub(ScrubOptions::default().rule(rule)), event());
    assert_eq!(left.extra["badge"], "[badge]");
    assert_eq!(left.extra["color"], "red");
}

#[test]
fn a_rule_that_panics_takes_the_text_with_it() {
    let rule = |_: &str, text: &str| if text == "red" { panic!("expected by the test") } else { None };
    let left = scrubbed(ClientOptions::new().scrub(ScrubOptions::default().rule(rule)), event());
    assert_eq!(left.extra["color"], "[Filtered]");
    assert_eq!(left.extra["badge"], "B-77");
}
