//! The payload of an event, a transaction or a feedback (protocol 14).

use serde_json::Value;

use super::format::{is_address, is_id, is_span_id, is_timestamp};
use crate::envelope::Item;

const LEVELS: [&str; 5] = ["debug", "error", "fatal", "info", "warning"];

/// Checks the payload against its own rules and against the id in the envelope header.
pub(super) fn check(item: &Item, header_id: &Value, problems: &mut Vec<String>) {
    let event = item.json();
    let Some(fields) = event.as_object() else { return };
    for (name, _) in fields.iter().filter(|(_, value)| value.is_null()) {
        problems.push(format!("{name} is null instead of absent"));
    }
    // A missing header is reported with the envelope.
    if !header_id.is_null() && event["event_id"] != *header_id {
        problems.push(format!("event_id is {}, the envelope header says {header_id}", event["event_id"]));
    }
    if !is_timestamp(&event["timestamp"]) {
        problems.push(format!("timestamp is {}, not a time", event["timestamp"]));
    }
    if !event["platform"].is_string() {
        problems.push("platform is missing".to_owned());
    }
    if event.get("level").is_some_and(|level| !level.as_str().is_some_and(|name| LEVELS.contains(&name))) {
        problems.push(format!("level is {}", event["level"]));
    }
    for exception in values(&event["exception"]) {
        check_exception(exception, problems);
    }
    for thread in values(&event["threads"]) {
        if thread["id"].is_null() {
            problems.push("a thread has no id".to_owned());
        }
        check_stack(&thread["stacktrace"], problems);
    }
    for breadcrumb in values(&event["breadcrumbs"]) {
        if !is_timestamp(&breadcrumb["timestamp"]) {
            problems.push(format!("timestamp of a breadcrumb is {}", breadcrumb["timestamp"]));
        }
    }
    if let Some(trace) = event["contexts"].get("trace") {
        check_trace(trace, problems);
    }
    if item.kind() == "transaction" {
        check_transaction(&event, problems);
    }
}

/// The entries of an interface, wrapped in `values` or as a flat list.
pub(crate) fn values(interface: &Value) -> &[Value] {
    let list = interface.get("values").unwrap_or(interface);
    list.as_array().map_or(&[], Vec::as_slice)
}

fn check_exception(exception: &Value, problems: &mut Vec<String>) {
    if exception["type"].is_null() && exception["value"].is_null() {
        problems.push("an exception has neither type nor value".to_owned());
    }
    if exception.get("mechanism").is_some_and(|mechanism| !mechanism["type"].is_string()) {
        problems.push("the mechanism of an exception has no type".to_owned());
    }
    check_stack(&exception["stacktrace"], problems);
}

fn check_stack(stack: &Value, problems: &mut Vec<String>) {
    if stack.is_null() {
        return;
    }
    let frames = stack["frames"].as_array().map_or(&[][..], Vec::as_slice);
    if frames.is_empty() {
        problems.push("a stack trace has no frames".to_owned());
    }
    for frame in frames {
        if ["filename", "function", "instruction_addr"].iter().all(|key| frame[key].is_null()) {
            problems.push("a frame has no filename, no function and no instruction_addr".to_owned());
        }
        for key in ["image_addr", "instruction_addr", "symbol_addr"] {
            if frame.get(key).is_some_and(|addr| !is_address(addr)) {
                problems.push(format!("{key} of a frame is {}, not \"0x…\"", frame[key]));
            }
        }
    }
}

fn check_trace(trace: &Value, problems: &mut Vec<String>) {
    if !is_id(&trace["trace_id"]) {
        problems.push(format!("trace_id of the trace context is {}", trace["trace_id"]));
    }
    for key in ["parent_span_id", "span_id"] {
        let required = key == "span_id";
        if (required || trace.get(key).is_some()) && !is_span_id(&trace[key]) {
            problems.push(format!("{key} of the trace context is {}", trace[key]));
        }
    }
}

fn check_transaction(event: &Value, problems: &mut Vec<String>) {
    if event["type"] != "transaction" {
        problems.push(format!("type is {}, not \"transaction\"", event["type"]));
    }
    if !is_timestamp(&event["start_timestamp"]) {
        problems.push(format!("start_timestamp is {}, not a time", event["start_timestamp"]));
    }
    if event["contexts"].get("trace").is_none() {
        problems.push("the trace context is missing".to_owned());
    }
    let spans = event["spans"].as_array().map_or(&[][..], Vec::as_slice);
    if spans.len() > 1000 {
        problems.push(format!("{} spans, at most 1000 are accepted", spans.len()));
    }
    for span in spans {
        if !(is_span_id(&span["span_id"]) && is_id(&span["trace_id"])) {
            problems.push("a span has no valid span_id or trace_id".to_owned());
        }
        if !(is_timestamp(&span["start_timestamp"]) && is_timestamp(&span["timestamp"])) {
            problems.push("a span has no valid start_timestamp or timestamp".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "c993afb6b4ac48a6b61b2558e601d65d";

    fn problems_of(kind: &str, change: impl FnOnce(&mut Value)) -> Vec<String> {
        let trace = json!({"trace_id": ID, "span_id": "a993afb6b4ac48a6"});
        let mut event = json!({
            "event_id": ID, "timestamp": 2.5, "platform": "native", "level": "error", "contexts": {"trace": trace},
            "exception": {"values": [{"type": "E", "mechanism": {"type": "panic"},
                "stacktrace": {"frames": [{"function": "f", "instruction_addr": "0x1"}]}}]},
            "breadcrumbs": {"values": [{"timestamp": 1}]},
            "threads": {"values": [{"id": 1}]},
        });
        if kind == "transaction" {
            event["type"] = "transaction".into();
            event["start_timestamp"] = 1.5.into();
            event["spans"] = json!([{"span_id": "b993afb6b4ac48a6", "trace_id": ID,
                "start_timestamp": 1.6, "timestamp": 1.7}]);
        }
        change(&mut event);
        let item = Item { headers: json!({"type": kind}), payload: event.to_string().into_bytes() };
        let mut problems = Vec::new();
        check(&item, &json!(ID), &mut problems);
        problems
    }

    #[test]
    fn good_payloads_are_clean() {
        for kind in ["event", "transaction", "feedback"] {
            assert_eq!(problems_of(kind, |_| {}), Vec::<String>::new(), "{kind}");
        }
    }

    #[test]
    fn each_mistake_is_reported() {
        let cases = [
            ("/event_id", json!("d993afb6b4ac48a6b61b2558e601d65d"), "envelope header says"),
            ("/timestamp", json!("nonsense"), "timestamp is \"nonsense\""),
            ("/platform", json!(1), "platform is missing"),
            ("/level", json!("warn"), "level is \"warn\""),
            ("/exception/values/0", json!({}), "neither type nor value"),
            ("/exception/values/0/mechanism", json!({}), "has no type"),
            ("/exception/values/0/stacktrace/frames", json!([]), "no frames"),
            ("/exception/values/0/stacktrace/frames/0", json!({"lineno": 1}), "a frame has no filename"),
            (
                "/exception/values/0/stacktrace/frames/0/instruction_addr",
                json!(1),
                "instruction_addr of a frame",
            ),
            ("/breadcrumbs/values/0/timestamp", json!("x"), "timestamp of a breadcrumb"),
            ("/threads/values/0/id", Value::Null, "a thread has no id"),
            ("/contexts/trace/trace_id", json!("x"), "trace_id of the trace context"),
            ("/contexts/trace/span_id", Value::Null, "span_id of the trace context"),
            ("/start_timestamp", json!("x"), "start_timestamp is"),
            ("/type", json!("event"), "not \"transaction\""),
            ("/spans/0/span_id", json!("x"), "a span has no valid span_id"),
            ("/spans/0/timestamp", json!("x"), "a span has no valid start_timestamp"),
        ];
        for (pointer, value, part) in cases {
            let problems = problems_of("transaction", |event| *event.pointer_mut(pointer).unwrap() = value);
            assert!(problems.len() == 1 && problems[0].contains(part), "{part:?} in {problems:#?}");
        }
    }

    #[test]
    fn null_fields_are_reported() {
        assert_eq!(
            problems_of("event", |event| event["user"] = Value::Null),
            ["user is null instead of absent"]
        );
    }
}
