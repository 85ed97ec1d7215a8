//! What is not an event.

use std::time::SystemTime;

use sentry_core::ClientOptions;
use sentry_core::client_report::Recorder;
use sentry_core::protocol::{
    Attachment, Context, Envelope, EnvelopeItem, Event, FeedbackContext, Log, LogLevel, MonitorCheckIn,
    MonitorCheckInStatus, SessionAggregateItem, SessionAggregates, SessionAttributes, Value,
};
use sentry_core::{Finish, Outbound, Telemetry};
use serde_json::json;

use super::{applied, limits, payload};
use crate::limits::Limits;

fn attachment(bytes: usize) -> Attachment {
    Attachment { buffer: vec![1; bytes], filename: "a.bin".into(), ..Attachment::default() }
}

#[test]
fn an_attachment_that_is_too_large_is_dropped_and_counted_and_the_event_is_sent() {
    let recorder = Recorder::default();
    let mut options = ClientOptions::new().max_attachment_size(1_000);
    options.client_report_recorder = recorder.clone();
    let mut envelope = Envelope::from(Event::default());
    [1_001, 1_000, 5_000].map(attachment).into_iter().for_each(|file| envelope.add_item(file));
    Limits::new(&options).finish(&mut envelope);
    assert_eq!(envelope.items().count(), 2);
    let lost: Vec<_> = recorder.totals();
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].category().to_string().as_str(), lost[0].quantity()), ("attachment", 6_001));
}

#[test]
fn a_file_is_measured_before_it_is_read() {
    let path = std::env::temp_dir().join(format!("sentry-limits-{}", std::process::id()));
    std::fs::write(&path, [0; 2_000]).unwrap();
    let options = ClientOptions::new().max_attachment_size(1_000);
    let file = sentry_core::protocol::FileAttachment::new(&path);
    let mut envelope = Envelope::from(Event::default());
    envelope.add_item(file);
    let trimmed = Limits::new(&options).apply(&mut envelope);
    std::fs::remove_file(&path).unwrap();
    assert_eq!((envelope.items().count(), trimmed.losses[0].quantity), (1, 2_000));
}

#[test]
fn sessions_that_do_not_fit_one_item_take_more() {
    let bucket = |n: u64| SessionAggregateItem {
        started: SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(n),
        distinct_id: None,
        exited: 1,
        errored: 0,
        abnormal: 0,
        crashed: 0,
    };
    let attributes =
        SessionAttributes { release: "a/b".into(), environment: None, ip_address: None, user_agent: None };
    let sessions = SessionAggregates { aggregates: (0..250).map(bucket).collect(), attributes };
    let mut envelope = Envelope::from(EnvelopeItem::from(sessions));
    let _ = limits().apply(&mut envelope);
    let counts: Vec<_> = envelope
        .items()
        .map(|item| match item {
            EnvelopeItem::SessionAggregates(sessions) => {
                assert_eq!(sessions.attributes.release, "a-b");
                sessions.aggregates.len()
            }
            _ => 0,
        })
        .collect();
    assert_eq!(counts, [100, 100, 50]);
}

#[test]
fn a_check_in_has_a_slug_and_an_environment_that_servers_take() {
    let check_in = MonitorCheckIn {
        check_in_id: sentry_core::types::Uuid::nil(),
        monitor_slug: format!("nightly job/ä {}", "x".repeat(100)),
        status: MonitorCheckInStatus::Ok,
        environment: Some("a/b".into()),
        duration: None,
        monitor_config: None,
    };
    let (payload, _) = applied(&limits(), check_in.into());
    assert_eq!(payload["monitor_slug"], format!("nightly-job---{}", "x".repeat(36)));
    assert_eq!(payload["environment"], "a-b");
}

#[test]
fn a_message_of_a_user_may_be_long_but_not_endless() {
    let feedback = FeedbackContext { message: "é".repeat(5_000), ..FeedbackContext::default() };
    let event = Event {
        contexts: [("feedback".to_owned(), Context::Feedback(Box::new(feedback)))].into(),
        ..Event::default()
    };
    let (payload, _) = applied(&limits(), EnvelopeItem::Feedback(Box::new(event)));
    let message = payload["contexts"]["feedback"]["message"].as_str().unwrap();
    assert_eq!(message.chars().count(), 4_096);
    assert_eq!(payload["_meta"]["contexts"]["feedback"]["message"][""]["len"], 5_000);
}

fn log(body: String) -> Log {
    Log {
        level: LogLevel::Info,
        body,
        trace_id: None,
        timestamp: SystemTime::UNIX_EPOCH,
        severity_number: None,
        attributes: [("key".to_owned(), "value".into())].into(),
    }
}

#[test]
fn an_encoded_record_that_fits_no_batch_is_shortened() {
    let json = serde_json::to_vec(&log("x".repeat(3_000_000))).unwrap();
    assert_eq!(limits().record(b"{}"), None);
    let short = limits().record(&json).unwrap();
    assert!((500_000..1_048_576 - 4_096).contains(&short.len()), "{}", short.len());
    let short: Value = serde_json::from_slice(&short).unwrap();
    assert_eq!(short["attributes"]["key"], json!({"value": "value", "type": "string"}));

    let mut envelope = Outbound::from_telemetry(Telemetry::log(json)).finish();
    let trimmed = limits().apply(&mut envelope);
    assert_eq!((trimmed.cuts, &trimmed.losses[..]), (1, &[][..]));
    assert!(payload(&envelope)["items"][0]["body"].as_str().unwrap().ends_with("xxx..."));
}

#[test]
fn records_of_the_application_fit_one_item() {
    let logs: Vec<_> = (0..150).map(|_| log("x".repeat(20_000))).collect();
    let (payload, trimmed) = applied(&limits(), logs.into());
    assert_eq!(payload["items"].as_array().unwrap().len(), 100);
    assert_eq!((trimmed.losses[0].quantity, trimmed.cuts), (50, 100));
}

#[test]
fn raw_bytes_are_passed_on_as_they_are() {
    let bytes = b"{}\n{\"type\":\"event\"}\n{\"message\":\"x\"}\n".to_vec();
    let mut envelope = Envelope::from_bytes_raw(bytes).unwrap();
    let before = envelope.clone();
    let _ = limits().apply(&mut envelope);
    assert_eq!(envelope, before);
}
