use std::sync::Mutex;

use super::*;
use crate::protocol::EnvelopeItem;
use crate::test::with_captured_envelopes_options;
use crate::{ClientOptions, Transaction, TransactionContext};

/// The span that each message captured by `run` belongs to.
fn spans(run: impl FnOnce(&Transaction)) -> Vec<(String, String)> {
    let envelopes = with_captured_envelopes_options(
        || {
            let transaction = crate::start_transaction(TransactionContext::new("t", "op"));
            run(&transaction);
        },
        ClientOptions::new().traces_sample_rate(1.0),
    );
    let event = |item: &EnvelopeItem| match item {
        EnvelopeItem::Event(event) => {
            let trace = serde_json::to_value(&event.contexts["trace"]).unwrap();
            Some((event.message.clone().unwrap(), trace["span_id"].as_str().unwrap().to_owned()))
        }
        _ => None,
    };
    envelopes.iter().filter_map(|envelope| envelope.items().find_map(event)).collect()
}

fn message(text: &str) {
    crate::capture_message(text, crate::Level::Info);
}

#[test]
fn what_is_captured_belongs_to_the_span_that_was_entered_last() {
    let ids = Mutex::new(Vec::new());
    let told = spans(|transaction| {
        let (a, b) = (transaction.start_child("a", ""), transaction.start_child("b", ""));
        ids.lock().unwrap().extend([a.get_span_id().to_string(), b.get_span_id().to_string()]);
        let (a, b) = (Arc::new(a.into()), Arc::new(b.into()));
        Hub::enter_span(1, &a);
        message("a");
        Hub::enter_span(2, &b);
        message("b");
        // In an order of their own.
        Hub::exit_span(1);
        message("b again");
        Hub::exit_span(2);
        Hub::exit_span(2);
        message("none");
        Hub::enter_span(3, &a);
        drop(a);
        message("nobody left it");
    });
    let ids = ids.into_inner().unwrap();
    let of: Vec<_> = told.iter().map(|(_, span)| ids.iter().position(|id| id == span)).collect();
    assert_eq!(of, [Some(0), Some(1), Some(1), None, None]);
}

#[test]
fn a_span_that_the_application_binds_meanwhile_wins() {
    let ids = Mutex::new(Vec::new());
    let told = spans(|transaction| {
        let (entered, bound) = (transaction.start_child("a", ""), transaction.start_child("b", ""));
        ids.lock().unwrap().extend([entered.get_span_id().to_string(), bound.get_span_id().to_string()]);
        let entered = Arc::new(entered.into());
        Hub::enter_span(1, &entered);
        crate::with_scope(|scope| scope.set_span(Some(bound.clone().into())), || message("bound"));
        message("entered");
        crate::configure_scope(|scope| {
            assert_eq!(scope.get_span().unwrap().trace_and_span_id().1.to_string(), ids.lock().unwrap()[0]);
        });
        let derived = Arc::new(Hub::new_from_top(Hub::current()));
        Hub::run(derived, || message("derived"));
        Hub::run(Arc::new(Hub::new_from_top(Hub::current())), || {
            crate::configure_scope(|scope| scope.set_span(Some(bound.clone().into())));
            message("bound in derived");
        });
        Hub::exit_span(1);
    });
    let ids = ids.into_inner().unwrap();
    let of: Vec<_> = told.iter().map(|(_, span)| ids.iter().position(|id| id == span)).collect();
    assert_eq!(of, [Some(1), Some(0), Some(0), Some(1)]);
}

#[test]
fn what_is_set_inside_stays_when_the_span_is_left() {
    let events = crate::test::with_captured_events(|| {
        let transaction = crate::start_transaction(TransactionContext::new("t", "op"));
        let transaction = Arc::new(transaction.into());
        Hub::enter_span(1, &transaction);
        crate::configure_scope(|scope| scope.set_tag("inside", "yes"));
        Hub::exit_span(1);
        message("after");
    });
    assert_eq!(events[0].tags["inside"], "yes");
}
