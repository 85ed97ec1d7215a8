//! What is left out, changed, and sent one by one.

use serde_json::{Value, json};

use crate::client_report::protocol::{Category, Reason};
use crate::options::{SpanPattern, TraceLifecycle};
use crate::protocol::{Envelope, EnvelopeItem, SpanStatus, Transaction};
use crate::test::with_captured_envelopes_options;
use crate::{ClientOptions, TransactionContext, TransactionOrSpan, start_transaction};

fn options() -> ClientOptions {
    ClientOptions::new().release("app@1").environment("test").traces_sample_rate(1.0)
}

fn sent(options: ClientOptions, run: impl FnOnce()) -> Vec<Envelope> {
    with_captured_envelopes_options(run, options)
}

fn transactions(envelopes: &[Envelope]) -> Vec<Transaction<'static>> {
    let transaction = |item: &EnvelopeItem| match item {
        EnvelopeItem::Transaction(transaction) => Some((**transaction).clone()),
        _ => None,
    };
    envelopes.iter().filter_map(|envelope| envelope.items().find_map(transaction)).collect()
}

fn lost(options: &ClientOptions, reason: Reason, category: Category) -> u64 {
    let totals = options.client_report_recorder.totals();
    totals
        .iter()
        .filter(|it| it.reason() == reason && it.category() == category)
        .map(|it| it.quantity())
        .sum()
}

fn begin(name: &str) -> crate::Transaction {
    start_transaction(TransactionContext::new(name, "op"))
}

#[test]
fn transactions_are_ignored_by_name() {
    let options = options().ignore_transactions(["/health"]);
    let envelopes = sent(options.clone(), || {
        let ignored = begin("GET /health/live");
        ignored.start_child("a", "b").finish();
        ignored.finish();
        let renamed = begin("GET /users");
        renamed.set_name("GET /healthy");
        renamed.finish();
        begin("GET /users").finish();
    });
    assert_eq!(transactions(&envelopes).len(), 1);
    assert_eq!(lost(&options, Reason::Ignored, Category::Transaction), 2);
    assert_eq!(lost(&options, Reason::Ignored, Category::Span), 3);
}

#[test]
fn transactions_are_ignored_by_status() {
    let options = options().trace_ignore_status_codes([301..=303, 404..=404]);
    let envelopes = sent(options.clone(), || {
        for code in [json!(404), json!("302"), json!(200), json!("no number")] {
            let transaction = begin("t");
            transaction.set_data("http.response.status_code", code);
            transaction.finish();
        }
    });
    assert_eq!(transactions(&envelopes).len(), 2);
    assert_eq!(lost(&options, Reason::EventProcessor, Category::Transaction), 2);
}

#[test]
fn below_an_ignored_span_the_tree_closes() {
    let options = options().ignore_spans(["SELECT 1"]);
    let envelopes = sent(options.clone(), || {
        let transaction = begin("t");
        let outer = transaction.start_child("a", "outer");
        let ignored = outer.start_child("db", "SELECT 1");
        ignored.set_data("lost", 1.into());
        let inner = ignored.start_child("b", "inner");
        assert!(ignored.is_sampled());
        inner.finish();
        ignored.finish();
        outer.finish();
        transaction.finish();
    });
    let [transaction] = &transactions(&envelopes)[..] else { panic!() };
    let names: Vec<_> = transaction.spans.iter().map(|span| span.description.as_deref().unwrap()).collect();
    assert_eq!(names, ["inner", "outer"]);
    assert_eq!(transaction.spans[0].parent_span_id, Some(transaction.spans[1].span_id));
    assert_eq!(lost(&options, Reason::Ignored, Category::Span), 1);
}

#[test]
fn spans_are_ignored_by_what_they_begin_with() {
    let is_hit = SpanPattern::named("user").op("cache").attribute("cache.hit", true);
    for lifecycle in [TraceLifecycle::Static, TraceLifecycle::Stream] {
        let options = options().trace_lifecycle(lifecycle).ignore_spans([is_hit.clone()]);
        let envelopes = sent(options.clone(), || {
            let transaction = begin("t");
            let outer = transaction.start_child("a", "outer");
            for (op, name, hit) in
                [("cache.get", "user 1", true), ("cache.get", "user 2", false), ("db", "user 3", true)]
            {
                let span = outer.start_child_with_data(op, name, [("cache.hit", hit)]);
                span.start_child("b", &format!("below {name}")).finish();
                span.finish();
            }
            // What is set later changes nothing: what is below it may be gone by then.
            let late = TransactionOrSpan::from(transaction.clone()).start_child("cache.get", "user 4");
            late.set_data("cache.hit", true.into());
            late.finish();
            outer.finish();
            transaction.finish();
        });
        let (names, hits) = match lifecycle {
            TraceLifecycle::Static => {
                let spans = transactions(&envelopes).remove(0).spans;
                let name = |span: &crate::protocol::Span| span.description.clone().unwrap();
                (
                    spans.iter().map(name).collect::<Vec<_>>(),
                    spans.iter().map(|it| it.data.get("cache.hit").cloned()).collect::<Vec<_>>(),
                )
            }
            _ => {
                let spans = streamed(&envelopes);
                let hit = |span: &Value| span.pointer("/attributes/cache.hit/value").cloned();
                let name = |span: &Value| span["name"].as_str().unwrap().to_owned();
                (spans.iter().map(name).collect(), spans.iter().map(hit).collect())
            }
        };
        assert_eq!(
            names.iter().filter(|name| *name != "t").collect::<Vec<_>>(),
            ["below user 1", "below user 2", "user 2", "below user 3", "user 3", "user 4", "outer"]
        );
        assert_eq!((&hits[2], &hits[4]), (&Some(json!(false)), &Some(json!(true))));
        assert_eq!(lost(&options, Reason::Ignored, Category::Span), 1);
    }
}

#[test]
fn a_root_that_is_ignored_takes_its_tree_along() {
    let unwanted = SpanPattern::new().op("http.server").attribute("user_agent.original", "probe");
    for lifecycle in [TraceLifecycle::Static, TraceLifecycle::Stream] {
        let options = options().trace_lifecycle(lifecycle).ignore_spans([unwanted.clone()]);
        let envelopes = sent(options.clone(), || {
            for agent in ["kube-probe/1.30", "curl"] {
                let mut context = TransactionContext::new("GET /", "http.server");
                context.set_data("user_agent.original", agent.into());
                let transaction = start_transaction(context);
                let is_wanted = agent == "curl";
                let child = transaction.start_child("a", "child");
                let inner = child.start_child_with_data("b", "inner", [("n", 1)]);
                assert_eq!(
                    [transaction.is_sampled(), child.is_sampled(), inner.is_sampled()],
                    [is_wanted; 3]
                );
                let flag = if is_wanted { "-1" } else { "-0" };
                for mut headers in [transaction.iter_headers(), child.iter_headers(), inner.iter_headers()] {
                    assert!(headers.next().unwrap().1.ends_with(flag), "{agent}");
                }
                inner.finish();
                child.finish();
                transaction.finish();
            }
        });
        let (all, segments) = match lifecycle {
            TraceLifecycle::Static => (transactions(&envelopes).len(), 1),
            _ => (streamed(&envelopes).len() - 2, 0),
        };
        assert_eq!(all, 1);
        assert_eq!(lost(&options, Reason::Ignored, Category::Transaction), segments);
        assert_eq!(lost(&options, Reason::Ignored, Category::Span), 3);
    }
}

#[test]
fn of_a_stream_that_is_ignored_by_name_nothing_leaves() {
    let options = options().trace_lifecycle(TraceLifecycle::Stream).ignore_transactions(["/health"]);
    let envelopes = sent(options.clone(), || {
        let transaction = begin("GET /health");
        transaction.start_child("a", "child").finish();
        transaction.finish();
    });
    assert_eq!(streamed(&envelopes), Vec::<Value>::new());
    assert_eq!(lost(&options, Reason::Ignored, Category::Span), 2);
    assert_eq!(lost(&options, Reason::Ignored, Category::Transaction), 0);
}

#[test]
fn a_callback_changes_spans_and_a_panic_leaves_them() {
    let options = options().before_send_span(|span| {
        span.data.insert("seen".into(), true.into());
        assert_ne!(span.description.as_deref(), Some("panic"), "as ordered");
    });
    let envelopes = sent(options, || {
        let transaction = begin("t");
        transaction.start_child("a", "fine").finish();
        transaction.start_child("a", "panic").finish();
        transaction.finish();
    });
    let spans = &transactions(&envelopes)[0].spans;
    assert_eq!((spans[0].data.get("seen"), spans[1].data.get("seen")), (Some(&json!(true)), None));
}

/// Streamed spans as they are on the wire.
fn streamed(envelopes: &[Envelope]) -> Vec<Value> {
    let mut spans = Vec::new();
    for envelope in envelopes {
        for item in envelope.items() {
            let mut bytes = Vec::new();
            Envelope::from(item.clone()).to_writer(&mut bytes).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            if text.contains("\"type\":\"span\"") {
                let payload: Value = serde_json::from_str(text.lines().nth(2).unwrap()).unwrap();
                spans.extend(payload["items"].as_array().unwrap().clone());
            }
        }
    }
    spans
}

#[test]
fn streamed_spans_leave_when_they_end() {
    let options = options().trace_lifecycle(TraceLifecycle::Stream);
    let envelopes = sent(options, || {
        crate::configure_scope(|scope| scope.set_attribute("region", "eu"));
        let transaction = begin("GET /users");
        let child = transaction.start_child("db", "SELECT 1");
        child.set_data("rows", 3.into());
        child.set_status(SpanStatus::InternalError);
        child.finish();
        transaction.clone().finish();
        transaction_is_over(&transaction);
    });
    assert!(transactions(&envelopes).is_empty());
    let spans = streamed(&envelopes);
    let [child, segment, late] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(
        (&child["name"], &child["status"], &child["is_segment"]),
        (&json!("SELECT 1"), &json!("error"), &json!(false))
    );
    assert_eq!(
        (&segment["name"], &segment["status"], &segment["is_segment"]),
        (&json!("GET /users"), &json!("ok"), &json!(true))
    );
    assert_eq!(child["parent_span_id"], segment["span_id"]);
    assert_eq!(late["name"], "after the end");
    let text = |span: &Value, key: &str| span["attributes"][key]["value"].clone();
    for span in [child, segment] {
        assert_eq!(text(span, "sentry.segment.name"), "GET /users");
        assert_eq!(text(span, "sentry.segment.id"), segment["span_id"]);
        assert_eq!(text(span, "sentry.trace_lifecycle"), "stream");
        assert_eq!((text(span, "sentry.release"), text(span, "region")), (json!("app@1"), json!("eu")));
    }
    assert_eq!((text(child, "rows"), text(child, "sentry.op")), (json!(3), json!("db")));
    let headers =
        envelopes.iter().find(|envelope| !streamed(std::slice::from_ref(envelope)).is_empty()).unwrap();
    let mut bytes = Vec::new();
    headers.to_writer(&mut bytes).unwrap();
    let header: Value =
        serde_json::from_str(String::from_utf8(bytes).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!(header["trace"]["transaction"], "GET /users");
}

/// A worker that never ends its segment still shows up.
fn transaction_is_over(transaction: &crate::Transaction) {
    transaction.start_child("task", "after the end").finish();
}

#[test]
fn an_unsampled_stream_is_counted_as_spans() {
    let options = ClientOptions::new().traces_sample_rate(0.0).trace_lifecycle(TraceLifecycle::Stream);
    sent(options.clone(), || begin("t").finish());
    assert_eq!(lost(&options, Reason::SampleRate, Category::Transaction), 0);
    assert_eq!(lost(&options, Reason::SampleRate, Category::Span), 1);
}
