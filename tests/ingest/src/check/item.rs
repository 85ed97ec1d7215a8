//! One item: its header and its size (protocol 1.3 to 1.6).

use serde_json::Value;

use crate::envelope::Item;

/// The content type that tells a trace attachment from one that belongs to an event.
pub(super) const TRACE_ATTACHMENT: &str = "application/vnd.sentry.trace-attachment";

/// Checks one item without regard to its neighbours.
pub(super) fn check(item: &Item, problems: &mut Vec<String>) {
    let kind = item.kind();
    if !item.headers["length"].is_u64() {
        problems.push("length is missing".to_owned());
    }
    let Some((_, limit)) = TYPES.iter().find(|(name, _)| *name == kind) else {
        problems.push(format!("type is {}, which nobody should send", item.headers["type"]));
        return;
    };
    if item.payload.len() > *limit {
        problems.push(format!("{} bytes, at most {limit} are accepted", item.payload.len()));
    }
    match kind {
        "attachment" => attachment(&item.headers, problems),
        "replay_recording" => {}
        _ => json(item, problems),
    }
}

fn attachment(headers: &Value, problems: &mut Vec<String>) {
    if headers["content_type"] == TRACE_ATTACHMENT {
        if !headers["meta_length"].is_u64() {
            problems.push("meta_length is missing".to_owned());
        }
        return;
    }
    match headers["filename"].as_str() {
        None => problems.push("filename is missing".to_owned()),
        Some(name) if name.contains(['/', '\\']) => problems.push(format!("filename {name:?} is a path")),
        Some(_) => {}
    }
}

fn json(item: &Item, problems: &mut Vec<String>) {
    let payload = item.json();
    if !payload.is_object() {
        problems.push("payload is not a JSON object".to_owned());
        return;
    }
    match item.kind() {
        "check_in" => {
            for key in ["check_in_id", "monitor_slug", "status"] {
                if !payload[key].is_string() {
                    problems.push(format!("{key} is missing"));
                }
            }
        }
        "profile_chunk" if item.headers.get("platform") != payload.get("platform") => {
            problems.push("platform in the header is not the one in the payload".to_owned());
        }
        "sessions" if payload["aggregates"].as_array().is_some_and(|buckets| buckets.len() > 100) => {
            problems.push("more than 100 buckets".to_owned());
        }
        _ => {}
    }
    if let Some((_, content_type, limit)) = CONTAINERS.iter().find(|(kind, ..)| *kind == item.kind()) {
        container(item, &payload, content_type, *limit, problems);
    }
}

fn container(item: &Item, payload: &Value, content_type: &str, limit: usize, problems: &mut Vec<String>) {
    if item.headers["content_type"] != content_type {
        problems.push(format!("content_type is {}, not {content_type}", item.headers["content_type"]));
    }
    let Some(entries) = payload["items"].as_array() else {
        problems.push("payload has no list of items".to_owned());
        return;
    };
    if item.headers["item_count"].as_u64() != Some(entries.len() as u64) {
        problems.push(format!(
            "item_count is {}, the payload has {}",
            item.headers["item_count"],
            entries.len()
        ));
    }
    if entries.len() > limit {
        problems.push(format!("{} entries, at most {limit} are accepted", entries.len()));
    }
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Every type a client may write, and the largest payload a server takes.
const TYPES: [(&str, usize); 15] = [
    ("attachment", 200 * MIB),
    ("check_in", 100 * KIB),
    ("client_report", 4 * KIB),
    ("event", MIB),
    ("feedback", MIB),
    ("log", MIB),
    ("profile", 50 * MIB),
    ("profile_chunk", 50 * MIB),
    ("replay_event", MIB),
    ("replay_recording", 20 * MIB),
    ("session", MIB),
    ("sessions", MIB),
    ("span", MIB),
    ("trace_metric", MIB),
    ("transaction", MIB),
];

const CONTAINERS: [(&str, &str, usize); 3] = [
    ("log", "application/vnd.sentry.items.log+json", 100),
    ("span", "application/vnd.sentry.items.span.v2+json", 1000),
    ("trace_metric", "application/vnd.sentry.items.trace-metric+json", 100),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn expect(mut headers: Value, payload: &str, part: &str) {
        headers["length"] = payload.len().into();
        let mut problems = Vec::new();
        check(&Item { headers, payload: payload.into() }, &mut problems);
        match part {
            "" => assert_eq!(problems, Vec::<String>::new()),
            part => assert!(problems.len() == 1 && problems[0].contains(part), "{part:?} in {problems:#?}"),
        }
    }

    #[test]
    fn headers_are_checked_by_type() {
        let log = "application/vnd.sentry.items.log+json";
        expect(json!({"type": "log", "content_type": log, "item_count": 1}), r#"{"items":[{}]}"#, "");
        expect(
            json!({"type": "log", "content_type": log, "item_count": 2}),
            r#"{"items":[{}]}"#,
            "item_count is 2",
        );
        expect(json!({"type": "log", "item_count": 0}), r#"{"items":[]}"#, "content_type is null");
        expect(json!({"type": "log", "content_type": log, "item_count": 0}), "{}", "no list of items");
        expect(json!({"type": "statsd"}), "", "nobody should send");
        expect(json!({"kind": "event"}), "{}", "type is null");
        expect(json!({"type": "session"}), "[]", "not a JSON object");
        expect(json!({"type": "attachment"}), "", "filename is missing");
        expect(json!({"type": "attachment", "filename": "a/b"}), "", "is a path");
        expect(json!({"type": "check_in"}), r#"{"check_in_id":"a","monitor_slug":"b"}"#, "status is missing");
        expect(json!({"type": "profile_chunk", "platform": "rust"}), r#"{"platform":"native"}"#, "platform");
    }

    #[test]
    fn payloads_over_the_limit_are_reported() {
        let report = format!("{{\"a\":\"{}\"}}", "x".repeat(5000));
        expect(json!({"type": "client_report"}), &report, "at most 4096");
    }

    #[test]
    fn a_missing_length_is_reported() {
        let mut problems = Vec::new();
        check(&Item { headers: json!({"type": "session"}), payload: b"{}".to_vec() }, &mut problems);
        assert_eq!(problems, ["length is missing"]);
    }
}
