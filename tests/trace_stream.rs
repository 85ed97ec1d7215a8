//! Spans one by one, all the way to the server.

use std::sync::Arc;
use std::time::Duration;

use ingest::{Envelope, Server};
use sentry::options::TraceLifecycle;
use sentry::protocol::Value;
use sentry::{Client, ClientOptions, Hub, Transaction, TransactionContext};

/// What waits leaves by itself after five seconds, or ten.
const PATIENCE: Duration = Duration::from_secs(60);

fn options(server: &Server) -> ClientOptions {
    ClientOptions::new()
        .dsn(&server.dsn())
        .release("shop@1")
        .traces_sample_rate(1.0)
        .trace_lifecycle(TraceLifecycle::Stream)
}

fn hub(options: ClientOptions) -> (Arc<Client>, Arc<Hub>) {
    let client = Arc::new(Client::from(sentry::apply_defaults(options)));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    (client, hub)
}

fn begin(hub: &Arc<Hub>, name: &str) -> Transaction {
    hub.start_transaction(TransactionContext::new(name, "task"))
}

/// The spans of an envelope.
fn spans(envelope: &Envelope) -> Vec<Value> {
    let mut spans = Vec::new();
    for item in envelope.items_of("span") {
        let json = item.json();
        let items = json["items"].as_array().unwrap();
        assert_eq!(item.headers["item_count"], items.len());
        assert_eq!((&json["version"], items.len() <= 1_000), (&2.into(), true));
        spans.extend(items.clone());
    }
    spans
}

fn names(envelope: &Envelope) -> Vec<String> {
    spans(envelope).iter().map(|span| span["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_worker_that_never_ends_shows_up() {
    for may_drop in [false, true] {
        let server = Server::start();
        let options = options(&server);
        // With it, what is below the worker waits for a while.
        let options = if may_drop { options.trace_ignore_status_codes([404..=404]) } else { options };
        let (client, hub) = hub(options);
        let worker = begin(&hub, "worker");
        for job in ["job 1", "job 2"] {
            worker.start_child("task", job).finish();
        }
        let told = |log: &ingest::Log| log.count("span") > 0;
        assert!(server.wait_for(told, PATIENCE), "nobody flushes, nobody ends the worker");
        assert_eq!(names(&server.envelopes()[0]), ["job 1", "job 2"]);
        worker.set_data("http.response.status_code", 404.into());
        worker.finish();
        assert!(client.close(Some(PATIENCE)));
        let all: Vec<_> = server.envelopes().iter().flat_map(names).collect();
        assert_eq!(all, ["job 1", "job 2", "worker"], "it follows what has left");
        server.assert_clean();
    }
}

#[test]
fn each_trace_has_envelopes_of_its_own() {
    let server = Server::start();
    let (client, hub) = hub(options(&server).trace_ignore_status_codes([500..=599]));
    let traces: Vec<_> = (0..20).map(|number| begin(&hub, &format!("trace {number}"))).collect();
    for step in 0..5 {
        for trace in &traces {
            trace.start_child("task", &format!("step {step}")).finish();
        }
    }
    let wanted = traces.len() / 2;
    for (number, trace) in traces.into_iter().enumerate() {
        let code = if number < wanted { 200 } else { 500 };
        trace.set_data("http.response.status_code", code.into());
        trace.finish();
    }
    assert!(client.close(Some(PATIENCE)));
    let envelopes = server.envelopes();
    let mut segments = 0;
    for envelope in envelopes.iter().filter(|envelope| envelope.items_of("span").next().is_some()) {
        let all = spans(envelope);
        let trace = &envelope.headers["trace"];
        assert!(all.iter().all(|span| span["trace_id"] == trace["trace_id"]), "one trace each");
        assert_eq!((&trace["release"], &trace["sampled"]), (&"shop@1".into(), &"true".into()));
        let segment = all.iter().find(|span| span["is_segment"] == true).expect("with its segment");
        segments += 1;
        for span in all.iter().filter(|span| span["is_segment"] == false) {
            assert_eq!(span["parent_span_id"], segment["span_id"]);
            assert_eq!(span["attributes"]["sentry.segment.id"]["value"], segment["span_id"]);
            assert_eq!(span["attributes"]["sentry.segment.name"]["value"], segment["name"]);
        }
        assert_eq!(all.len(), 6);
    }
    assert_eq!(segments, wanted);
    let reports: Vec<_> = server.items("client_report").iter().map(|item| item.json()).collect();
    let lost = reports.iter().flat_map(|report| report["discarded_events"].as_array().unwrap());
    let of_unwanted = |lost: &&Value| lost["reason"] == "event_processor" && lost["category"] == "span";
    let lost: u64 = lost.filter(of_unwanted).map(|lost| lost["quantity"].as_u64().unwrap()).sum();
    assert_eq!(lost, 6 * 10, "children and segments");
    server.assert_clean();
}

#[test]
fn what_waits_leaves_with_the_last_handle_of_its_segment() {
    let server = Server::start();
    let (client, hub) = hub(options(&server).ignore_transactions(["unwanted"]));
    let given_up = begin(&hub, "given up");
    given_up.start_child("task", "a").finish();
    drop(given_up);
    let unwanted = begin(&hub, "later");
    unwanted.start_child("task", "b").finish();
    unwanted.set_name("unwanted");
    unwanted.finish();
    assert!(client.close(Some(PATIENCE)));
    assert_eq!(server.envelopes().iter().flat_map(names).collect::<Vec<_>>(), ["a"]);
    server.assert_clean();
}
