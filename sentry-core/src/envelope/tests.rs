mod files;
mod raw;

use std::borrow::Cow;
use std::io;
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::*;
use crate::client_report::protocol::{Category, ItemLoss, Reason};
use crate::protocol::*;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn id(text: &str) -> Uuid {
    text.parse().unwrap()
}

fn event() -> Event<'static> {
    Event {
        event_id: id("22d00b3fd1b14b5d8d2049d138cd8a9c"),
        message: Some("hello".into()),
        timestamp: at(1_581_084_960),
        ..Event::default()
    }
}

fn attachment() -> Attachment {
    Attachment {
        buffer: b"some\nbytes\0\xff".to_vec(),
        filename: "a.bin".into(),
        content_type: Some("application/octet-stream".into()),
        ty: Some(AttachmentType::Attachment),
    }
}

fn session_attributes() -> SessionAttributes<'static> {
    SessionAttributes {
        release: "app@1.0.0".into(),
        environment: Some("test".into()),
        ip_address: None,
        user_agent: None,
    }
}

/// One of every kind, as bytes can tell them apart again.
fn items() -> Vec<EnvelopeItem> {
    vec![
        event().into(),
        EnvelopeItem::Feedback(Box::new(event())),
        Transaction {
            event_id: id("22d00b3fd1b14b5d8d2049d138cd8a9d"),
            name: Some("GET /".into()),
            timestamp: Some(at(2)),
            start_timestamp: at(1),
            spans: vec![Span {
                span_id: "d42cee9fc3e74f5c".parse().unwrap(),
                trace_id: "335e53d614474acc9f89e632b776cc28".parse().unwrap(),
                start_timestamp: at(1),
                timestamp: Some(at(2)),
                ..Span::default()
            }],
            ..Transaction::new()
        }
        .into(),
        SessionUpdate {
            session_id: id("22d00b3fd1b14b5d8d2049d138cd8a9e"),
            distinct_id: Some("me".into()),
            sequence: None,
            timestamp: Some(at(3)),
            started: at(2),
            init: true,
            duration: Some(1.5),
            status: SessionStatus::Ok,
            errors: 1,
            attributes: session_attributes(),
        }
        .into(),
        SessionAggregates {
            aggregates: vec![SessionAggregateItem {
                started: at(60),
                distinct_id: None,
                exited: 2,
                errored: 1,
                abnormal: 0,
                crashed: 0,
            }],
            attributes: session_attributes(),
        }
        .into(),
        attachment().into(),
        MonitorCheckIn {
            check_in_id: id("22d00b3fd1b14b5d8d2049d138cd8a9f"),
            monitor_slug: "job".into(),
            status: MonitorCheckInStatus::Ok,
            environment: None,
            duration: Some(1.0),
            monitor_config: None,
        }
        .into(),
        vec![log("first"), log("second")].into(),
        vec![Metric {
            r#type: MetricType::Counter,
            name: Cow::Borrowed("requests"),
            value: 1.0,
            timestamp: at(5),
            trace_id: "335e53d614474acc9f89e632b776cc28".parse().unwrap(),
            span_id: None,
            unit: None,
            attributes: Map::new(),
        }]
        .into(),
        ItemContainer::Spans(vec![json!({"span_id": "d42cee9fc3e74f5c"})]).into(),
        client_report().into(),
        UnknownItem::new("profile_chunk", [("platform", "rust".into())], b"\n\n".to_vec()).into(),
    ]
}

/// Of a fixed time, in contrast to `ClientReport::new`.
fn client_report() -> ClientReport {
    let json = json!({
        "timestamp": 6, "discarded_events": [{"reason": "sample_rate", "category": "error", "quantity": 3}]
    });
    serde_json::from_value(json).unwrap()
}

fn log(body: &str) -> Log {
    Log {
        level: LogLevel::Info,
        body: body.into(),
        trace_id: None,
        timestamp: at(4),
        severity_number: None,
        attributes: Map::from([("a".to_owned(), 1.into())]),
    }
}

fn bytes(envelope: &Envelope) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = envelope.write_to(&mut bytes).unwrap();
    assert_eq!(written.losses, []);
    bytes
}

fn text(envelope: &Envelope) -> String {
    String::from_utf8(bytes(envelope)).unwrap()
}

/// An envelope with everything in it: not one to send, but one to read.
fn sample() -> Vec<u8> {
    let mut envelope = Envelope::new();
    for item in items() {
        envelope.add_item(item);
    }
    bytes(&envelope)
}

#[test]
fn what_was_written_before_is_copied_and_reports_are_added() {
    let is_report = |item: &EnvelopeItem| matches!(item, EnvelopeItem::ClientReport(_));
    let mut envelope = Envelope::new();
    items().into_iter().filter(|item| !is_report(item)).for_each(|item| envelope.add_item(item));
    let before = bytes(&envelope);
    envelope.set_sent_at(SystemTime::UNIX_EPOCH);
    items().into_iter().filter(is_report).for_each(|item| envelope.add_item(item));
    let mut again = Vec::new();
    let written = envelope.write_again(&before, &mut again, &mut Vec::new()).unwrap();
    assert_eq!(written, envelope.write_to(Vec::new()).unwrap());
    assert!(written.items > 5 && again != before);
    assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&bytes(&envelope)));
}

#[test]
fn an_event_is_written_to_the_byte() {
    assert_eq!(
        text(&event().into()),
        concat!(
            r#"{"event_id":"22d00b3fd1b14b5d8d2049d138cd8a9c"}"#,
            "\n",
            r#"{"type":"event","length":123}"#,
            "\n",
            r#"{"event_id":"22d00b3fd1b14b5d8d2049d138cd8a9c","level":"error","message":"hello","#,
            r#""platform":"other","timestamp":1581084960}"#,
            "\n",
        )
    );
}

#[test]
fn containers_say_what_they_hold() {
    assert_eq!(
        text(&vec![log("a"), log("b")].into()),
        concat!(
            "{}\n",
            r#"{"type":"log","item_count":2,"content_type":"application/vnd.sentry.items.log+json","length":269}"#,
            "\n",
            r#"{"version":2,"ingest_settings":{"infer_ip":"never","infer_user_agent":"never"},"#,
            r#""items":[{"level":"info","body":"a","timestamp":4,"attributes":{"a":{"value":1,"#,
            r#""type":"integer"}}},{"level":"info","body":"b","timestamp":4,"attributes":{"a":{"value":1,"#,
            r#""type":"integer"}}}]}"#,
            "\n",
        )
    );
}

#[test]
fn headers_are_written_once_and_compact() {
    let headers = EnvelopeHeaders::new()
        .with_event_id(event().event_id)
        .with_dsn("https://key@host/42".parse().unwrap())
        .with_sdk(serde_json::from_value(json!({"name": "sentry.rust", "version": "1.0"})).unwrap())
        .with_sent_at(at(0))
        .with_trace(DynamicSamplingContext::new().with_public_key("key".into()));
    let mut envelope = Envelope::from(attachment()).with_headers(headers.clone());
    envelope.set_sent_at(at(1_581_084_960));

    let text = String::from_utf8_lossy(&bytes(&envelope)).into_owned();
    let header = text.lines().next().unwrap();
    assert!(header.starts_with(
        r#"{"event_id":"22d00b3fd1b14b5d8d2049d138cd8a9c","dsn":"https://key@host/42","sdk":{"#
    ));
    assert!(
        header.ends_with(r#","trace":{"public_key":"key"},"sent_at":"2020-02-07T14:16:00Z"}"#),
        "{header}"
    );
    let read = Envelope::from_slice(&bytes(&envelope)).unwrap();
    assert_eq!(read.headers(), envelope.headers());
    assert_ne!(read.headers(), &headers);
}

#[test]
fn every_kind_of_item_round_trips() {
    for item in items() {
        let envelope = Envelope::from(item);
        let first = bytes(&envelope);
        let read = Envelope::from_slice(&first).unwrap();
        assert_eq!(read, envelope);
        assert_eq!(bytes(&read), first);
    }
    let envelope = Envelope::from_slice(&sample()).unwrap();
    assert_eq!(envelope.items().len(), items().len());
    assert_eq!(bytes(&envelope), sample());
    assert_eq!(envelope.event(), Some(&event()));
}

#[test]
fn unknown_things_are_kept_byte_for_byte() {
    let text = concat!(
        r#"{"event_id":"22d00b3fd1b14b5d8d2049d138cd8a9c","future":{"b":[1,2.50]}}"#,
        "\n",
        r#"{ "length" : 5,"weird": [1.0, "x"],   "type":"quantum"  }"#,
        "\n\n\0\r\n\n\n",
        r#"{"type":"no_length"}"#,
        "\nto the end of the line\r\n",
        r#"{"type":"empty","length":0}"#,
        "\n\n",
        r#"{"type":"log","item_count":0,"content_type":"x","length":56}"#,
        "\n",
        r#"{"version":2,"ingest_settings":{"a":"auto"},"items":[ ]}"#,
        "\n",
        r#"{"type":"client_report","length":85}"#,
        "\n",
        r#"{"discarded_events":[{"reason":"out_of_cheese","category":"error","quantity":1}]}    "#,
        "\n",
    );
    let envelope = Envelope::from_slice(text.as_bytes()).unwrap();
    assert!(envelope.items().all(|item| matches!(item, EnvelopeItem::Unknown(_))));
    assert_eq!(self::text(&envelope), text.replace("2.50", "2.5"));
}

#[test]
fn unknown_headers_of_known_items_are_kept() {
    let text = concat!(
        "{}\n",
        r#"{"type":"attachment","content_type":"application/vnd.sentry.trace-attachment","length":4,"#,
        r#""filename":"f","meta_length":2,"span_id":null}"#,
        "\n{}ab\n",
        r#"{"type":"session","length":127,"new":true}"#,
        "\n",
        r#"{"sid":"22d00b3fd1b14b5d8d2049d138cd8a9e","started":"2020-02-07T14:16:00Z","status":"ok","errors":0,"attrs":{"release":"app"}} "#,
        "\n",
    );
    let envelope = Envelope::from_slice(text.as_bytes()).unwrap();
    let kept = envelope.filter(|_: &EnvelopeItem| true).unwrap();
    let written = self::text(&kept);
    assert!(written.contains(text.lines().nth(1).unwrap()), "{written}");
    assert!(written.contains(r#""new":true}"#), "{written}");
    assert_eq!(Envelope::from_slice(written.as_bytes()).unwrap().items().count(), 2);
}

#[test]
fn no_cut_and_no_changed_byte_panics() {
    let sample = sample();
    for end in 0..sample.len() {
        let _ = Envelope::from_slice(&sample[..end]);
        let raw = Envelope::from_bytes_raw(sample[..end].to_vec()).unwrap();
        assert!(raw.raw_items().count() <= items().len());
    }
    for (index, byte) in [b'\n', b'"', b'{', 0, 0xff, b'9'].into_iter().enumerate() {
        for at in (index..sample.len()).step_by(7) {
            let mut changed = sample.clone();
            changed[at] = byte;
            let _ = Envelope::from_slice(&changed);
        }
    }
}

#[test]
fn malformed_envelopes_are_refused_for_the_right_reason() {
    for (text, expected) in [
        ("", "MissingHeader"),
        ("\n", "MissingHeader"),
        (" \r\n{}", "MissingHeader"),
        (",,,:;:", "InvalidHeader"),
        ("[]", "InvalidHeader"),
        ("{} {}", "InvalidHeader"),
        (r#"{"event_id":"x"}"#, "InvalidHeader"),
        (r#"{"dsn":"x"}"#, "InvalidHeader"),
        ("{}\n\n{\"type\":\"x\"}\n", "MissingItemHeader"),
        ("{}\n{}\n", "InvalidItemHeader"),
        ("{}\nx\n", "InvalidItemHeader"),
        ("{}\n{\"type\":\"x\",\"length\":-1}\n", "InvalidItemHeader"),
        ("{}\n{\"type\":\"x\",\"length\":1.5}\n", "InvalidItemHeader"),
        ("{}\n{\"type\":\"x\",\"length\":1}\n", "UnexpectedEof"),
        ("{}\n{\"type\":\"x\",\"length\":18446744073709551615}\nab", "UnexpectedEof"),
        ("{}\n{\"type\":\"x\",\"length\":1}\nab", "MissingNewline"),
        ("{}\n{\"type\":\"x\",\"length\":1}\na\r\n", "MissingNewline"),
        ("{}\n{\"type\":\"event\",\"length\":1}\n{\n", "InvalidItemPayload"),
        ("{}\n{\"type\":\"session\",\"length\":2}\n{}\n", "InvalidItemPayload"),
        ("{}\n{\"type\":\"log\",\"length\":2}\n{}\n", "InvalidItemPayload"),
    ] {
        let error = Envelope::from_slice(text.as_bytes()).unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{text:?}: {error:?}");
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn more_than_a_server_takes_is_refused() {
    let zeros = vec![0; 200 * 1024 * 1024 + 1];
    assert!(matches!(Envelope::from_slice(&zeros), Err(EnvelopeError::TooLarge)));
    assert!(matches!(Envelope::from_bytes_raw(zeros), Err(EnvelopeError::TooLarge)));
    let many = format!("{{}}\n{}", "{\"type\":\"x\"}\n\n".repeat(100_001));
    assert!(matches!(Envelope::from_slice(many.as_bytes()), Err(EnvelopeError::TooLarge)));
}

#[test]
fn envelopes_without_items_or_last_newline_are_read() {
    for text in ["{}", "{}\n", "{}\r\n", "{}\n\n"] {
        assert!(Envelope::from_slice(text.as_bytes()).unwrap().is_empty(), "{text:?}");
    }
    for text in ["{}\n{\"type\":\"attachment\",\"length\":2}\nab", "{}\n{\"type\":\"attachment\"}\nab"] {
        let items: Vec<_> = Envelope::from_slice(text.as_bytes()).unwrap().into_items().collect();
        let [EnvelopeItem::Attachment(attachment)] = &items[..] else { panic!("{items:?}") };
        assert_eq!(attachment.buffer, b"ab");
    }
}

#[test]
fn the_first_event_gives_the_envelope_its_id() {
    let mut envelope = Envelope::from(attachment());
    assert_eq!(envelope.uuid(), None);
    envelope.add_item(event());
    envelope.add_item(Transaction::new());
    assert_eq!(envelope.uuid(), Some(&event().event_id));
}

#[test]
fn a_filter_keeps_the_headers() {
    let headers = EnvelopeHeaders::new()
        .with_trace(DynamicSamplingContext::new().with_public_key("key".into()))
        .with_sent_at(at(1));
    let mut envelope = Envelope::new().with_headers(headers);
    envelope.add_item(event());
    envelope.add_item(vec![log("a")]);
    let headers = envelope.headers().clone();

    let mut removed = Vec::new();
    let filter = EnvelopeFilterCallbacks::new(
        |item: &EnvelopeItem| !matches!(item, EnvelopeItem::ItemContainer(_)),
        |item| removed.push(item),
    );
    let filtered = envelope.filter(filter).unwrap();
    assert_eq!(filtered.headers(), &headers);
    assert_eq!(filtered.items().count(), 1);
    assert_eq!(removed, [vec![log("a")].into()]);
}

#[test]
fn attachments_go_with_their_event() {
    let mut envelope = Envelope::from(event());
    envelope.add_item(attachment());
    envelope.add_item(FileAttachment::new("/x"));
    let mut removed = 0;
    let filter = EnvelopeFilterCallbacks::new(
        |item: &EnvelopeItem| !matches!(item, EnvelopeItem::Event(_)),
        |_| removed += 1,
    );
    assert_eq!(envelope.filter(filter), None);
    assert_eq!(removed, 3);

    let alone = Envelope::from(attachment());
    assert!(alone.filter(|_: &EnvelopeItem| true).is_some());
}

#[test]
fn items_can_be_changed_and_removed_in_place() {
    let mut envelope = Envelope::from(event());
    envelope.add_item(attachment());
    for item in envelope.items_mut() {
        if let EnvelopeItem::Event(event) = item {
            event.message = None;
        }
    }
    envelope.retain_items(|item| matches!(item, EnvelopeItem::Event(_)));
    assert_eq!(envelope.items().count(), 1);
    assert_eq!(envelope.event().unwrap().message, None);
}

#[test]
fn a_failing_writer_is_the_only_error() {
    struct Broken(usize);
    impl io::Write for Broken {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let envelope = Envelope::from_slice(&sample()).unwrap();
    let length = sample().len();
    assert!(envelope.write_to(Broken(length)).is_ok());
    for room in (0..length).step_by(13) {
        assert!(envelope.write_to(Broken(room)).is_err());
    }
}

#[test]
fn the_size_hint_is_of_the_right_order() {
    let mut large = event();
    large.message = Some("x".repeat(10_000));
    large.breadcrumbs =
        (0..100).map(|_| Breadcrumb { message: Some("crumb".into()), ..Breadcrumb::default() }).collect();
    for item in items().into_iter().chain([large.into(), vec![log("text"); 100].into()]) {
        let envelope = Envelope::from(item);
        let (hint, real) = (envelope.size_hint(), bytes(&envelope).len());
        assert!(hint < 3 * real + 1500 && real < 2 * hint, "{hint} for {real}: {envelope:?}");
    }
}

#[test]
fn what_is_lost_is_counted_in_its_category() {
    use crate::client_report::protocol::LossSource;

    let expect = |item: &EnvelopeItem| match item {
        EnvelopeItem::Event(_) => "error:1",
        EnvelopeItem::Feedback(_) => "feedback:1",
        EnvelopeItem::Transaction(_) => "transaction:1 span:2",
        EnvelopeItem::SessionUpdate(_)
        | EnvelopeItem::UnhandledSession(_)
        | EnvelopeItem::SessionAggregates(_) => "session:1",
        EnvelopeItem::Attachment(_) => "attachment:12",
        EnvelopeItem::MonitorCheckIn(_) => "monitor:1",
        EnvelopeItem::ItemContainer(ItemContainer::Logs(_)) => "log_item:2 log_byte:N",
        EnvelopeItem::ItemContainer(ItemContainer::Metrics(_)) => "trace_metric:1 trace_metric_byte:N",
        EnvelopeItem::ItemContainer(ItemContainer::Spans(_)) => "span:1",
        EnvelopeItem::ClientReport(_) => "error:3",
        EnvelopeItem::Unknown(_) => "profile_chunk:1",
        EnvelopeItem::Raw | EnvelopeItem::FileAttachment(_) | EnvelopeItem::StoredAttachment(_) => {
            unreachable!("not in the list")
        }
    };
    let show = |losses: Vec<ItemLoss>| {
        let show = |loss: &ItemLoss| match loss.category {
            Category::LogByte | Category::TraceMetricByte => {
                assert!(loss.quantity > 50);
                format!("{}:N", loss.category)
            }
            category => format!("{category}:{}", loss.quantity),
        };
        losses.iter().map(show).collect::<Vec<_>>().join(" ")
    };
    for item in items() {
        let envelope = Envelope::from(item.clone());
        assert_eq!(show(envelope.losses().collect()), expect(&item));
        // The same when it is only bytes.
        let raw = Envelope::from_bytes_raw(bytes(&envelope)).unwrap();
        assert_eq!(show(raw.losses().collect()), expect(&item));
        let report = matches!(item, EnvelopeItem::ClientReport(_));
        assert!(item.losses().all(|loss| loss.is_recorded() == report && loss.reason.is_some() == report));
    }
    assert_eq!(
        Envelope::from(FileAttachment::new("/x")).losses().next(),
        Some(ItemLoss::new(Category::Attachment, 1))
    );
}

#[test]
fn sessions_that_nobody_has_types_for_survive_the_round_trip() {
    let update = r#"{"sid":"8333339f5675441892d50fe7c69ecd50","started":"2020-02-07T14:16:00Z","duration":1.5,"status":"unhandled","errors":1,"attrs":{"release":"r"}}"#;
    let sessions = r#"{"aggregates":[{"started":"2020-02-07T14:16:00Z","exited":1,"unhandled":2}],"attrs":{"release":"r"}}"#;
    let text = format!(
        "{{}}\n{{\"type\":\"session\",\"length\":{}}}\n{update}\n{{\"type\":\"sessions\",\"length\":{}}}\n{sessions}\n",
        update.len(),
        sessions.len()
    );
    let envelope = Envelope::from_slice(text.as_bytes()).unwrap();
    assert!(matches!(envelope.items().next(), Some(EnvelopeItem::UnhandledSession(_))));
    assert_eq!(envelope.items().next().unwrap().session_update().unwrap().errors, 1);
    let mut bytes = Vec::new();
    envelope.to_writer(&mut bytes).unwrap();
    let written = String::from_utf8(bytes).unwrap();
    let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[2], serde_json::from_str::<Value>(update).unwrap());
    assert_eq!(lines[4], serde_json::from_str::<Value>(sessions).unwrap());
}

#[test]
fn what_is_passed_on_keeps_what_no_type_knows() {
    for (ty, payload) in [
        (
            "check_in",
            r#"{"check_in_id":"83a7c03ed0a04e1b97e2e3b18d38f244","monitor_slug":"m","status":"ok","contexts":{"trace":{}}}"#,
        ),
        (
            "log",
            r#"{"items":[{"timestamp":1,"level":"info","body":"b","attributes":{"a":{"value":1,"type":"integer","unit":"byte"}}}]}"#,
        ),
    ] {
        let raw = format!("{{}}\n{{\"type\":\"{ty}\",\"length\":{}}}\n{payload}\n", payload.len());
        let passed_on = Envelope::from_slice_lossless(raw.as_bytes()).unwrap();
        assert!(text(&passed_on).contains(payload), "{ty}");
        assert!(!matches!(
            Envelope::from_slice(raw.as_bytes()).unwrap().items().next(),
            Some(EnvelopeItem::Unknown(_))
        ));
    }
}
