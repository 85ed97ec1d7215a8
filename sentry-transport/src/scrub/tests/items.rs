//! Every kind of item, and the remarks.

use std::time::UNIX_EPOCH;

use sentry_core::protocol::{
    Attachment, Breadcrumb, Context, Envelope, EnvelopeItem, Event, Exception, FeedbackContext, Frame,
    ItemContainer, Log, LogAttribute, LogEntry, LogLevel, Map, Metric, MetricType, MonitorCheckIn,
    MonitorCheckInStatus, Request, ResponseContext, SessionAttributes, SessionStatus, SessionUpdate, Span,
    SpanLink, Stacktrace, Thread, TraceContext, TraceId, Transaction, User, Uuid, Value,
};
use sentry_core::{ClientOptions, Finish, Outbound, Telemetry};
use serde_json::json;

use crate::scrub::{Scrubber, preview};

const SECRET: &str = "hunter2secret";

fn dirty() -> String {
    format!("password={SECRET}")
}

fn values() -> Map<String, Value> {
    [("note".to_owned(), json!(dirty())), ("deep".to_owned(), json!({"list": [{"apiKey": SECRET}, dirty()]}))]
        .into()
}

/// What would be written after scrubbing.
fn written(item: impl Into<EnvelopeItem>) -> String {
    let mut envelope = Envelope::from(item.into());
    Scrubber::new(&ClientOptions::new()).finish(&mut envelope);
    let mut bytes = Vec::new();
    envelope.to_writer(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn clean(item: impl Into<EnvelopeItem>) -> Value {
    let written = written(item);
    assert!(!written.contains(SECRET), "{written}");
    assert!(written.contains("[Filtered]"), "{written}");
    serde_json::from_str(written.lines().last().unwrap()).unwrap_or(Value::Null)
}

fn request() -> Request {
    Request {
        url: format!("https://jo:{SECRET}@host/p?page=2&token={SECRET}#access_token={SECRET}1").parse().ok(),
        data: Some(json!({"password": SECRET, "page": 2}).to_string()),
        query_string: Some(format!("token={SECRET}&page=2")),
        cookies: Some(format!("sid={SECRET}; theme=dark")),
        headers: [
            ("Authorization".to_owned(), SECRET.to_owned()),
            ("Cookie".to_owned(), format!("sid={SECRET}")),
        ]
        .into(),
        env: [
            ("HTTP_X_AUTH_TOKEN".to_owned(), SECRET.to_owned()),
            ("REMOTE_ADDR".to_owned(), SECRET.to_owned()),
        ]
        .into(),
        ..Request::default()
    }
}

#[test]
fn nothing_of_an_event_is_left_out() {
    let stacktrace = || Stacktrace {
        frames: vec![Frame {
            vars: values(),
            pre_context: vec![dirty()],
            context_line: Some(dirty()),
            post_context: vec![dirty()],
            ..Frame::default()
        }],
        ..Stacktrace::default()
    };
    let other = Context::Other([("token".to_owned(), json!({"a": [SECRET, 1, true, null]}))].into());
    let response = ResponseContext {
        data: Some(json!({"secret": SECRET})),
        cookies: Some(format!("sid={SECRET}")),
        ..Default::default()
    };
    let event = Event {
        message: Some(dirty()),
        logentry: Some(LogEntry { message: dirty(), params: vec![json!(dirty())], formatted: Some(dirty()) }),
        transaction: Some(dirty()),
        culprit: Some(dirty()),
        fingerprint: vec!["{{ default }}".into(), dirty().into()].into(),
        exception: vec![Exception {
            value: Some(dirty()),
            stacktrace: Some(stacktrace()),
            ..Exception::default()
        }]
        .into(),
        threads: vec![Thread { name: Some(dirty()), stacktrace: Some(stacktrace()), ..Thread::default() }]
            .into(),
        stacktrace: Some(stacktrace()),
        breadcrumbs: vec![Breadcrumb { message: Some(dirty()), data: values(), ..Breadcrumb::default() }]
            .into(),
        request: Some(request()),
        user: Some(User { username: Some(dirty()), other: values(), ..User::default() }),
        contexts: [
            ("mine".to_owned(), other),
            ("response".to_owned(), response.into()),
            ("trace".to_owned(), TraceContext { data: values(), ..TraceContext::default() }.into()),
        ]
        .into(),
        tags: [
            ("api_key".to_owned(), SECRET.to_owned()),
            ("a".to_owned(), dirty()),
            (dirty(), "b".to_owned()),
        ]
        .into(),
        extra: values(),
        ..Event::default()
    };
    let left = clean(event);
    assert_eq!(left["contexts"]["mine"]["token"], json!({"a": ["[Filtered]", "[Filtered]", true, null]}));
    assert_eq!(left["request"]["data"], r#"{"page":2,"password":"[Filtered]"}"#);
    assert_eq!(left["request"]["query_string"], "token=[Filtered]&page=2");
    assert_eq!(left["request"]["cookies"], "sid=[Filtered]; theme=dark");
    assert_eq!(left["tags"]["password=[Filtered]"], "[Filtered]");
    let meta = &left["_meta"];
    assert_eq!(meta["message"][""], json!({"rem": [["@password:filter", "s", 9, 19]], "len": 22}));
    assert_eq!(meta["tags"]["api_key"][""], json!({"rem": [["@password:filter", "s", 0, 10]], "len": 13}));
    assert_eq!(meta["exception"]["values"]["0"]["value"][""]["len"], 22);
    assert_eq!(meta["extra"]["deep"]["list"]["1"][""]["rem"][0][0], "@password:filter");
    assert_eq!(meta["request"]["data"][""]["rem"], json!([["@password:filter", "s"]]));
}

#[test]
fn remarks_of_others_are_kept() {
    let meta = json!({"message": {"": {"rem": [["!limit", "x", 0, 3]], "len": 100}}});
    let event =
        Event { message: Some(dirty()), meta: serde_json::from_value(meta).unwrap(), ..Event::default() };
    let left = clean(event);
    let rem = json!([["!limit", "x", 0, 3], ["@password:filter", "s", 9, 19]]);
    assert_eq!(left["_meta"]["message"][""], json!({"rem": rem, "len": 100}));
}

#[test]
fn transactions_and_their_spans() {
    let span = Span {
        op: Some("db.sql.query".into()),
        origin: Some("auto.db.sqlx".into()),
        description: Some(format!("SELECT * FROM t WHERE name = '{SECRET}' AND n = $1")),
        data: [
            ("db.query.text".to_owned(), json!(format!("SELECT '{SECRET}'"))),
            ("http.request.header.authorization".to_owned(), json!(SECRET)),
            ("url.query".to_owned(), json!(format!("token={SECRET}"))),
        ]
        .into(),
        links: vec![link()],
        ..Span::new()
    };
    let trace = TraceContext { links: vec![link()], ..TraceContext::default() };
    let left = clean(Transaction {
        name: Some(dirty()),
        spans: vec![span],
        contexts: [("trace".to_owned(), trace.into())].into(),
        request: Some(request()),
        extra: values(),
        ..Transaction::new()
    });
    assert_eq!(left["spans"][0]["description"], "SELECT * FROM t WHERE name = ? AND n = $1");
    assert_eq!(
        left["_meta"]["spans"]["0"]["data"]["db.query.text"][""]["rem"][0],
        json!(["@sql:filter", "s", 7, 8])
    );
    for links in [&left["spans"][0]["links"], &left["contexts"]["trace"]["links"]] {
        assert_eq!(links[0]["attributes"]["sentry.link.type"], "previous_trace");
    }
}

fn link() -> SpanLink {
    let attributes = [
        ("sentry.link.type".to_owned(), json!("previous_trace")),
        ("token".to_owned(), json!(SECRET)),
        ("note".to_owned(), json!(dirty())),
    ];
    SpanLink { attributes: attributes.into(), ..SpanLink::default() }
}

#[test]
fn feedback_sessions_check_ins_and_attachments() {
    let feedback = FeedbackContext { message: dirty(), other: values(), ..FeedbackContext::default() };
    let event = Event { contexts: [("feedback".to_owned(), feedback.into())].into(), ..Event::default() };
    clean(EnvelopeItem::Feedback(Box::new(event)));
    clean(SessionUpdate {
        session_id: Uuid::nil(),
        distinct_id: Some(dirty()),
        sequence: None,
        timestamp: None,
        started: UNIX_EPOCH,
        init: true,
        duration: None,
        status: SessionStatus::Ok,
        errors: 0,
        attributes: SessionAttributes {
            release: "a@1".into(),
            environment: None,
            ip_address: None,
            user_agent: None,
        },
    });
    clean(MonitorCheckIn {
        check_in_id: Uuid::nil(),
        monitor_slug: dirty(),
        status: MonitorCheckInStatus::Ok,
        environment: None,
        duration: None,
        monitor_config: None,
    });
    clean(Attachment { filename: dirty(), buffer: b"{}".to_vec(), ..Attachment::default() });
}

fn attributes<K: From<&'static str> + Ord>() -> Map<K, LogAttribute> {
    [
        ("api_key".into(), LogAttribute::from(42)),
        ("note".into(), LogAttribute::from(dirty())),
        ("list".into(), LogAttribute(json!([dirty()]))),
        ("color".into(), LogAttribute::from("red")),
    ]
    .into()
}

fn log(body: &str) -> Log {
    Log {
        level: LogLevel::Info,
        body: body.to_owned(),
        trace_id: None,
        timestamp: UNIX_EPOCH,
        severity_number: None,
        attributes: attributes(),
    }
}

#[test]
fn telemetry_is_the_same_encoded_and_not() {
    let metric = Metric {
        r#type: MetricType::Counter,
        name: "hits".into(),
        value: 1.0,
        timestamp: UNIX_EPOCH,
        trace_id: TraceId::from([1; 16]),
        span_id: None,
        unit: None,
        attributes: attributes(),
    };
    let span = json!({
        "name": dirty(), "span_id": "b0e6f15b45c36b12", "status": "ok",
        "attributes": {"api_key": {"value": 42, "type": "integer"}, "note": {"value": dirty(), "type": "string"}},
        "links": [{"span_id": "b0e6f15b45c36b13", "attributes": {"token": {"value": SECRET, "type": "string"}}}]
    });
    let logs = [log(&dirty()), log("clean \"quoted\"")];
    for (encoded, typed) in [
        (
            logs.each_ref().map(|log| Telemetry::log(serde_json::to_vec(log).unwrap())).to_vec(),
            ItemContainer::from(logs.to_vec()),
        ),
        (vec![Telemetry::metric(serde_json::to_vec(&metric).unwrap())], ItemContainer::from(vec![metric])),
        (
            vec![Telemetry::span(
                serde_json::to_vec(&span).unwrap(),
                TraceId::from([1; 16]),
                Default::default(),
            )],
            ItemContainer::Spans(vec![span]),
        ),
    ] {
        let typed = clean(typed);
        assert_eq!(
            typed["items"][0]["attributes"]["api_key"],
            json!({"value": "[Filtered]", "type": "string"})
        );
        let item = Telemetry::envelope(&encoded).into_items().next().unwrap();
        assert_eq!(clean(item), typed);
    }
}

#[test]
fn who_wrote_a_log_is_told_by_its_origin() {
    let record = |origin: &str| {
        let json = json!({"body": "hello", "attributes": {
            "sentry.origin": {"value": origin, "type": "string"},
            "mail": {"value": "jo@example.com", "type": "string"},
        }});
        String::from_utf8(
            Scrubber::new(&ClientOptions::new())
                .scrub_record(json.to_string().as_bytes())
                .unwrap_or_default(),
        )
        .unwrap()
    };
    assert!(record("auto.log.tracing").contains(r#""value":"[Filtered]""#));
    assert_eq!(record("manual"), "", "unchanged");
    let said = Scrubber::new(&ClientOptions::new()).scrub_record(br#"{"body":"hello jo@example.com"}"#);
    assert_eq!(said.as_deref(), Some(&br#"{"body":"hello [Filtered]"}"#[..]), "free text");
}

#[test]
fn the_user_of_an_automatic_record_is_the_one_that_was_set() {
    let span = json!({"name": "GET /", "attributes": {
        "sentry.origin": {"value": "auto.http", "type": "string"},
        "user.email": {"value": "jo@example.com", "type": "string"},
        "server.mail": {"value": "jo@example.com", "type": "string"},
    }});
    let expected = |record: &Value| {
        assert_eq!(record["attributes"]["user.email"]["value"], "jo@example.com");
        assert_eq!(record["attributes"]["server.mail"]["value"], "[Filtered]");
    };
    let scrubbed = Scrubber::new(&ClientOptions::new()).scrub_record(span.to_string().as_bytes());
    expected(&serde_json::from_slice(&scrubbed.unwrap()).unwrap());
    expected(&clean(ItemContainer::Spans(vec![span]))["items"][0]);
}

#[test]
fn a_batch_keeps_its_headers() {
    let log = Telemetry::log(serde_json::to_vec(&log(&dirty())).unwrap());
    let item = Outbound::from_telemetry(log).finish().into_items().next().unwrap();
    let written = written(item);
    let header: Value = serde_json::from_str(written.lines().nth(1).unwrap()).unwrap();
    assert_eq!(header["item_count"], 1);
    assert_eq!(header["content_type"], "application/vnd.sentry.items.log+json");
    assert_eq!(header["length"], written.lines().nth(2).unwrap().len());
}

#[test]
fn raw_envelopes_are_passed_on() {
    let bytes = format!("{{}}\n{{\"type\":\"event\"}}\n{{\"message\":\"{}\"}}\n", dirty()).into_bytes();
    let mut envelope = Envelope::from_bytes_raw(bytes.clone()).unwrap();
    Scrubber::new(&ClientOptions::new()).scrub(&mut envelope);
    assert_eq!(envelope.raw_bytes(), Some(&*bytes));
}

#[test]
fn previews_know_what_they_look_at() {
    for json in [
        json!({"message": dirty(), "level": "info"}),
        json!({"spans": [], "start_timestamp": 1, "transaction": dirty()}),
        json!({"body": dirty(), "attributes": {"a": {"value": dirty(), "type": "string"}}}),
        json!({"version": 2, "items": [{"body": dirty(), "attributes": {}}]}),
        json!({"anything": dirty()}),
        json!([dirty()]),
    ] {
        let left = preview(&json.to_string());
        assert!(!left.contains(SECRET) && left.contains("[Filtered]"), "{left}");
        assert!(serde_json::from_str::<Value>(&left).is_ok(), "{left}");
    }
    assert_eq!(preview("hello"), "hello");
    assert_eq!(preview(&dirty()), "password=[Filtered]");
    let envelope = format!("{{}}\n{{\"type\":\"event\"}}\n{{\"message\":\"{}\"}}\n", dirty());
    assert!(!preview(&envelope).contains(SECRET));
}
