//! 200 requests at a time on all threads of a runtime: what one sets goes with all that comes of it, and with nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use ingest::Server;
use sentry::integrations::tower::{NewSentryLayer, SentryHttpLayer};
use sentry::protocol::Value;
use sentry::{ClientOptions, Hub, Level, SentryFutureExt as _, capture_message, configure_scope};
use tokio::task::{JoinSet, spawn_blocking, yield_now};
use tower_layer::Layer as _;
use tower_service::Service;
use tracing_subscriber::prelude::*;

const REQUESTS: u32 = 200;
const PATIENCE: Duration = Duration::from_secs(60);

/// The kinds of work, with the tags that each must have. All tags of a request have its number as their value.
const KINDS: [(&str, &[&str]); 10] = [
    ("handler", &["before", "after"]),
    ("instrumented", &["before", "in-function", "in-function-after"]),
    ("nested", &["before", "in-function", "nested"]),
    ("left", &["before", "in-function", "in-function-after", "after"]),
    ("scoped", &["before", "in-scope"]),
    ("task", &["before", "in-function", "task"]),
    ("joined", &["before", "in-function", "joined"]),
    ("blocking", &["before", "in-function", "blocking"]),
    ("thread", &["before", "in-function", "thread"]),
    ("pool", &["before", "in-function", "pool"]),
];

fn tag(key: &str, number: u32) {
    configure_scope(|scope| scope.set_tag(key, number));
}

fn event(number: u32, kind: &str) {
    capture_message(&format!("{number} {kind}"), Level::Info);
}

/// Lets others run, on whichever thread, sooner or later.
async fn wait(number: u32) {
    yield_now().await;
    if number.is_multiple_of(3) {
        tokio::time::sleep(Duration::from_millis(u64::from(number % 7))).await;
    }
}

async fn handler(request: Request<u32>) -> Response<()> {
    let number = request.into_body();
    tag("before", number);
    wait(number).await;
    instrumented(number).await;
    sentry::with_scope(|scope| scope.set_tag("in-scope", number), || event(number, "scoped"));
    tag("after", number);
    wait(number).await;
    event(number, "left");
    children(number).await;
    event(number, "handler");
    Response::new(())
}

#[tracing::instrument]
async fn instrumented(number: u32) {
    tag("in-function", number);
    wait(number).await;
    nested(number).await;
    tag("in-function-after", number);
    // By way of the layer.
    tracing::error!("{number} instrumented");
}

#[tracing::instrument]
async fn nested(number: u32) {
    wait(number).await;
    tag("nested", number);
    event(number, "nested");
}

/// What a request has others do.
async fn children(number: u32) {
    let part = move |kind: &'static str| {
        tag(kind, number);
        event(number, kind);
    };
    let later = |kind: &'static str| async move {
        wait(number + 1).await;
        part(kind);
        wait(number).await;
    };
    let task = tokio::spawn(later("task").with_current_hub());
    let mut set = JoinSet::new();
    set.spawn(later("joined").with_current_hub());
    let blocking = spawn_blocking(Hub::wrap(move || part("blocking")));
    let thread = Hub::wrap(move || part("thread"));
    #[expect(clippy::disallowed_methods, reason = "as applications do it")]
    let thread = std::thread::spawn(thread);
    let (done, pool) = tokio::sync::oneshot::channel();
    rayon::spawn(Hub::wrap(move || {
        part("pool");
        done.send(()).unwrap();
    }));
    task.await.unwrap();
    set.join_all().await;
    blocking.await.unwrap();
    pool.await.unwrap();
    thread.join().unwrap();
}

#[derive(Clone)]
struct Handler;

impl Service<Request<u32>> for Handler {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<u32>) -> Self::Future {
        Box::pin(async { Ok(handler(request).await) })
    }
}

/// Serves all requests at once, each on a task of its own as servers do it.
async fn serve<S>(service: S)
where
    S: Service<Request<u32>, Response = Response<()>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let mut requests = JoinSet::new();
    for number in 1..=REQUESTS {
        let mut service = service.clone();
        requests.spawn(async move {
            let request = Request::get(format!("/{number}")).body(number).unwrap();
            service.call(request).await.unwrap();
        });
    }
    assert_eq!(requests.join_all().await.len(), REQUESTS as usize);
}

/// Serves all requests behind some layers.
type Run = fn(SentryHttpLayer) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// `has_tags`: the transactions know what the handler sets.
fn check(server: &Server, has_tags: bool) {
    let events = server.wait_for_events(REQUESTS as usize * KINDS.len(), PATIENCE);
    let (mut foreign, mut missing) = (Vec::new(), Vec::new());
    let mut traces: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in &events {
        let (number, kind) = event["message"].as_str().unwrap().split_once(' ').unwrap();
        let tags = event["tags"].as_object().unwrap();
        if tags.values().any(|value| value != number) {
            foreign.push(event["message"].clone());
        }
        let (_, wanted) = KINDS.iter().find(|(known, _)| *known == kind).unwrap();
        if wanted.iter().any(|tag| !tags.contains_key(*tag)) {
            missing.push((event["message"].clone(), tags.clone()));
        }
        let siblings = KINDS[5..].iter().filter(|(other, _)| *other != kind);
        if siblings.clone().any(|(other, _)| tags.contains_key(*other)) {
            foreign.push(format!("{number} {kind}: of a sibling").into());
        }
        assert!(event["request"]["url"].is_null() && event["request"]["method"] == "GET");
        let trace = event["contexts"]["trace"]["trace_id"].as_str().unwrap();
        traces.entry(number.to_owned()).or_default().insert(trace.to_owned());
    }
    assert_eq!(foreign, Vec::<Value>::new(), "events with a foreign tag");
    assert!(missing.is_empty(), "events with a missing tag: {:?}", &missing[..missing.len().min(3)]);
    assert_eq!(events.len(), REQUESTS as usize * KINDS.len());
    let all: BTreeSet<_> = traces.values().flatten().collect();
    assert_eq!((traces.len(), all.len()), (REQUESTS as usize, REQUESTS as usize), "a trace each");
    let transactions = server.wait_for_transactions(REQUESTS as usize, PATIENCE);
    for transaction in &transactions {
        let number = transaction["transaction"].as_str().unwrap().strip_prefix("GET /").unwrap();
        let tags = transaction["tags"].as_object().cloned().unwrap_or_default();
        assert!(tags.values().all(|value| value == number), "{number}: {tags:?}");
        assert_eq!(tags.contains_key("after"), has_tags, "{number}: {tags:?}");
        let spans: Vec<_> =
            transaction["spans"].as_array().unwrap().iter().map(|span| span["description"].clone()).collect();
        assert_eq!(spans, ["nested", "instrumented"]);
        // Whichever worker went on with which of them.
        let (nested, outer) = (&transaction["spans"][0], &transaction["spans"][1]);
        assert_eq!(nested["parent_span_id"], outer["span_id"], "{number}");
        assert_eq!(outer["parent_span_id"], transaction["contexts"]["trace"]["span_id"], "{number}");
        assert!(nested["data"]["number"] == number.parse::<u32>().unwrap(), "{number}: {nested}");
    }
    assert_eq!(transactions.len(), REQUESTS as usize);
}

#[test]
fn no_event_has_a_foreign_tag_and_none_misses_one() {
    let server = Server::start();
    let options = ClientOptions::new().dsn(&server.dsn()).traces_sample_rate(1.0);
    let guard = sentry::init(options);
    tracing_subscriber::registry().with(sentry::integrations::tracing::layer()).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let http = SentryHttpLayer::new().enable_transaction();
    let layers: [(&str, bool, Run); 3] = [
        ("as documented", true, |http| {
            Box::pin(serve(NewSentryLayer::new_from_top().layer(http.layer(Handler))))
        }),
        // The hub of the handler lies within that of the transaction then.
        ("in the wrong order", false, |http| {
            Box::pin(serve(http.layer(NewSentryLayer::new_from_top().layer(Handler))))
        }),
        ("only the one for HTTP", true, |http| Box::pin(serve(http.layer(Handler)))),
    ];
    for (order, has_tags, run) in layers {
        println!("layers: {order}");
        runtime.block_on(run(http));
        assert!(guard.flush(Some(PATIENCE)));
        check(&server, has_tags);
        server.clear();
    }
    assert_eq!(sentry::last_event_id(), None, "nothing came onto the hub of this thread");
    server.assert_clean();
}
