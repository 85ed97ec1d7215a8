//! What becomes of the spans: parents, ids, times, status, data, links.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Link, Span as _, SpanKind, Status, TraceContextExt, TraceState, Tracer};
use opentelemetry::{Context, KeyValue};
use sentry_core::options::TraceLifecycle;
use sentry_core::protocol::SpanStatus;
use serde_json::json;

use super::*;

#[test]
fn ids_and_parents_are_those_of_opentelemetry() {
    let mut expected = Vec::new();
    let envelopes = sent(sampled(), |tracer| {
        tracer.in_span("root", |root| {
            tracer.in_span("child", |child| {
                let grandchild = tracer.start("grandchild");
                expected.extend([root.span(), child.span()].map(|span| ids(span.span_context())));
                expected.push(ids(grandchild.span_context()));
            });
        });
    });
    let [root] = &*transactions(&envelopes) else { panic!("one transaction") };
    let context = trace(root);
    let found = |span: &Span| {
        (span.trace_id.to_string(), span.span_id.to_string(), span.parent_span_id.unwrap().to_string())
    };
    let [(trace_id, root_id), (_, child_id), (_, grandchild_id)] = &*expected else { panic!() };
    assert_eq!((&context.trace_id.to_string(), &context.span_id.to_string()), (trace_id, root_id));
    assert_eq!((context.parent_span_id, root.name.as_deref()), (None, Some("root")));
    assert_eq!(found(span(root, "child")), (trace_id.clone(), child_id.clone(), root_id.clone()));
    assert_eq!(found(span(root, "grandchild")), (trace_id.clone(), grandchild_id.clone(), child_id.clone()));
    assert_eq!(context.origin.as_deref(), Some("auto.otel"));
    assert_eq!(span(root, "child").origin.as_deref(), Some("auto.otel"));
}

#[test]
fn times_are_those_of_opentelemetry() {
    let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);
    let envelopes = sent(sampled(), |tracer| {
        let mut root = tracer.span_builder("root").with_start_time(at(0)).start(tracer);
        let below = Context::new().with_remote_span_context(root.span_context().clone());
        drop(below);
        root.end_with_timestamp(at(10));
        let context =
            Context::new().with_span(tracer.span_builder("other").with_start_time(at(1)).start(tracer));
        let mut child =
            tracer.span_builder("child").with_start_time(at(2)).start_with_context(tracer, &context);
        child.end_with_timestamp(at(3));
        context.span().end_with_timestamp(at(4));
    });
    let transactions = transactions(&envelopes);
    assert_eq!((transactions[0].start_timestamp, transactions[0].timestamp), (at(0), Some(at(10))));
    assert_eq!((transactions[1].start_timestamp, transactions[1].timestamp), (at(1), Some(at(4))));
    let child = span(&transactions[1], "child");
    assert_eq!((child.start_timestamp, child.timestamp), (at(2), Some(at(3))));
}

#[test]
fn attributes_are_data_and_name_the_span() {
    let envelopes = sent(sampled(), |tracer| {
        let attributes = [KeyValue::new("http.request.method", "GET"), KeyValue::new("url.path", "/users/7")];
        let root = tracer.span_builder("GET").with_kind(SpanKind::Server).with_attributes(attributes);
        let context = Context::new().with_span(root.start(tracer));
        let query = [
            KeyValue::new("db.system", "postgresql"),
            KeyValue::new("db.query.text", "SELECT * FROM users WHERE id = 7"),
        ];
        let query = tracer.span_builder("SELECT users").with_kind(SpanKind::Client).with_attributes(query);
        drop(query.start_with_context(tracer, &context));
        context.span().set_attribute(KeyValue::new("http.route", "/users/{id}"));
        context.span().set_attribute(KeyValue::new("http.response.status_code", 404));
    });
    let [root] = &*transactions(&envelopes) else { panic!("one transaction") };
    let context = trace(root);
    assert_eq!(root.name.as_deref(), Some("GET /users/{id}"));
    assert_eq!(serde_json::to_value(&root.transaction_info).unwrap(), json!({"source": "route"}));
    assert_eq!((context.op.as_deref(), context.status), (Some("http.server"), Some(SpanStatus::NotFound)));
    assert_eq!(context.data["http.route"], "/users/{id}");
    assert_eq!(context.data["otel.kind"], "SERVER");
    assert_eq!(context.data["otel.scope.name"], "shop");
    let query = span(root, "SELECT * FROM users WHERE id = %s");
    assert_eq!((query.op.as_deref(), query.status), (Some("db"), Some(SpanStatus::Ok)));
    assert_eq!(query.data["db.query.text"], "SELECT * FROM users WHERE id = %s");
}

#[test]
fn the_table_of_statuses() {
    let error = |text: &'static str| Status::error(text);
    let http = |code: i64| KeyValue::new("http.response.status_code", code);
    let grpc = |code: i64| KeyValue::new("rpc.grpc.status_code", code);
    let table = [
        (Status::Unset, None, SpanStatus::Ok),
        (Status::Ok, None, SpanStatus::Ok),
        (Status::Ok, Some(http(404)), SpanStatus::Ok),
        (Status::Unset, Some(http(503)), SpanStatus::Unavailable),
        (Status::Unset, Some(grpc(5)), SpanStatus::NotFound),
        (Status::Unset, Some(grpc(99)), SpanStatus::Ok),
        (error(""), None, SpanStatus::UnknownError),
        (error("it broke"), None, SpanStatus::UnknownError),
        (error("deadline_exceeded"), None, SpanStatus::DeadlineExceeded),
        (error("it broke"), Some(http(500)), SpanStatus::InternalError),
        (error("it broke"), Some(http(200)), SpanStatus::UnknownError),
    ];
    for (status, attribute, expected) in table {
        let envelopes = sent(sampled(), |tracer| {
            let mut root = tracer.start("root");
            root.set_status(status.clone());
            attribute.clone().into_iter().for_each(|attribute| root.set_attribute(attribute));
        });
        assert_eq!(trace(&transactions(&envelopes)[0]).status, Some(expected), "{status:?} {attribute:?}");
    }
}

#[test]
fn links_are_kept() {
    let other = SpanContext::new(
        opentelemetry::trace::TraceId::from(7),
        opentelemetry::trace::SpanId::from(8),
        opentelemetry::trace::TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let envelopes = sent(sampled(), |tracer| {
        let link = Link::new(other.clone(), vec![KeyValue::new("why", "message")], 0);
        let root = tracer.span_builder("root").with_links(vec![link]).start(tracer);
        let context = Context::new().with_span(root);
        tracer.start_with_context("child", &context).add_link(other.clone(), Vec::new());
    });
    let [root] = &*transactions(&envelopes) else { panic!("one transaction") };
    let expected = |attributes: serde_json::Value| {
        let mut link = json!({
            "trace_id": "00000000000000000000000000000007", "span_id": "0000000000000008", "sampled": true,
        });
        if !attributes.is_null() {
            link["attributes"] = attributes;
        }
        json!([link])
    };
    assert_eq!(serde_json::to_value(trace(root).links).unwrap(), expected(json!({"why": "message"})));
    assert_eq!(serde_json::to_value(&span(root, "child").links).unwrap(), expected(json!(null)));
}

#[test]
fn spans_of_several_threads_are_below_the_one_they_belong_to() {
    const THREADS: usize = 4;
    const SPANS: usize = 50;
    let envelopes = sent(sampled(), |tracer| {
        let hub = Hub::current();
        let barrier = Barrier::new(THREADS);
        thread::scope(|scope| {
            for number in 0..THREADS {
                let (hub, barrier) = (Arc::new(Hub::new_from_top(&hub)), &barrier);
                scope.spawn(move || {
                    Hub::run(hub, || {
                        barrier.wait();
                        let root = Context::new()
                            .with_span(tracer.start_with_context(format!("root {number}"), &Context::new()));
                        for _ in 0..SPANS {
                            drop(tracer.start_with_context(format!("span {number}"), &root));
                        }
                    });
                });
            }
        });
    });
    let transactions = transactions(&envelopes);
    assert_eq!(transactions.len(), THREADS);
    for transaction in &transactions {
        let number = transaction.name.as_deref().unwrap().rsplit(' ').next().unwrap();
        assert_eq!(transaction.spans.len(), SPANS);
        for span in &transaction.spans {
            assert_eq!(span.description, Some(format!("span {number}")));
            assert_eq!(span.parent_span_id, Some(trace(transaction).span_id));
        }
    }
}

#[test]
fn a_span_ends_on_another_thread_and_in_any_order() {
    let envelopes = sent(sampled(), |tracer| {
        let root = Context::new().with_span(tracer.start_with_context("root", &Context::new()));
        let first = root.with_span(tracer.start_with_context("first", &root));
        let mut second = tracer.start_with_context("second", &first);
        first.span().end();
        thread::scope(|scope| _ = scope.spawn(move || second.end()));
        root.span().end();
    });
    let [root] = &*transactions(&envelopes) else { panic!("one transaction") };
    assert_eq!(span(root, "second").parent_span_id, Some(span(root, "first").span_id));
    assert_eq!(root.spans.len(), 2);
}

#[test]
fn what_ends_after_its_root_is_a_transaction_of_its_own_with_all_that_is_below_it() {
    let mut job_ids = None;
    let envelopes = sent(sampled(), |tracer| {
        let root = Context::new().with_span(tracer.start_with_context("root", &Context::new()));
        let job = root.with_span(tracer.start_with_context("job", &root));
        let step = job.with_span(tracer.start_with_context("step", &job));
        job_ids = Some(ids(job.span().span_context()));
        root.span().end();
        // One that began before the end of the root, and one that begins after it.
        drop(tracer.start_with_context("late", &step));
        step.span().end();
        job.span().end();
    });
    let [root, job] = &*transactions(&envelopes) else { panic!("two transactions") };
    assert_eq!((root.name.as_deref(), job.name.as_deref()), (Some("root"), Some("job")));
    let context = trace(job);
    assert_eq!(Some((context.trace_id.to_string(), context.span_id.to_string())), job_ids);
    assert_eq!(context.parent_span_id, Some(trace(root).span_id));
    assert_eq!(span(job, "step").parent_span_id, Some(context.span_id));
    assert_eq!(span(job, "late").parent_span_id, Some(span(job, "step").span_id));
    let dsc = |envelope: &Envelope| envelope.headers().trace().cloned();
    assert!(dsc(&envelopes[0]).is_some());
    assert_eq!(dsc(&envelopes[0]), dsc(&envelopes[1]), "it was frozen when the first left");
}

#[test]
fn what_begins_below_a_span_that_is_over_knows_its_parent() {
    let envelopes = sent(sampled(), |tracer| {
        let root = Context::new().with_span(tracer.start_with_context("root", &Context::new()));
        root.span().end();
        drop(tracer.start_with_context("late", &root));
    });
    let [root, late] = &*transactions(&envelopes) else { panic!("two transactions") };
    assert_eq!(trace(late).parent_span_id, Some(trace(root).span_id));
    assert_eq!(trace(late).trace_id, trace(root).trace_id);
}

#[test]
fn streamed_spans_leave_one_by_one() {
    let envelopes = sent(sampled().trace_lifecycle(TraceLifecycle::Stream), |tracer| {
        let root = Context::new().with_span(tracer.start_with_context("root", &Context::new()));
        let child = tracer.start_with_context("child", &root);
        root.span().end();
        drop(child);
        Hub::current().client().unwrap().flush(None);
    });
    assert!(transactions(&envelopes).is_empty());
    let mut sent = Vec::new();
    envelopes.iter().for_each(|envelope| envelope.to_writer(&mut sent).unwrap());
    let sent = String::from_utf8(sent).unwrap();
    for name in ["root", "child"] {
        assert_eq!(sent.matches(&format!(r#""name":"{name}""#)).count(), 1, "{sent}");
    }
}

#[test]
fn spans_that_nobody_wants_to_see_give_theirs_to_the_one_above() {
    let options = sampled().ignore_spans(["health"]);
    let envelopes = sent(options, |tracer| {
        let root = Context::new().with_span(tracer.start_with_context("root", &Context::new()));
        let ignored = root.with_span(tracer.start_with_context("health", &root));
        drop(tracer.start_with_context("below", &ignored));
        root.span().end();
        // Too late for the transaction.
        drop(ignored);
    });
    let [root] = &*transactions(&envelopes) else { panic!("one transaction") };
    assert_eq!(root.spans.len(), 1);
    assert_eq!(span(root, "below").parent_span_id, Some(trace(root).span_id));
}
