//! Requests of `reqwest` over real sockets: what the other service gets, and what the server is told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use ingest::{Server, refused_addr};
use sentry::integrations::http_client::{HttpClientIntegration, SendTraced};
use sentry::protocol::Value;
use sentry::{Client, ClientOptions, Hub, SentryFutureExt, TransactionContext};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(30);

/// What the other service got.
type Got = Arc<Mutex<Vec<HeaderMap>>>;

/// A service that answers with the status in the path; with none, never.
async fn serve(got: Got) -> String {
    let answer = move |Path(status): Path<String>, headers: HeaderMap| async move {
        got.lock().unwrap_or_else(PoisonError::into_inner).push(headers);
        let Ok(status) = status.parse() else { return std::future::pending().await };
        StatusCode::from_u16(status).unwrap()
    };
    let router = Router::new().route("/{status}", get(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Waits until so many requests have come.
async fn arrived(got: &Got, count: usize) {
    while got.lock().unwrap_or_else(PoisonError::into_inner).len() < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// One of everything that may happen to a request.
async fn requests(ingest: &Server, got: Got) -> String {
    let service = serve(Arc::clone(&got)).await;
    let client = reqwest::Client::new();
    let transaction = sentry::start_transaction(TransactionContext::new("order", "task"));
    sentry::configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
    for path in ["200?lang=en&token=abc", "503"] {
        let answer = client.get(format!("{service}/{path}")).send_traced().await.unwrap();
        assert_eq!(answer.status().as_str(), &path[..3]);
    }
    assert!(client.get(format!("http://{}/refused", refused_addr())).send_traced().await.is_err());
    tokio::select! {
        _ = client.get(format!("{service}/never")).send_traced() => panic!("there is no answer"),
        () = arrived(&got, 3) => {}
    }
    assert!(client.get("http://[").send_traced().await.is_err());
    // The server of the SDK itself is nobody's business.
    let _ = client.get(format!("http://{}/", ingest.addr())).send_traced().await;
    sentry::capture_message("after", sentry::Level::Info);
    transaction.finish();
    service
}

#[test]
fn each_request_has_its_span_its_headers_and_its_breadcrumb() {
    let ingest = Server::start();
    // The requests of the test, to a path of no project.
    ingest.allow_problems();
    let failures = HttpClientIntegration::new().capture_failed_requests(true);
    let options = ClientOptions::new().dsn(&ingest.dsn()).traces_sample_rate(1.0).add_integration(failures);
    let client = Arc::new(Client::from(sentry::apply_defaults(options)));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let got = Got::default();
    let service = runtime.block_on(requests(&ingest, Arc::clone(&got)).bind_hub(hub));
    drop(runtime);
    assert!(client.close(Some(PATIENCE)));

    let transactions = ingest.transactions();
    let is_order = |transaction: &&Value| transaction["transaction"] == "order";
    let transaction = transactions.iter().find(is_order).expect("the caller's");
    let spans: Vec<_> = transaction["spans"].as_array().unwrap().iter().collect();
    let told =
        |name: &str| spans.iter().map(|span| span[name].as_str().unwrap_or_default()).collect::<Vec<_>>();
    assert_eq!(told("op"), ["http.client"; 4]);
    assert_eq!(told("origin"), ["auto.http.reqwest"; 4]);
    assert_eq!(told("status"), ["ok", "unavailable", "internal_error", "cancelled"]);
    assert_eq!(spans[0]["description"], format!("GET {service}/200").as_str());
    assert_eq!(spans[0]["data"]["http.query"], "lang=en&token=[Filtered]");

    // What the other service got goes on below the span of the request that brought it.
    let got = got.lock().unwrap();
    for (headers, span) in got.iter().zip([spans[0], spans[1], spans[3]]) {
        let expected =
            format!("{}-{}-1", span["trace_id"].as_str().unwrap(), span["span_id"].as_str().unwrap());
        assert_eq!(headers["sentry-trace"], expected.as_str());
        assert!(headers["baggage"].to_str().unwrap().contains("sentry-trace_id="));
    }
    assert_eq!(got.len(), 3);

    let events = ingest.events();
    assert_eq!(events.len(), 2);
    // In the order in which they were finished.
    let failure = events.iter().find(|event| event["exception"].is_object()).expect("the failure");
    let after = events.iter().find(|event| event["message"] == "after").expect("the message");
    let exception = &failure["exception"]["values"][0];
    assert_eq!(exception["value"], "HTTP Client Error with status code: 503");
    assert_eq!(failure["request"]["url"], format!("{service}/503").as_str());
    assert_eq!(failure["contexts"]["response"]["status_code"], 503);
    assert_eq!(failure["contexts"]["trace"]["span_id"], spans[1]["span_id"]);
    let crumbs = after["breadcrumbs"]["values"].as_array().unwrap();
    let reasons: Vec<_> = crumbs.iter().map(|crumb| crumb["data"]["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["OK", "Service Unavailable", "no answer", "cancelled"]);
}
