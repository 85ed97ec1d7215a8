//! Spans that are recorded where they lie, and what makes handles of them.

use std::fmt;
use std::sync::Arc;

use sentry_core::protocol::Value;
use sentry_core::{Hub, TransactionOrSpan, capture_message, configure_scope, with_scope};
use serde_json::json;
use tracing::field::Empty;
use tracing::{Span, info_span};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

use super::tests::{pairs, sampled, sent, transactions, tree};
use super::*;

fn data_of<const N: usize>(
    transaction: &sentry_core::protocol::Transaction<'_>,
    names: [&str; N],
) -> [Value; N] {
    names.map(|name| transaction.spans[0].data.get(name).cloned().unwrap_or(Value::Null))
}

/// The span that the code is in, as the application sees it.
fn active() -> Arc<TransactionOrSpan> {
    Hub::current().active_span().unwrap()
}

#[test]
fn fields_of_all_kinds_arrive() {
    struct Shown;
    impl fmt::Debug for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            // Spans of its own begin while its span does.
            info_span!("shown", by = "itself").in_scope(|| f.write_str("shown"))
        }
    }
    let error: &(dyn std::error::Error + 'static) = &fmt::Error;
    let long = "x".repeat(1_000);
    let envelopes = sent(sampled(), || {
        let _root = info_span!("root").entered();
        info_span!("work", a = true, b = -1, c = 1u64, d = 0.5, e = f64::NAN, f = "text", g = ?Shown, h = %"shown",
            i = i128::MAX, j = 7u128, k = error, l = long.as_str(), m = Empty, n = ?"quoted")
        .in_scope(|| {});
    });
    let mut transactions = transactions(&envelopes);
    let transaction = &mut transactions[0];
    transaction.spans.retain(|span| span.description.as_deref() == Some("work"));
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"];
    let error = error.to_string();
    let expected = json!([
        true,
        -1,
        1,
        0.5,
        null,
        "text",
        "shown",
        "shown",
        i128::MAX.to_string(),
        7,
        error,
        long,
        null,
        "\"quoted\""
    ]);
    assert_eq!(Value::from(data_of(transaction, names).to_vec()), expected);
    assert!(transaction.spans[0].data.contains_key("e") && !transaction.spans[0].data.contains_key("m"));
}

#[test]
fn fields_may_come_before_and_after_somebody_has_looked() {
    let envelopes = sent(sampled(), || {
        let _root = info_span!("root").entered();
        let span = info_span!("work", first = 1, early = Empty, late = Empty, last = Empty);
        span.record("first", 2);
        span.record("early", "bird");
        span.in_scope(|| {
            active().set_data("own", 3.into());
            active().set_data("last", "own".into());
        });
        span.record("late", true);
        span.record("last", "recorded");
    });
    let names = ["first", "early", "own", "late", "last"];
    let data = data_of(&transactions(&envelopes)[0], names);
    assert_eq!(Value::from(data.to_vec()), json!([2, "bird", 3, true, "recorded"]));
}

#[test]
fn what_the_application_changes_in_a_span_stays_there() {
    let envelopes = sent(sampled(), || {
        let _root = info_span!("root").entered();
        info_span!("work", n = 1).in_scope(|| {
            assert!(active().get_trace_context().data.contains_key("n"));
            active().set_op("own.op");
            active().set_name("own name");
            // Its handles stay in a scope that outlives it.
            configure_scope(|scope| scope.set_span(Some(TransactionOrSpan::clone(&active()))));
            capture_message("inside", sentry_core::Level::Info);
        });
        configure_scope(|scope| scope.set_span(None));
        info_span!("untouched").in_scope(|| {});
    });
    let transactions = transactions(&envelopes);
    let called =
        |span: &sentry_core::protocol::Span| (span.op.clone().unwrap(), span.description.clone().unwrap());
    let called: Vec<_> = transactions[0].spans.iter().map(called).collect();
    let own_op = format!("{}::untouched", module_path!());
    assert_eq!(called, pairs(&[("own.op", "own name"), (&own_op, "untouched")]));
    assert_eq!(transactions[0].spans[0].data["n"], 1);
}

#[test]
fn spans_of_two_registries_with_the_same_ids_are_kept_apart() {
    let envelopes = sent(sampled(), || {
        let other = tracing::Dispatch::new(registry().with(layer()));
        let there = |call: &dyn Fn() -> Span| tracing::dispatcher::with_default(&other, call);
        let root = info_span!("root");
        let (ours, theirs) =
            root.in_scope(|| (info_span!("ours"), there(&|| info_span!("theirs", n = Empty))));
        let below = theirs.in_scope(|| there(&|| info_span!("below theirs")));
        ours.in_scope(|| info_span!("below ours").in_scope(|| {}));
        theirs.record("n", 1);
        // A registry asks the one that is the default to close what is above a span.
        tracing::dispatcher::with_default(&other, || drop((below, theirs)));
        drop((ours, root));
    });
    let transactions = transactions(&envelopes);
    let expected = [("below ours", "ours"), ("below theirs", "theirs"), ("theirs", "-"), ("ours", "-")];
    assert_eq!(tree(&transactions[0]), pairs(&expected));
    assert_eq!(transactions[0].spans[2].data["n"], 1);
}

#[test]
fn a_place_that_is_taken_is_no_reason_to_lose_a_span() {
    let envelopes = sent(sampled(), || {
        let other = tracing::Dispatch::new(registry().with(layer()));
        let _root = info_span!("root").entered();
        let pair = |n: u64| {
            let mine = info_span!("mine", n);
            let other = tracing::dispatcher::with_default(&other, || info_span!("other", n, late = Empty));
            (mine, other)
        };
        // Both registries give the same ids, so one of each pair finds its place taken, or else that of another pair is.
        let all: Vec<_> = (0..200).map(pair).collect();
        for (mine, other) in &all {
            mine.in_scope(|| {});
            other.in_scope(|| active().set_data("active", true.into()));
            other.record("late", 1);
        }
    });
    let transaction = &transactions(&envelopes)[0];
    assert_eq!(transaction.spans.len(), 400);
    for span in &transaction.spans {
        let is_other = span.description.as_deref() == Some("other");
        assert_eq!((span.data.contains_key("active"), span.data.contains_key("late")), (is_other, is_other));
        assert!(span.data.contains_key("n") && span.timestamp.is_some());
    }
}

#[test]
fn what_is_bound_and_unbound_in_between_decides_on_the_parent() {
    let envelopes = sent(sampled(), || {
        let _root = info_span!("root").entered();
        let own = active().start_child("own", "own");
        let outer = info_span!("outer").entered();
        let bind = || configure_scope(|scope| scope.set_span(Some(own.clone().into())));
        let child = |name: &'static str| info_span!("child", otel.name = name).in_scope(|| {});
        let plain = || info_span!("plain").in_scope(|| {});
        plain();
        {
            let _scope = Hub::current().push_scope();
            bind();
            child("pushed");
            plain();
        }
        plain();
        with_scope(|scope| scope.set_span(Some(own.clone().into())), plain);
        plain();
        bind();
        plain();
        info_span!("inner").in_scope(plain);
        configure_scope(|scope| scope.set_span(None));
        plain();
        drop(outer);
        own.finish();
    });
    let tree = tree(&transactions(&envelopes)[0]);
    let expected = [
        ("plain", "outer"),
        ("pushed", "own"),
        ("plain", "own"),
        ("plain", "outer"),
        ("plain", "own"),
        ("plain", "outer"),
        ("plain", "own"),
        ("plain", "inner"),
        ("inner", "own"),
        ("plain", "outer"),
        ("outer", "-"),
        ("own", "-"),
    ];
    assert_eq!(tree, pairs(&expected));
}

#[test]
fn without_its_client_a_hub_records_no_spans_until_it_is_back() {
    let envelopes = sent(sampled(), || {
        let _root = info_span!("root").entered();
        let hub = Hub::current();
        let client = hub.client();
        info_span!("before").in_scope(|| {});
        hub.bind_client(None);
        info_span!("without").in_scope(|| {});
        hub.bind_client(client);
        info_span!("after").in_scope(|| {});
    });
    assert_eq!(tree(&transactions(&envelopes)[0]), pairs(&[("before", "-"), ("after", "-")]));
}

#[test]
fn a_span_of_another_thread_begins_there_and_ends_here() {
    let envelopes = sent(sampled(), || {
        let root = info_span!("root").entered();
        let (hub, above) = (Hub::current(), Span::current());
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let run = move || {
            tracing::dispatcher::with_default(&dispatch, || {
                Hub::run(hub, || {
                    let _above = above.entered();
                    let kept = info_span!("kept", n = 1);
                    kept.in_scope(|| info_span!("inside").in_scope(|| {}));
                    kept
                })
            })
        };
        let kept = std::thread::Builder::new().spawn(run).unwrap().join().unwrap();
        kept.in_scope(|| info_span!("here").in_scope(|| {}));
        drop(kept);
        drop(root);
    });
    let tree = tree(&transactions(&envelopes)[0]);
    assert_eq!(tree, pairs(&[("inside", "kept"), ("here", "kept"), ("kept", "-")]));
}

#[test]
fn spans_that_end_after_their_transaction_do_no_harm() {
    let envelopes = sent(sampled(), || {
        let root = info_span!("root");
        let late = root.in_scope(|| info_span!("late", text = "x".repeat(100)));
        active_transaction(&root).finish();
        drop(late);
        // The place it had is as good as new.
        info_span!("next").in_scope(|| info_span!("inner").in_scope(|| {}));
    });
    let transactions = transactions(&envelopes);
    let names: Vec<_> = transactions.iter().map(|it| it.name.clone().unwrap()).collect();
    assert_eq!(names, ["root", "next"]);
    assert_eq!(transactions[0].spans.len(), 0);
    assert_eq!(tree(&transactions[1]), pairs(&[("inner", "-")]));
    assert!(!transactions[1].spans[0].data.contains_key("text"));
}

fn active_transaction(root: &Span) -> TransactionOrSpan {
    root.in_scope(|| TransactionOrSpan::clone(&active()))
}

#[test]
fn one_span_too_many_is_counted() {
    let envelopes = sent(sampled(), || {
        let _root = info_span!("root").entered();
        (0..1_010).for_each(|n| info_span!("child", n).in_scope(|| {}));
    });
    let transaction = &transactions(&envelopes)[0];
    assert_eq!(transaction.spans.len(), 1_000);
    assert_eq!(transaction.spans[999].data["n"], 999);
}
