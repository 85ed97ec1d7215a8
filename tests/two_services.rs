//! Two services, each with a client of its own, that call each other over real HTTP: one trace.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::routing::get;
use ingest::Server;
use sentry::integrations::tower::{SentryHttpLayer, SentryLayer};
use sentry::protocol::Value;
use sentry::{Client, ClientOptions, Hub};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(30);
const PARENT: &str = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1";

/// A service with its client, and the server that the client sends to.
struct Service {
    ingest: Server,
    client: Arc<Client>,
    hub: Arc<Hub>,
}

impl Service {
    fn new(release: &'static str, traces_sample_rate: f32) -> Self {
        let ingest = Server::start();
        let options = ClientOptions::new()
            .dsn(&ingest.dsn())
            .release(release)
            .environment("test")
            .traces_sample_rate(traces_sample_rate);
        let client = Arc::new(Client::from(sentry::apply_defaults(options)));
        let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
        Self { ingest, client, hub }
    }

    /// Serves `router` until the test is over, and returns where.
    async fn serve(&self, router: Router) -> String {
        let hub = Arc::clone(&self.hub);
        let router = router
            .layer(SentryHttpLayer::new().enable_transaction())
            .layer(SentryLayer::new(move |_: &Request| hub.isolate()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    /// The event, the transaction and the sampling contexts of both envelopes.
    fn told(&self) -> (Value, Option<Value>, Vec<Value>) {
        assert!(self.client.close(Some(PATIENCE)));
        let envelopes = self.ingest.envelopes();
        let told = |kind: &'static str| {
            let told = envelopes.iter().filter(move |envelope| envelope.items_of(kind).next().is_some());
            told.map(|envelope| envelope.headers["trace"].clone())
        };
        let contexts = told("event").chain(told("transaction")).collect();
        let (events, transactions) = (self.ingest.events(), self.ingest.transactions());
        assert_eq!(events.len(), 1);
        self.ingest.assert_clean();
        (events[0].clone(), transactions.first().cloned(), contexts)
    }
}

/// What the second service got and what it would have sent on.
#[derive(Debug, Default)]
struct Seen {
    came: HeaderMap,
    goes: Vec<(&'static str, String)>,
}

/// Calls the first service, which calls the second one.
fn call(first: &Service, second: &Service, headers: &[(&str, &str)]) -> Seen {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // The client of the application needs one even where it speaks no TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    runtime.block_on(async {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let kept = Arc::clone(&seen);
        let stock = get(move |headers: HeaderMap| async move {
            *kept.lock().unwrap() = Seen { came: headers, goes: Hub::current().trace_headers() };
            sentry::capture_error(&std::io::Error::other("no stock"));
            "none"
        });
        let second = second.serve(Router::new().route("/stock/{id}", stock)).await;
        let order = get(move || async move {
            let url = format!("{second}/stock/7");
            let span = Hub::current().active_span().unwrap().start_child("http.client", "GET /stock/7");
            let request = reqwest::Client::new().get(&url);
            let request =
                span.iter_headers().fold(request, |request, (name, value)| request.header(name, value));
            let answer = request.send().await.unwrap().text().await.unwrap();
            span.finish();
            sentry::capture_error(&std::io::Error::other("no order"));
            answer
        });
        let first = first.serve(Router::new().route("/orders/{id}", order)).await;
        let request = reqwest::Client::new().get(format!("{first}/orders/1"));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "none");
        std::mem::take(&mut *seen.lock().unwrap())
    })
}

fn trace(item: &Value) -> &Value {
    &item["contexts"]["trace"]
}

fn field(headers: &HeaderMap, name: &str) -> String {
    headers[name].to_str().unwrap().to_owned()
}

#[test]
fn both_belong_to_one_trace_with_the_right_parents() {
    let (first, second) = (Service::new("first@1", 1.0), Service::new("second@1", 0.1));
    let seen = call(&first, &second, &[]);
    let (first_event, first_transaction, first_contexts) = first.told();
    let (second_event, second_transaction, second_contexts) = second.told();
    let first_transaction = first_transaction.unwrap();
    let second_transaction = second_transaction.expect("the decision came with the trace");

    assert_eq!(first_transaction["transaction"], "GET /orders/{id}");
    assert_eq!(second_transaction["transaction"], "GET /stock/{id}");
    assert_eq!(first_transaction["transaction_info"]["source"], "route");
    let id = &trace(&first_transaction)["trace_id"];
    for item in [&first_event, &second_event, &second_transaction] {
        assert_eq!(&trace(item)["trace_id"], id);
    }
    assert_eq!(trace(&first_transaction)["parent_span_id"], Value::Null);
    let span = &first_transaction["spans"][0];
    assert_eq!(span["parent_span_id"], trace(&first_transaction)["span_id"]);
    assert_eq!(trace(&second_transaction)["parent_span_id"], span["span_id"]);
    assert_eq!(trace(&first_event)["span_id"], trace(&first_transaction)["span_id"]);
    assert_eq!(trace(&second_event)["span_id"], trace(&second_transaction)["span_id"]);

    // The context of the head, all over the trace.
    let context = &first_contexts[0];
    assert_eq!((&context["release"], &context["sample_rate"]), (&"first@1".into(), &"1".into()));
    assert_eq!(context["transaction"], "GET /orders/{id}");
    assert!(first_contexts.iter().chain(&second_contexts).all(|it| it == context));
    assert_eq!((first_contexts.len(), second_contexts.len()), (2, 2));
    let came = field(&seen.came, "baggage");
    assert_eq!(seen.goes[1], ("baggage", came), "passed on as it came");
    assert_eq!(second_event["request"]["url"], format!("http://{}/stock/7", field(&seen.came, "host")));
    assert_eq!(second_event["release"], "second@1");
}

#[test]
fn a_trace_from_outside_is_passed_on_as_it_came() {
    let (first, second) = (Service::new("first@1", 0.1), Service::new("second@1", 0.1));
    let ours = "sentry-environment=theirs,sentry-new_field=a%20b,sentry-public_key=theirs,sentry-release=theirs%401,\
                sentry-sample_rate=0.5,sentry-trace_id=09e04486820349518ac7b5d2adbf6ba5";
    let baggage = format!("vendor=1,{ours}");
    let seen = call(&first, &second, &[("sentry-trace", PARENT), ("baggage", &baggage)]);
    let (first_event, first_transaction, first_contexts) = first.told();
    let (second_event, _, second_contexts) = second.told();

    assert_eq!(field(&seen.came, "baggage"), ours);
    assert_eq!(seen.goes[1], ("baggage", ours.to_owned()));
    for (event, contexts) in [(first_event, first_contexts), (second_event, second_contexts)] {
        assert_eq!(trace(&event)["trace_id"], PARENT[..32]);
        assert!(
            contexts.iter().all(|context| context["release"] == "theirs@1" && context["new_field"] == "a b")
        );
    }
    assert_eq!(trace(&first_transaction.unwrap())["parent_span_id"], PARENT[33..49]);
    assert!(field(&seen.came, "sentry-trace").starts_with(&PARENT[..32]));
}
