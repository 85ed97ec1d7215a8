//! The scrubber over arbitrary bytes: no panic, JSON of the same shape, done twice is done once, no growth but by marks.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sentry_core::ClientOptions;
use sentry_core::options::ScrubOptions;
use sentry_core::protocol::{Breadcrumb, Envelope, Event, Exception, Request, Value};
use sentry_transport::scrub::Scrubber;

static SCRUBBERS: LazyLock<[Scrubber; 3]> = LazyLock::new(|| {
    [
        ClientOptions::new(),
        ClientOptions::new().send_default_pii(true),
        ClientOptions::new().scrub(ScrubOptions::strict().deny(["jo"])),
    ]
    .map(|options| Scrubber::new(&options))
});

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let scrubber = &SCRUBBERS[usize::from(*first) % SCRUBBERS.len()];
    records(scrubber, data);
    envelopes(scrubber, data);
    let text = String::from_utf8_lossy(data);
    drop(scrubber.preview(&text));
    events(scrubber, &text);
    any_json(scrubber, data);
});

/// Streamed: encoded telemetry.
fn records(scrubber: &Scrubber, data: &[u8]) {
    let batch = [br#"{"body":"x","attributes":{"a":{"type":"string","value":"#, data, b"}}}"].concat();
    for json in [data, &batch] {
        let Some(left) = scrubber.scrub_record(json) else { continue };
        let Ok(before) = serde_json::from_slice::<Value>(json) else { continue };
        let after: Value = serde_json::from_slice(&left).expect("JSON stays JSON");
        assert_eq!(shape(&after), shape(&before));
        assert_eq!(scrubber.scrub_record(&left), None, "{}", String::from_utf8_lossy(&left));
    }
}

/// The same over any names.
fn any_json(scrubber: &Scrubber, data: &[u8]) {
    let Ok(before) = serde_json::from_slice::<Value>(data) else { return };
    if before.as_object().is_none_or(|fields| fields.keys().any(|key| is_an_item(key))) {
        return;
    }
    let left = scrubber.preview(&before.to_string());
    let after: Value = serde_json::from_str(&left).expect("JSON stays JSON");
    assert_eq!(shape(&after), shape(&before), "{left}");
    assert_eq!(scrubber.preview(&left), left);
}

/// A preview reads events as such, and they get remarks.
fn is_an_item(key: &str) -> bool {
    const FIELDS: [&str; 9] = [
        "attributes",
        "breadcrumbs",
        "event_id",
        "exception",
        "extra",
        "items",
        "logentry",
        "message",
        "request",
    ];
    key == "spans" || FIELDS.contains(&key)
}

fn envelopes(scrubber: &Scrubber, data: &[u8]) {
    let Ok(mut envelope) = Envelope::from_slice(data) else { return };
    scrubber.scrub(&mut envelope);
    let mut once = Vec::new();
    envelope.to_writer(&mut once).expect("memory takes everything");
}

/// One text at many places of an event.
fn events(scrubber: &Scrubber, text: &str) {
    let event = Event {
        message: Some(text.to_owned()),
        exception: vec![Exception { value: Some(text.to_owned()), ..Exception::default() }].into(),
        breadcrumbs: vec![Breadcrumb {
            ty: "query".into(),
            message: Some(text.to_owned()),
            data: [(text.to_owned(), text.into())].into(),
            ..Breadcrumb::default()
        }]
        .into(),
        request: Some(Request {
            url: text.parse().ok(),
            query_string: Some(text.to_owned()),
            cookies: Some(text.to_owned()),
            data: Some(text.to_owned()),
            headers: [("Referer".to_owned(), text.to_owned())].into(),
            ..Request::default()
        }),
        extra: [("note".to_owned(), text.into()), (text.to_owned(), 1.into())].into(),
        ..Event::default()
    };
    let scrubbed = |event: &Event<'static>| {
        let mut envelope = Envelope::from(event.clone());
        scrubber.scrub(&mut envelope);
        envelope.event().cloned().expect("it is still there")
    };
    let once = scrubbed(&event);
    let message = once.message.as_deref().unwrap_or_default();
    let marks = message.matches("[Filtered]").count();
    assert!(message.len() <= text.len() + 10 * marks, "{text:?} => {message:?}");
    assert_eq!(scrubbed(&once), once, "{text:?}");
}

/// What is left of a value without its texts: scrubbed, numbers become texts.
fn shape(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(shape).collect::<String>()),
        Value::Object(fields) => {
            let mut shapes: Vec<_> = fields.values().map(shape).collect();
            shapes.sort_unstable();
            format!("{{{}}}", shapes.concat())
        }
        Value::Null => "n".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => "v".to_owned(),
    }
}
