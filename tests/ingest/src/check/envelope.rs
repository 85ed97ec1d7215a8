//! The envelope header, and which items may share an envelope (protocol 1.2 and 1.4).

use serde_json::Value;

use super::{event, format, item};
use crate::envelope::Envelope;

/// Checks a whole envelope; `dsn` is the one it should name if it names any.
pub(crate) fn check(envelope: &Envelope, dsn: &str, problems: &mut Vec<String>) {
    header(envelope, dsn, problems);
    if envelope.items.is_empty() {
        problems.push("envelope without items".to_owned());
    }
    for (index, item) in envelope.items.iter().enumerate() {
        let mut found = Vec::new();
        item::check(item, &mut found);
        if EVENT_LIKE.contains(&item.kind()) {
            event::check(item, &envelope.headers["event_id"], &mut found);
        }
        problems
            .extend(found.into_iter().map(|problem| format!("item {index} ({}): {problem}", item.kind())));
    }
    combination(envelope, problems);
}

fn header(envelope: &Envelope, dsn: &str, problems: &mut Vec<String>) {
    let headers = &envelope.headers;
    for (index, key) in envelope.header_keys.iter().enumerate() {
        if envelope.header_keys[..index].contains(key) {
            problems.push(format!("envelope header {key} is written twice"));
        }
        if !HEADER_KEYS.contains(&key.as_str()) {
            problems.push(format!("envelope header {key} is not a key of the protocol"));
        }
    }
    match &headers["sent_at"] {
        Value::Null => problems.push("envelope header sent_at is missing".to_owned()),
        Value::String(text) if format::is_utc(text) => {}
        other => problems.push(format!("envelope header sent_at is {other}, not RFC 3339 in UTC")),
    }
    match headers.get("dsn") {
        Some(found) if found != dsn => {
            problems.push("envelope header dsn is not the DSN of this server".to_owned());
        }
        _ => {}
    }
    if let Some(sdk) = headers.get("sdk")
        && !(sdk["name"].is_string() && sdk["version"].is_string())
    {
        problems.push("envelope header sdk has no name or no version".to_owned());
    }
    match headers.get("event_id") {
        None if envelope.items.iter().any(|item| EVENT_LIKE.contains(&item.kind())) => {
            problems.push("envelope header event_id is missing".to_owned());
        }
        Some(id) if !format::is_id(id) => {
            problems.push(format!("envelope header event_id is {id}, not 32 lower-case hex digits"));
        }
        _ => {}
    }
    if let Some(trace) = headers.get("trace")
        && !(format::is_id(&trace["trace_id"]) && trace["public_key"].is_string())
    {
        problems.push("envelope header trace has no valid trace_id or no public_key".to_owned());
    }
}

fn combination(envelope: &Envelope, problems: &mut Vec<String>) {
    for (kind, limit) in LIMITS {
        let count = envelope.items_of(kind).count();
        if count > limit {
            problems.push(format!("{count} items of type {kind}, at most {limit} may share an envelope"));
        }
    }
    let has = |kind: &str| envelope.items_of(kind).next().is_some();
    let families: Vec<_> = FAMILIES
        .iter()
        .filter(|family| family.iter().any(|kind| has(kind)))
        .map(|family| family[0])
        .collect();
    // Session updates ride with the error that changed them, anywhere else they are a family of their own.
    let rides = |family: &&str| *family == "session" && has("event");
    if families.iter().filter(|family| !rides(family)).count() > 1 {
        problems.push(format!("kinds of telemetry that must not share an envelope: {families:?}"));
    }
    let owned_attachment =
        envelope.items_of("attachment").any(|item| item.headers["content_type"] != item::TRACE_ATTACHMENT);
    if owned_attachment && !EVENT_LIKE.iter().any(|kind| has(kind)) {
        problems.push("attachment without its event".to_owned());
    }
    if has("profile") && !has("transaction") {
        problems.push("profile without its transaction".to_owned());
    }
    let trace = envelope.headers.get("trace").is_some();
    if trace && (has("log") || has("trace_metric")) {
        problems.push("envelope header trace on a batch of logs or metrics".to_owned());
    }
    if !trace && has("span") {
        problems.push("envelope header trace is missing on a batch of spans".to_owned());
    }
}

const HEADER_KEYS: [&str; 5] = ["dsn", "event_id", "sdk", "sent_at", "trace"];
/// These need an event id in the envelope header. So do attachments, but not without one of these beside them.
const EVENT_LIKE: [&str; 3] = ["event", "feedback", "transaction"];
const LIMITS: [(&str, usize); 10] = [
    ("check_in", 1),
    ("event", 1),
    ("feedback", 1),
    ("log", 1),
    ("profile", 1),
    ("profile_chunk", 1),
    ("session", 100),
    ("span", 1),
    ("trace_metric", 1),
    ("transaction", 1),
];
/// Items of two rows never share an envelope; types in no row go with anything.
const FAMILIES: [&[&str]; 9] = [
    &["event"],
    &["feedback"],
    &["log"],
    &["profile_chunk"],
    &["replay_event", "replay_recording"],
    &["session", "sessions"],
    &["span"],
    &["trace_metric"],
    &["transaction", "profile"],
];

#[cfg(test)]
mod tests {
    use super::*;

    const DSN: &str = "http://public@127.0.0.1:1/42";
    const SENT: &str = r#""sent_at":"2025-01-02T03:04:05Z""#;
    const ID: &str = r#""event_id":"c993afb6b4ac48a6b61b2558e601d65d""#;
    const TRACE: &str = r#""trace":{"trace_id":"8f431b7aa08441bbbd5a0100fd91f9fe","public_key":"public"}"#;

    fn problems(header: &str, items: &[(&str, &str)]) -> Vec<String> {
        let mut body = format!("{{{header}}}");
        for (headers, payload) in items {
            body.push_str(&format!("\n{{{headers},\"length\":{}}}\n{payload}", payload.len()));
        }
        let mut problems = Vec::new();
        check(&Envelope::parse(body.as_bytes()).unwrap(), DSN, &mut problems);
        problems
    }

    fn event() -> (&'static str, String) {
        (r#""type":"event""#, format!(r#"{{{ID},"timestamp":1.5,"platform":"native"}}"#))
    }

    #[track_caller]
    fn expect(problems: &[String], part: &str) {
        assert!(problems.len() == 1 && problems[0].contains(part), "expected {part:?} in {problems:#?}");
    }

    #[test]
    fn a_good_envelope_is_clean() {
        let (kind, payload) = event();
        let header = format!(r#"{ID},{SENT},"dsn":"{DSN}","sdk":{{"name":"a","version":"1"}},{TRACE}"#);
        let items = [
            (kind, payload.as_str()),
            (r#""type":"attachment","filename":"a.txt""#, "x"),
            (r#""type":"session""#, "{}"),
            (r#""type":"client_report""#, "{}"),
        ];
        assert_eq!(problems(&header, &items), Vec::<String>::new());
    }

    #[test]
    fn header_mistakes_are_reported() {
        let (kind, payload) = event();
        let event = [(kind, payload.as_str())];
        let cases = [
            (ID.to_owned(), "sent_at is missing"),
            (format!("{ID},{SENT},{SENT}"), "sent_at is written twice"),
            (format!(r#"{ID},"sent_at":12"#), "sent_at is 12"),
            (format!(r#"{ID},{SENT},"dsn":"http://x@y/1""#), "dsn is not the DSN"),
            (format!(r#"{ID},{SENT},"sdk":{{"name":"a"}}"#), "sdk has no name or no version"),
            (format!(r#"{ID},{SENT},"extra":1"#), "extra is not a key"),
            (format!(r#"{ID},{SENT},"trace":{{}}"#), "trace has no valid trace_id"),
        ];
        for (header, part) in cases {
            expect(&problems(&header, &event), part);
        }
        expect(&problems(SENT, &event), "event_id is missing");
        expect(&problems(SENT, &[]), "without items");
    }

    #[test]
    fn items_that_must_not_meet_are_reported() {
        let (kind, payload) = event();
        let event = (kind, payload.as_str());
        let log = (
            r#""type":"log","item_count":0,"content_type":"application/vnd.sentry.items.log+json""#,
            r#"{"items":[]}"#,
        );
        let header = format!("{ID},{SENT}");
        expect(&problems(&header, &[event, log]), "must not share");
        expect(&problems(&header, &[event, event]), "2 items of type event");
        expect(&problems(SENT, &[(r#""type":"session""#, "{}"), log]), "must not share");
        expect(&problems(SENT, &[(r#""type":"attachment","filename":"a""#, "x")]), "without its event");
        expect(&problems(&format!("{SENT},{TRACE}"), &[log]), "trace on a batch");
        assert_eq!(problems(SENT, &[log, (r#""type":"client_report""#, "{}")]), Vec::<String>::new());
    }
}
