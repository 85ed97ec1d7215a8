//! What becomes of transactions that have ended: when they get their wire form, and what is added to them.

use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client_report::protocol::{Category, Reason};
use crate::options::TraceLifecycle;
use crate::outbound::OutboundItem;
use crate::protocol::{
    Context, Envelope, EnvelopeItem, Frame, SpanId, SpanLink, Stacktrace, Transaction, Unit,
};
use crate::sync::lock;
use crate::test::with_captured_envelopes_options;
use crate::{
    Client, ClientOptions, Hub, Outbound, RawStack, Span, StackSource, TransactionContext, Transport, clock,
    configure_scope, start_transaction,
};

fn options() -> ClientOptions {
    ClientOptions::new().dsn("https://public@host.example/1").traces_sample_rate(1.0)
}

/// Keeps items unfinished, as a queue does.
#[derive(Default)]
struct Queue(Mutex<Vec<Outbound>>);

impl Transport for Queue {
    fn send_envelope(&self, _: Envelope) {}

    fn send(&self, outbound: Outbound) {
        lock(&self.0).push(outbound);
    }
}

fn queued(mut options: ClientOptions, run: impl FnOnce()) -> Outbound {
    let queue = Arc::<Queue>::default();
    options.transport = Some(Arc::new(Arc::clone(&queue)));
    let client = Arc::new(Client::with_options(options));
    Hub::run(Arc::new(Hub::new(Some(client), Arc::default())), run);
    let mut items = std::mem::take(&mut *lock(&queue.0));
    assert_eq!(items.len(), 1);
    items.remove(0)
}

fn sent(options: ClientOptions, run: impl FnOnce()) -> Vec<Transaction<'static>> {
    with_captured_envelopes_options(run, options).iter().filter_map(transaction).collect()
}

fn transaction(envelope: &Envelope) -> Option<Transaction<'static>> {
    match envelope.items().next() {
        Some(EnvelopeItem::Transaction(transaction)) => Some((**transaction).clone()),
        _ => None,
    }
}

fn begin() -> crate::Transaction {
    start_transaction(TransactionContext::new("t", "op"))
}

fn is_recorded(item: &Outbound) -> bool {
    matches!(item.item(), OutboundItem::Recorded(_))
}

#[test]
fn the_wire_form_is_made_by_whoever_finishes_it() {
    let mut kept = Vec::new();
    let item = queued(options(), || {
        let transaction = begin();
        let span = transaction.start_child("db", "SELECT 1");
        span.set_data("rows", 3.into());
        span.set_tag("shard", "a");
        kept.push(span.clone());
        span.finish();
        transaction.set_data("a", "b".into());
        transaction.finish();
    });
    assert!(is_recorded(&item));
    let losses: Vec<_> = item.losses().iter().map(|loss| (loss.category, loss.quantity)).collect();
    assert_eq!(losses, [(Category::Transaction, 1), (Category::Span, 2)]);
    assert!(item.size_hint() > 300, "{}", item.size_hint());
    // What has ended does not change any more.
    kept[0].set_name("later");
    kept[0].set_data("later", 1.into());
    let id = item.id();
    let envelopes = [item.clone().finish(), item.finish()];
    let transactions = envelopes.each_ref().map(|envelope| transaction(envelope).unwrap());
    assert_eq!(transactions[0].spans, transactions[1].spans, "a copy for each destination");
    assert!(transactions.iter().all(|transaction| transaction.event_id == id && !id.is_nil()));
    let [span] = &transactions[0].spans[..] else { panic!() };
    assert_eq!((span.op.as_deref(), span.description.as_deref()), (Some("db"), Some("SELECT 1")));
    assert_eq!((&span.data, &*span.tags["shard"]), (&[("rows".to_owned(), json!(3))].into(), "a"));
    assert!(span.timestamp.is_some());
}

#[test]
fn what_is_too_much_is_taken_off_at_once() {
    type Set = fn(&crate::Transaction, &Span);
    let much: [(&str, Set); 8] = [
        // Each of them is small enough.
        ("all", |transaction, _| {
            for _ in 0..200 {
                let span = transaction.start_child("op", "");
                (0..10).for_each(|key| span.set_data(&key.to_string(), "x".repeat(400).into()));
                span.finish();
            }
        }),
        ("nested", |_, span| span.set_data("a", json!({"b": [1]}))),
        ("long", |_, span| span.set_data("a", "x".repeat(5_000).into())),
        ("many", |_, span| (0..100).for_each(|key| span.set_data(&key.to_string(), 1.into()))),
        ("tag", |_, span| span.set_tag("a", "x".repeat(5_000))),
        ("name", |_, span| span.set_name(&"x".repeat(5_000))),
        ("extra", |transaction, _| transaction.set_extra("a", json!([1]))),
        ("request", |transaction, _| transaction.set_request(crate::protocol::Request::default())),
    ];
    for (what, set) in much {
        let item = queued(options(), || {
            let transaction = begin();
            let span = transaction.start_child("op", "");
            set(&transaction, &span);
            span.finish();
            transaction.finish();
        });
        assert!(matches!(item.item(), OutboundItem::Transaction(_)), "{what}");
        assert!(!transaction(&item.finish()).unwrap().spans.is_empty(), "{what}");
    }
}

#[test]
fn callbacks_run_where_it_ends() {
    let threads = Arc::<Mutex<Vec<ThreadId>>>::default();
    let note = |threads: &Arc<Mutex<Vec<ThreadId>>>| {
        let threads = Arc::clone(threads);
        move || lock(&threads).push(thread::current().id())
    };
    let (for_spans, for_transactions) = (note(&threads), note(&threads));
    let span_only = options().before_send_span({
        let note = note(&threads);
        move |_| note()
    });
    let both = options().before_send_span(move |_| for_spans()).before_send_transaction(move |transaction| {
        for_transactions();
        Some(transaction)
    });
    for options in [span_only, both] {
        let item = queued(options, || {
            let transaction = begin();
            transaction.start_child("op", "").finish();
            transaction.finish();
        });
        thread::scope(|threads| {
            threads.spawn(|| item.finish());
        });
    }
    assert_eq!(*lock(&threads), [thread::current().id(); 3]);
}

#[test]
fn event_processors_see_transactions_and_may_drop_them() {
    let options = options();
    let transactions = sent(options.clone(), || {
        configure_scope(|scope| {
            scope.add_event_processor(|mut event| {
                assert!(event.contexts.contains_key("trace") && event.message.is_none());
                if event.transaction.as_deref() == Some("dropped") {
                    return None;
                }
                assert_ne!(event.transaction.as_deref(), Some("panics"), "by the test");
                event.tags.insert("seen".into(), "yes".into());
                event.transaction = Some("renamed".into());
                Some(event)
            });
        });
        for name in ["dropped", "panics", "kept"] {
            let transaction = start_transaction(TransactionContext::new(name, "op"));
            transaction.start_child("op", "").finish();
            transaction.set_tag("own", 1);
            transaction.finish();
        }
    });
    let [kept] = &transactions[..] else { panic!("{transactions:?}") };
    assert_eq!((kept.name.as_deref(), kept.spans.len()), (Some("renamed"), 1));
    assert_eq!(kept.tags.keys().collect::<Vec<_>>(), ["own", "seen"]);
    assert!(kept.sdk.is_some() && kept.transaction_info.is_some());
    let lost = options.client_report_recorder.totals();
    let lost: Vec<_> = lost.iter().map(|it| (it.reason(), it.category(), it.quantity())).collect();
    for reason in [Reason::EventProcessor, Reason::CallbackError] {
        assert!(lost.contains(&(reason, Category::Transaction, 1)), "{lost:?}");
        assert!(lost.contains(&(reason, Category::Span, 2)), "{lost:?}");
    }
}

#[test]
fn measurements_and_links_are_sent() {
    let link = |sampled| SpanLink {
        trace_id: [3; 16].into(),
        span_id: [4; 8].into(),
        sampled,
        attributes: [("sentry.link.type".to_owned(), json!("previous_trace"))].into(),
    };
    let run = || {
        let transaction = begin();
        let span = transaction.start_child("op", "span");
        for one in [crate::TransactionOrSpan::from(transaction.clone()), span.clone().into()] {
            one.set_measurement("size", 1.5, Unit::Kilobyte);
            one.set_measurement("count", 2.0, None);
            one.set_measurement("no number", f64::NAN, None);
            one.set_measurement("endless", f64::INFINITY, Unit::Byte);
            one.add_link(link(Some(true)));
        }
        span.finish();
        transaction.finish();
    };
    let transactions = sent(options(), run);
    let json = serde_json::to_value(&transactions[0]).unwrap();
    let measurements = json!({"count": {"value": 2.0}, "size": {"value": 1.5, "unit": "kilobyte"}});
    let links = json!([{"trace_id": "03".repeat(16), "span_id": "04".repeat(8), "sampled": true,
        "attributes": {"sentry.link.type": "previous_trace"}}]);
    assert_eq!((&json["measurements"], &json["contexts"]["trace"]["links"]), (&measurements, &links));
    assert_eq!((&json["spans"][0]["measurements"], &json["spans"][0]["links"]), (&measurements, &links));

    let streamed = streamed(options(), run);
    assert_eq!(streamed.len(), 2);
    for span in &streamed {
        assert_eq!(span["attributes"]["size"]["value"], 1.5);
        assert!(span["attributes"]["no number"].is_null());
        let typed = json!({"type": "string", "value": "previous_trace"});
        assert_eq!(span["links"][0]["attributes"]["sentry.link.type"], typed, "{span}");
    }
}

/// The spans as they are on the wire.
fn streamed(options: ClientOptions, run: impl FnOnce()) -> Vec<Value> {
    let options = options.trace_lifecycle(TraceLifecycle::Stream);
    let mut spans = Vec::new();
    for envelope in with_captured_envelopes_options(run, options) {
        let mut bytes = Vec::new();
        envelope.to_writer(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        spans.extend(lines.flat_map(|line| line["items"].as_array().cloned().unwrap_or_default()));
    }
    spans
}

/// A stack of one frame of the application below one of a library.
#[derive(Debug)]
struct Source;

impl StackSource for Source {
    fn capture(&self) -> RawStack {
        RawStack { addresses: [1, 2].into() }
    }

    fn resolve(&self, stack: &RawStack, _: Option<Instant>) -> Option<Stacktrace> {
        assert_eq!(*stack.addresses, [1, 2]);
        let frame = |function: &str, path: &str, in_app| Frame {
            function: Some(function.to_owned()),
            abs_path: Some(path.to_owned()),
            lineno: Some(7),
            in_app,
            ..Frame::default()
        };
        let frames = [
            frame("app::main", "/app/main.rs", Some(true)),
            frame("app::orders", "/app/orders.rs", None),
            frame("sqlx::query", "/sqlx/query.rs", Some(false)),
        ];
        Some(Stacktrace { frames: frames.into(), ..Stacktrace::default() })
    }
}

fn with_source() -> ClientOptions {
    let mut options = options().in_app_include(["app"]);
    options.stack_source = Some(Arc::new(Source));
    options
}

/// A span with this operation that has taken so long, as it is sent.
fn took(options: ClientOptions, op: &str, millis: u64, set: impl Fn(&Span)) -> crate::protocol::Span {
    let mut transactions = sent(options, || {
        let transaction = begin();
        let start = clock::now();
        let span = transaction.start_child_with_details(op, "SELECT 1", SpanId::from([1; 8]), start);
        set(&span);
        span.finish_with_timestamp(start + Duration::from_millis(millis));
        transaction.finish();
    });
    transactions.remove(0).spans.remove(0)
}

#[test]
fn slow_queries_and_requests_tell_where_they_come_from() {
    let place = json!({"code.file.path": "/app/orders.rs", "code.function.name": "app::orders", "code.line.number": 7});
    let (on, no_db, no_http) = (
        with_source(),
        with_source().enable_db_query_source(false),
        with_source().enable_http_request_source(false),
    );
    // (options, operation, milliseconds, is told)
    let table = [
        (&on, "db", 100, true),
        (&on, "db.query", 5_000, true),
        (&on, "http.client", 100, true),
        (&on, "db", 99, false),
        (&on, "db", 0, false),
        (&on, "dbx", 5_000, false),
        (&on, "http.server", 5_000, false),
        (&no_db, "db", 5_000, false),
        (&no_db, "http.client", 5_000, true),
        (&no_http, "http.client", 5_000, false),
        (&no_http, "db.sql.query", 5_000, true),
        (&options(), "db", 5_000, false),
    ];
    for (options, op, millis, is_told) in table {
        let span = took(options.clone(), op, millis, |_| {});
        let expected = if is_told { place.clone() } else { json!({}) };
        assert_eq!(json!(span.data), expected, "{op} {millis}");
    }
    // What the application says stays; what an integration says is the place of its own code.
    let say = |span: &Span| span.set_data("code.file.path", "mine.rs".into());
    assert_eq!(took(on.clone(), "db", 100, say).data["code.file.path"], "mine.rs");
    let layer = |span: &Span| {
        say(span);
        span.set_origin("auto.tracing");
    };
    assert_eq!(json!(took(on.clone(), "db", 100, layer).data), place);
    let streamed = streamed(on, || {
        let transaction = begin();
        let start = clock::now() - Duration::from_secs(1);
        transaction.start_child_with_details("db", "SELECT 1", SpanId::from([1; 8]), start).finish();
    });
    assert_eq!(streamed[0]["attributes"]["code.function.name"]["value"], "app::orders");
}

const REPLAY: &str = "12312012123120121231201212312012";
const TRACE: &str = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1";

fn replay_of(contexts: &std::collections::BTreeMap<String, Context>) -> Value {
    json!(contexts.get("replay"))["replay_id"].clone()
}

#[test]
fn a_replay_that_came_with_the_trace_is_named_by_all_that_belongs_to_it() {
    let baggage = format!("sentry-replay_id={REPLAY}");
    let headers = [("sentry-trace", TRACE), ("baggage", &*baggage)];
    let run = || {
        Hub::current().continue_trace(headers);
        crate::capture_message("without a span", crate::Level::Info);
        let transaction = start_transaction(TransactionContext::continue_from_headers("t", "op", headers));
        configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
        crate::capture_message("in a span", crate::Level::Info);
        transaction.start_child("op", "").finish();
        transaction.finish();
    };
    let envelopes = with_captured_envelopes_options(run, options());
    assert_eq!(envelopes.len(), 3);
    for envelope in &envelopes {
        let contexts = match envelope.items().next() {
            Some(EnvelopeItem::Transaction(transaction)) => &transaction.contexts,
            Some(EnvelopeItem::Event(event)) => &event.contexts,
            other => panic!("{other:?}"),
        };
        assert_eq!(replay_of(contexts), REPLAY);
    }
    for span in streamed(options(), run).iter().filter(|span| span["span_id"].is_string()) {
        assert_eq!(span["attributes"]["sentry.replay_id"]["value"], REPLAY);
    }
}

#[test]
fn a_replay_of_our_own_is_told_to_others() {
    let transactions = with_captured_envelopes_options(
        || {
            let replay = Context::Other([("replay_id".to_owned(), REPLAY.into())].into());
            configure_scope(|scope| scope.set_context("replay", replay));
            let transaction = begin();
            let baggage = transaction.iter_headers().last().unwrap().1;
            assert!(baggage.contains(&format!("sentry-replay_id={REPLAY}")), "{baggage}");
            transaction.finish();
            configure_scope(|scope| scope.remove_context("replay"));
            assert!(!begin().iter_headers().last().unwrap().1.contains("replay_id"));
        },
        options(),
    );
    assert_eq!(replay_of(&transaction(&transactions[0]).unwrap().contexts), REPLAY);
}

#[test]
fn a_span_has_nothing_of_the_one_before_it() {
    let transactions = sent(options(), || {
        let transaction = begin();
        for n in 0..100_usize {
            let span = transaction.start_child(&format!("op.{n}"), &"x".repeat(n));
            if n % 2 == 0 {
                span.set_data("n", n.into());
                span.set_tag("n", n);
                span.set_origin("auto.test");
                span.set_status(crate::protocol::SpanStatus::Ok);
            }
            span.finish();
        }
        transaction.finish();
    });
    assert_eq!(transactions[0].spans.len(), 100);
    for (n, span) in transactions[0].spans.iter().enumerate() {
        assert_eq!(span.op, Some(format!("op.{n}")));
        assert_eq!(span.description.as_ref().map_or(0, String::len), n);
        let has =
            [!span.data.is_empty(), !span.tags.is_empty(), span.origin.is_some(), span.status.is_some()];
        assert_eq!(has, [n % 2 == 0; 4], "{n}");
    }
}

#[test]
fn what_is_unwanted_does_not_keep_what_came_before() {
    let options = options().trace_ignore_status_codes([404..=404]);
    let run = || {
        let hub = Hub::current();
        // A chain of so many would not fit the stack when it goes.
        for _ in 0..50_000 {
            let transaction = start_transaction(TransactionContext::new("GET /", "http.server"));
            configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
            transaction.set_data("http.response.status_code", 404.into());
            transaction.finish();
        }
        hub.configure_scope(|scope| scope.set_span(None));
    };
    assert!(with_captured_envelopes_options(run, options).is_empty());
}
