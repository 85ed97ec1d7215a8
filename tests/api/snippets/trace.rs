//! Transactions and spans by hand.

use std::time::{Duration, SystemTime};

use sentry::protocol::{Request, SpanStatus, Value};
use sentry::test::with_captured_envelopes_options;
use sentry::{ClientOptions, Hub, TransactionContext, TransactionOrSpan};

fn traced(f: impl FnOnce()) -> Vec<sentry::protocol::Transaction<'static>> {
    with_captured_envelopes_options(f, ClientOptions { traces_sample_rate: 1.0, ..Default::default() })
        .into_iter()
        .flat_map(|envelope| envelope.into_items())
        .filter_map(|item| match item {
            sentry::protocol::EnvelopeItem::Transaction(transaction) => Some(*transaction),
            _ => None,
        })
        .collect()
}

#[test]
fn a_transaction_with_spans_is_sent_when_finished() {
    let transactions = traced(|| {
        let transaction = sentry::start_transaction(TransactionContext::new("GET /cart", "http.server"));
        sentry::configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
        transaction.set_tag("plan", "free");
        transaction.set_data("items", Value::from(3));
        transaction.set_request(Request { method: Some("GET".into()), ..Default::default() });
        let span = transaction.start_child("db.query", "SELECT * FROM carts");
        span.set_data("rows", 1.into());
        span.data().set_tag("db".into(), "main".into());
        let grandchild = span.start_child("db.connect", "main");
        grandchild.set_status(SpanStatus::Ok);
        grandchild.finish();
        span.finish_with_timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        transaction.set_status(SpanStatus::Ok);
        transaction.finish();
    });
    let [transaction] = &transactions[..] else { panic!("{transactions:?}") };
    assert_eq!(transaction.name.as_deref(), Some("GET /cart"));
    assert_eq!(transaction.tags["plan"], "free");
    let ops: Vec<_> = transaction.spans.iter().map(|span| span.op.as_deref()).collect();
    assert!(ops.contains(&Some("db.query")) && ops.contains(&Some("db.connect")), "{ops:?}");
}

#[test]
fn a_span_is_continued_from_the_scope() {
    let transactions = traced(|| {
        let transaction = Hub::current().start_transaction(TransactionContext::new("job", "queue.task"));
        Hub::current()
            .configure_scope(|scope| scope.set_span(Some(TransactionOrSpan::from(transaction.clone()))));
        if let Some(parent) = sentry::configure_scope(|scope| scope.get_span()) {
            parent.start_child("step", "one").finish();
            assert!(parent.iter_headers().any(|(name, _)| name == "sentry-trace"));
        }
        transaction.finish();
    });
    assert_eq!(transactions[0].spans.len(), 1);
}

#[test]
fn a_trace_is_continued_from_headers() {
    let headers = [("sentry-trace", "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1")];
    let mut context = TransactionContext::continue_from_headers("GET /", "http.server", headers);
    context.custom_insert("tenant".to_owned(), "a".into());
    assert_eq!(context.trace_id().to_string(), "09e04486820349518ac7b5d2adbf6ba5");
    assert_eq!((context.sampled(), context.custom().map(|custom| custom.len())), (Some(true), Some(1)));
    let transactions = traced(|| sentry::start_transaction(context).finish());
    assert_eq!(transactions.len(), 1);

    let parsed = sentry::parse_headers(headers).expect("the header is right");
    assert_eq!(parsed.to_string(), headers[0].1);
    let continued = TransactionContext::continue_from_sentry_trace("GET /", "http.server", &parsed, None);
    assert_eq!(continued.trace_id().to_string(), "09e04486820349518ac7b5d2adbf6ba5");
    let built = TransactionContext::builder("job", "task").with_sampled(Some(false)).finish();
    assert_eq!((built.name(), built.operation(), built.sampled()), ("job", "task", Some(false)));
}
