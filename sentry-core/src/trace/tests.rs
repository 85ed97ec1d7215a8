//! Transactions and spans through a client.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use crate::client_report::Recorder;
use crate::options::ClientOptions;
use crate::protocol::{self, Context, Envelope, EnvelopeItem, Request, SpanId, SpanStatus, Value};
use crate::test::with_captured_envelopes_options;
use crate::trace::{
    MAX_SPANS, SentryTrace, Span, TraceHeadersIter, Transaction, TransactionContext, TransactionOrSpan,
};
use crate::{Hub, api};

const DSN: &str = "https://public@o7.host.example/1";

fn options(rate: f32) -> ClientOptions {
    ClientOptions::new().dsn(DSN).release("shop@1").traces_sample_rate(rate)
}

fn start(name: &str) -> Transaction {
    api::start_transaction(TransactionContext::new(name, "test"))
}

/// The transactions that `f` sent, with their envelopes.
fn sent(options: ClientOptions, f: impl FnOnce()) -> Vec<(protocol::Transaction<'static>, Envelope)> {
    let envelopes = with_captured_envelopes_options(f, options);
    let transaction = |envelope: &Envelope| match envelope.items().next() {
        Some(EnvelopeItem::Transaction(transaction)) => Some(protocol::Transaction::clone(transaction)),
        _ => None,
    };
    envelopes.into_iter().filter_map(|envelope| Some((transaction(&envelope)?, envelope))).collect()
}

fn one(options: ClientOptions, f: impl FnOnce()) -> (protocol::Transaction<'static>, Envelope) {
    let mut all = sent(options, f);
    assert_eq!(all.len(), 1, "one transaction is sent");
    all.remove(0)
}

fn losses(recorder: &Recorder) -> BTreeMap<String, u64> {
    let items = serde_json::to_value(recorder.totals()).unwrap();
    let items = items.as_array().unwrap().iter();
    let name = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    items
        .map(|item| {
            let quantity = item["quantity"].as_u64().unwrap();
            (format!("{} {}", name(item, "reason"), name(item, "category")), quantity)
        })
        .collect()
}

fn headers(headers: TraceHeadersIter) -> BTreeMap<&'static str, String> {
    headers.collect()
}

fn trace_of(transaction: &protocol::Transaction<'_>) -> protocol::TraceContext {
    match &transaction.contexts["trace"] {
        Context::Trace(trace) => (**trace).clone(),
        other => panic!("not a trace: {other:?}"),
    }
}

fn header(envelope: &Envelope) -> Value {
    let mut bytes = Vec::new();
    envelope.to_writer(&mut bytes).unwrap();
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap();
    serde_json::from_slice(line).unwrap()
}

#[test]
fn a_sampled_transaction_is_sent_with_everything_recorded() {
    let start_time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    let (transaction, envelope) = one(options(1.0), || {
        let context = TransactionContext::new("first name", "first.op");
        let transaction = api::start_transaction_with_timestamp(context, start_time);
        transaction.set_name("GET /orders");
        transaction.set_op("http.server");
        transaction.set_origin("auto.http");
        transaction.set_status(SpanStatus::Ok);
        transaction.set_tag("tag", 1);
        transaction.set_data("data", 2.into());
        transaction.set_extra("extra", 3.into());
        transaction.set_request(Request { method: Some("GET".into()), ..Request::default() });
        {
            let mut data = transaction.data();
            data.set_data("more".into(), 4.into());
            data.set_tag("other".into(), "tag".into());
            assert_eq!(data.iter().count(), 2);
        }
        let span = transaction.start_child("db", "SELECT 1");
        let inner = span.start_child_with_details("", "", SpanId::from([7; 8]), start_time);
        inner.set_status(SpanStatus::Aborted);
        assert_eq!(inner.get_status(), Some(SpanStatus::Aborted));
        inner.set_op("cache.get");
        inner.set_name("key");
        inner.finish_with_timestamp(start_time - Duration::from_secs(1));
        span.set_data("rows", 1.into());
        span.set_tag("shard", "a");
        {
            let mut data = span.data();
            data.insert("in place".into(), true.into());
            data.set_data("set".into(), true.into());
            data.set_tag("kind".into(), "read".into());
            // Nothing is locked meanwhile.
            span.set_data("meanwhile", 1.into());
            span.set_tag("other", "b");
        }
        span.finish();
        transaction.start_child("never", "finished").set_tag("lost", "");
        transaction.finish_with_timestamp(start_time + Duration::from_secs(5));
    });

    assert_eq!(transaction.name.as_deref(), Some("GET /orders"));
    assert_eq!(transaction.start_timestamp, start_time);
    assert_eq!(transaction.timestamp, Some(start_time + Duration::from_secs(5)));
    assert_eq!(transaction.release.as_deref(), Some("shop@1"));
    assert_eq!((&*transaction.tags["tag"], &*transaction.tags["other"]), ("1", "tag"));
    assert_eq!(transaction.extra["extra"], 3);
    assert_eq!(transaction.request.as_ref().and_then(|request| request.method.as_deref()), Some("GET"));
    let trace = trace_of(&transaction);
    assert_eq!((trace.op.as_deref(), trace.origin.as_deref()), (Some("http.server"), Some("auto.http")));
    assert_eq!(trace.status, Some(SpanStatus::Ok));
    assert_eq!((&trace.data["data"], &trace.data["more"]), (&Value::from(2), &Value::from(4)));

    let [inner, outer] = &transaction.spans[..] else { panic!("two spans") };
    assert_eq!((outer.op.as_deref(), outer.description.as_deref()), (Some("db"), Some("SELECT 1")));
    assert_eq!(outer.parent_span_id, Some(trace.span_id));
    assert_eq!(outer.trace_id, trace.trace_id);
    let names: Vec<_> = outer.data.keys().map(String::as_str).collect();
    assert_eq!(names, ["in place", "meanwhile", "rows", "set"]);
    assert_eq!(outer.tags.len(), 3);
    assert_eq!((inner.op.as_deref(), inner.description.as_deref()), (Some("cache.get"), Some("key")));
    assert_eq!((inner.span_id, inner.parent_span_id), (SpanId::from([7; 8]), Some(outer.span_id)));
    assert_eq!(inner.timestamp, Some(inner.start_timestamp), "no span ends before it starts");

    let dsc = &header(&envelope)["trace"];
    assert_eq!(dsc["trace_id"], trace.trace_id.to_string());
    assert_eq!(dsc["public_key"], "public");
    assert_eq!(dsc["transaction"], "GET /orders");
    assert_eq!((&dsc["sampled"], &dsc["sample_rate"]), (&"true".into(), &"1".into()));
    assert_eq!((&dsc["release"], &dsc["org_id"]), (&"shop@1".into(), &"7".into()));
}

#[test]
fn finishing_twice_is_harmless() {
    let all = sent(options(1.0), || {
        let transaction = start("t");
        let span = transaction.start_child("op", "");
        let (again, again_span) = (transaction.clone(), span.clone());
        span.finish();
        again_span.finish();
        transaction.finish();
        again.finish();
    });
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].0.spans.len(), 1);
}

#[test]
fn a_transaction_that_is_not_finished_is_not_sent() {
    assert!(sent(options(1.0), || drop(start("t"))).is_empty());
}

#[test]
fn spans_that_end_after_their_transaction_are_ignored() {
    let (transaction, _) = one(options(1.0), || {
        let transaction = start("t");
        let span = transaction.start_child("op", "");
        let late = transaction.clone();
        transaction.finish();
        span.finish();
        late.set_name("too late");
        late.start_child("op", "").finish();
        assert_eq!(late.get_trace_context().op.as_deref(), Some("test"), "events may still refer to it");
    });
    assert_eq!(transaction.name.as_deref(), Some("t"));
    assert!(transaction.spans.is_empty());
}

#[test]
fn the_limit_of_spans_is_one_thousand_and_the_rest_is_counted() {
    let options = options(1.0);
    let recorder = options.client_report_recorder.clone();
    let (transaction, _) = one(options, || {
        let transaction = start("t");
        for _ in 0..MAX_SPANS + 5 {
            transaction.start_child("op", "").finish();
        }
        transaction.finish();
    });
    assert_eq!(transaction.spans.len(), 1_000);
    assert_eq!(losses(&recorder), [("buffer_overflow span".to_owned(), 5)].into());
}

#[test]
fn an_unsampled_transaction_records_nothing_and_is_counted_once() {
    let options = options(0.0);
    let recorder = options.client_report_recorder.clone();
    let all = sent(options, || {
        let transaction = start("t");
        assert!(!transaction.is_sampled());
        let span = transaction.start_child("op", "");
        span.set_tag("a", PanicsInDisplay);
        transaction.set_tag("a", PanicsInDisplay);
        span.data().set_data("a".into(), 1.into());
        transaction.data().set_data("a".into(), 1.into());
        span.set_status(SpanStatus::Ok);
        assert_eq!((span.get_status(), span.data().len()), (None, 0));
        let child = span.start_child("op", "");
        assert_eq!(child.get_trace_context().trace_id, transaction.get_trace_context().trace_id);
        assert_eq!(child.get_trace_context().parent_span_id, Some(span.get_span_id()));
        child.finish();
        span.finish();
        transaction.clone().finish();
        transaction.finish();
    });
    assert!(all.is_empty());
    let expected = [("sample_rate transaction".to_owned(), 1), ("sample_rate span".to_owned(), 1)];
    assert_eq!(losses(&recorder), expected.into());
}

#[test]
fn without_performance_nothing_is_sent_or_counted_and_decisions_are_passed_on() {
    let options = ClientOptions::new().dsn(DSN).release("shop@1");
    let recorder = options.client_report_recorder.clone();
    let trace = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a";
    let all = sent(options, || {
        for flag in ["", "-0", "-1"] {
            let (trace, baggage) = (format!("{trace}{flag}"), "sentry-release=theirs,sentry-new=x");
            let incoming = [("sentry-trace", &*trace), ("baggage", baggage)];
            let context = TransactionContext::continue_from_headers("t", "op", incoming);
            let transaction = api::start_transaction(context);
            assert!(!transaction.is_sampled());
            let span = transaction.start_child("op", "");
            for outgoing in [headers(transaction.iter_headers()), headers(span.iter_headers())] {
                assert!(outgoing["sentry-trace"].starts_with(&trace[..32]));
                assert!(
                    outgoing["sentry-trace"].len() == 49 + flag.len()
                        && outgoing["sentry-trace"].ends_with(flag)
                );
                assert_eq!(outgoing["baggage"], "sentry-new=x,sentry-release=theirs");
            }
            transaction.finish();
        }
        let outgoing = headers(start("head").start_child("op", "").iter_headers());
        assert_eq!(outgoing["sentry-trace"].len(), 49, "deferred");
        let baggage = &outgoing["baggage"];
        assert!(
            baggage.contains("sentry-release=shop%401") && baggage.contains("sentry-public_key=public"),
            "{baggage}"
        );
        for absent in ["sentry-sampled", "sentry-sample_rate", "sentry-transaction"] {
            assert!(!baggage.contains(absent), "{absent} in {baggage}");
        }
    });
    assert!(all.is_empty());
    assert!(losses(&recorder).is_empty());
}

#[test]
fn a_negative_decision_is_passed_on() {
    sent(options(0.0), || {
        let transaction = start("GET /");
        for span in [TransactionOrSpan::from(transaction.clone()), transaction.start_child("op", "").into()] {
            let outgoing = headers(span.iter_headers());
            assert!(outgoing["sentry-trace"].ends_with("-0"));
            let baggage = &outgoing["baggage"];
            assert!(
                baggage.contains("sentry-sampled=false,") && baggage.contains("sentry-sample_rate=0,"),
                "{baggage}"
            );
        }
    });
}

#[test]
fn a_sampling_context_is_frozen_when_it_leaves() {
    let (_, envelope) = one(options(1.0), || {
        let transaction = start("before");
        let first = headers(transaction.iter_headers());
        transaction.set_name("after");
        let second = headers(transaction.start_child("op", "").iter_headers());
        assert_eq!(first["baggage"], second["baggage"]);
        assert_ne!(first["sentry-trace"], second["sentry-trace"]);
        transaction.finish();
    });
    assert_eq!(header(&envelope)["trace"]["transaction"], "before");
}

#[test]
fn an_incoming_sampling_context_goes_into_the_envelope_as_it_came() {
    let incoming = [
        ("sentry-trace", "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1"),
        ("baggage", "sentry-release=theirs,sentry-sample_rate=0.5,sentry-future=x,vendor=1"),
    ];
    let (transaction, envelope) = one(options(0.0), || {
        api::start_transaction(TransactionContext::continue_from_headers("t", "op", incoming)).finish();
    });
    assert_eq!(trace_of(&transaction).parent_span_id.unwrap().to_string(), "9cf635fa5b870b3a");
    let expected = serde_json::json!({"release": "theirs", "sample_rate": "0.5", "future": "x"});
    assert_eq!(header(&envelope)["trace"], expected);
}

#[test]
fn the_rate_of_a_sampler_replaces_the_one_that_came() {
    let options = ClientOptions::new().dsn(DSN).traces_sampler(|context| {
        assert_eq!((context.name(), context.operation(), context.sampled()), ("t", "op", Some(false)));
        1.0
    });
    let incoming = [
        ("sentry-trace", "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-0"),
        ("baggage", "sentry-sample_rate=0.5,sentry-sampled=false"),
    ];
    let (_, envelope) = one(options, || {
        api::start_transaction(TransactionContext::continue_from_headers("t", "op", incoming)).finish();
    });
    assert_eq!(header(&envelope)["trace"], serde_json::json!({"sample_rate": "1", "sampled": "true"}));
}

#[test]
fn a_panicking_sampler_does_not_reach_the_application() {
    let options = ClientOptions::new().dsn(DSN).traces_sampler(|_| panic!("expected by the test"));
    let recorder = options.client_report_recorder.clone();
    assert!(sent(options, || start("t").finish()).is_empty());
    assert_eq!(losses(&recorder)["sample_rate transaction"], 1);
}

#[test]
fn a_transaction_belongs_to_the_hub_that_started_it() {
    let (transaction, _) = one(options(1.0), || {
        let hub = Hub::current();
        let other = Arc::new(Hub::new_from_top(&hub));
        let transaction = hub.start_transaction(TransactionContext::new("t", "op"));
        hub.configure_scope(|scope| {
            scope.set_span(Some(transaction.clone().into()));
            scope.set_tag("hub", "own");
        });
        other.configure_scope(|scope| scope.set_tag("hub", "other"));
        Hub::run(other, || transaction.finish());
    });
    assert_eq!(transaction.tags["hub"], "own");
}

#[test]
fn a_transaction_outlives_its_hub_and_does_not_keep_it_alive() {
    let weak = std::cell::OnceCell::new();
    let (transaction, _) = one(options(1.0), || {
        let hub = Hub::new_from_top(Hub::current());
        hub.configure_scope(|scope| scope.set_tag("hub", "gone"));
        let transaction = hub.start_transaction(TransactionContext::new("t", "op"));
        hub.configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
        weak.set(hub.downgrade()).unwrap_or_default();
        drop(hub);
        assert!(weak.get().is_some_and(|hub| hub.upgrade().is_none()), "no cycle keeps the hub");
        transaction.finish();
    });
    assert_eq!(transaction.tags["hub"], "gone");
}

#[test]
fn the_scope_renames_the_transaction_bound_to_it() {
    let (transaction, _) = one(options(1.0), || {
        let transaction = start("before");
        api::configure_scope(|scope| {
            scope.set_span(Some(transaction.clone().into()));
            scope.set_transaction(Some("after"));
        });
        transaction.finish();
    });
    assert_eq!(transaction.name.as_deref(), Some("after"));
}

#[test]
fn a_panic_in_users_code_poisons_nothing() {
    let (transaction, _) = one(options(1.0), || {
        let transaction = start("t");
        let span = transaction.start_child("op", "");
        assert!(catch_unwind(AssertUnwindSafe(|| transaction.set_tag("a", PanicsInDisplay))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| span.set_tag("a", PanicsInDisplay))).is_err());
        let with_data = catch_unwind(AssertUnwindSafe(|| {
            let mut data = span.data();
            data.set_data("kept".into(), 1.into());
            panic!("expected by the test");
        }));
        assert!(with_data.is_err());
        span.set_tag("b", "2");
        span.finish();
        transaction.set_tag("b", "2");
        transaction.finish();
    });
    assert_eq!(transaction.tags.len(), 1);
    assert_eq!((transaction.spans[0].tags.len(), transaction.spans[0].data.len()), (1, 1));
}

#[test]
fn to_string_may_use_the_span_itself() {
    struct Counts<'a>(&'a Span, &'a AtomicUsize);
    impl fmt::Display for Counts<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set_data("from within", 1.into());
            self.1.fetch_add(1, Ordering::Relaxed);
            f.write_str("x")
        }
    }
    let calls = AtomicUsize::new(0);
    one(options(1.0), || {
        let transaction = start("t");
        let span = transaction.start_child("op", "");
        span.set_tag("a", Counts(&span, &calls));
        transaction.set_tag("a", Counts(&span, &calls));
        transaction.finish();
    });
    assert_eq!(calls.into_inner(), 2);
}

#[test]
fn spans_of_many_threads_arrive() {
    let (transaction, _) = one(options(1.0), || {
        let transaction = start("t");
        std::thread::scope(|threads| {
            for _ in 0..4 {
                let transaction = &transaction;
                threads.spawn(move || {
                    for _ in 0..100 {
                        transaction.start_child("op", "").finish();
                    }
                });
            }
        });
        transaction.finish();
    });
    assert_eq!(transaction.spans.len(), 400);
}

#[test]
fn a_transaction_below_a_span_continues_its_trace_and_its_decision() {
    let all = sent(options(1.0), || {
        let outer = start("outer");
        let span = outer.start_child("op", "");
        let context = TransactionContext::continue_from_span("inner", "op", Some(span.clone().into()));
        assert_eq!(context.sampled(), Some(true));
        let inner = api::start_transaction(context);
        assert_eq!(inner.get_trace_context().trace_id, outer.get_trace_context().trace_id);
        assert_eq!(inner.get_trace_context().parent_span_id, Some(span.get_span_id()));
        inner.finish();
        outer.finish();
    });
    let rand = |envelope| header(envelope)["trace"]["sample_rand"].clone();
    assert_eq!(rand(&all[0].1), rand(&all[1].1), "one number for the whole trace");
}

#[test]
fn without_a_client_a_trace_is_still_passed_on() {
    let trace = SentryTrace::new([1; 16].into(), [2; 8].into(), Some(true));
    let context = TransactionContext::continue_from_sentry_trace("t", "op", &trace, None);
    let transaction = Transaction::start(None, &Hub::current(), context, SystemTime::UNIX_EPOCH);
    let span = transaction.start_child("op", "");
    assert_ne!(transaction, Transaction::start_current(TransactionContext::new("t", "op"), None));
    assert_eq!(span, span.clone());
    let outgoing = headers(span.iter_headers());
    assert_eq!(outgoing["sentry-trace"], format!("{}-{}-1", "01".repeat(16), span.get_span_id()));
    assert!(!outgoing.contains_key("baggage"));
    span.finish();
    transaction.finish();
}

#[test]
fn two_spans_of_an_unrecorded_transaction_share_nothing_that_counts_references() {
    // What makes an unsampled span cheap (design.md 5): its clone is a copy of a few words.
    let transaction =
        Transaction::start(None, &Hub::current(), TransactionContext::new("t", "op"), SystemTime::UNIX_EPOCH);
    assert!(transaction.start_child("op", "").incoming().is_none());
    assert!(size_of::<Span>() <= 80, "{}", size_of::<Span>());
}

struct PanicsInDisplay;

impl fmt::Display for PanicsInDisplay {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("expected by the test")
    }
}
