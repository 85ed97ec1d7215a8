//! Applications of `actix-web` on real sockets: what a request sets goes with all that comes of it, and with nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use actix_web::dev::{ServerHandle, ServiceRequest};
use actix_web::middleware::{Next, from_fn};
use actix_web::rt::time::{sleep, timeout};
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer, error, rt};
use ingest::Server;
use sentry::integrations::actix::{Sentry, SentryBuilder};
use sentry::protocol::Value;
use sentry::{Client, ClientOptions, Hub, Level, SentryFutureExt as _, capture_message, configure_scope};
use tokio::task::{JoinSet, yield_now};

const REQUESTS: u32 = 200;
const PATIENCE: Duration = Duration::from_secs(60);
const TRACE: &str = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1";

/// A client with a hub of its own, and the server that it sends to.
struct Told {
    ingest: Server,
    client: Arc<Client>,
    hub: Arc<Hub>,
}

impl Told {
    fn new(options: ClientOptions) -> Self {
        let ingest = Server::start();
        let options = options.dsn(&ingest.dsn()).traces_sample_rate(1.0);
        let client = Arc::new(Client::from(sentry::apply_defaults(options)));
        let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
        Self { ingest, client, hub }
    }

    fn middleware(&self) -> SentryBuilder {
        Sentry::builder().with_hub(Arc::clone(&self.hub)).start_transaction(true)
    }

    fn flush(&self) {
        assert!(self.client.flush(Some(PATIENCE)));
    }
}

/// An application that serves until it is dropped.
struct Served {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Served {
    fn start(sentry: Sentry, routes: fn(&mut ServiceConfig)) -> Self {
        let (started, address) = mpsc::channel();
        #[expect(clippy::disallowed_methods, reason = "as applications do it")]
        let thread = std::thread::spawn(move || {
            rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new().configure(routes).wrap(sentry.clone()).wrap(from_fn(impatient))
                });
                let server = server.workers(2).disable_signals().bind("127.0.0.1:0").unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                started.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = address.recv_timeout(PATIENCE).unwrap();
        Self { address, handle, thread: Some(thread) }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // The command is on its way as soon as the future is made.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok() || std::thread::panicking());
        }
    }
}

/// Gives up on requests to `/endless`.
async fn impatient(
    request: ServiceRequest,
    next: Next<impl actix_web::body::MessageBody + 'static>,
) -> Result<actix_web::dev::ServiceResponse<impl actix_web::body::MessageBody>, actix_web::Error> {
    if request.path() != "/endless" {
        return next.call(request).await;
    }
    match timeout(Duration::from_millis(50), next.call(request)).await {
        Ok(response) => response,
        Err(_) => Err(error::ErrorGatewayTimeout("too late")),
    }
}

/// Who calls the application.
fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

fn tag(key: &str, number: u32) {
    configure_scope(|scope| scope.set_tag(key, number));
}

fn event(number: u32, kind: &str) {
    capture_message(&format!("{number} {kind}"), Level::Info);
}

/// Lets others run on this worker, sooner or later.
async fn wait(number: u32) {
    yield_now().await;
    if number.is_multiple_of(3) {
        sleep(Duration::from_millis(u64::from(number % 7))).await;
    }
}

/// The kinds of work, with the tags that each must have. All tags of a request have its number as their value.
const KINDS: [(&str, &[&str]); 4] = [
    ("handler", &["before", "in-function", "after"]),
    ("scoped", &["before", "in-function", "in-scope"]),
    ("task", &["before", "in-function", "task"]),
    ("blocking", &["before", "in-function", "blocking"]),
];

async fn work(number: web::Path<u32>) -> HttpResponse {
    let number = number.into_inner();
    tag("before", number);
    wait(number).await;
    function(number).await;
    sentry::with_scope(|scope| scope.set_tag("in-scope", number), || event(number, "scoped"));
    let part = move |kind: &'static str| {
        tag(kind, number);
        event(number, kind);
    };
    let task = async move {
        wait(number + 1).await;
        part("task");
    };
    let task = rt::spawn(task.with_current_hub());
    web::block(Hub::wrap(move || part("blocking"))).await.unwrap();
    task.await.unwrap();
    wait(number).await;
    tag("after", number);
    wait(number).await;
    event(number, "handler");
    HttpResponse::Ok().finish()
}

async fn function(number: u32) {
    wait(number).await;
    tag("in-function", number);
    wait(number).await;
}

#[tokio::test]
async fn no_event_has_a_foreign_tag_and_none_misses_one() {
    let told = Told::new(ClientOptions::new());
    let served = Served::start(told.middleware().finish(), |routes| {
        routes.route("/work/{number}", web::get().to(work));
    });
    let client = client();
    let mut requests = JoinSet::new();
    for number in 1..=REQUESTS {
        let request = client.get(served.url(&format!("/work/{number}")));
        requests.spawn(async move { request.send().await.unwrap().status() });
    }
    assert!(requests.join_all().await.iter().all(reqwest::StatusCode::is_success));
    told.flush();
    let events = told.ingest.wait_for_events(REQUESTS as usize * KINDS.len(), PATIENCE);
    assert_eq!(events.len(), REQUESTS as usize * KINDS.len());
    let (mut foreign, mut missing) = (Vec::new(), Vec::new());
    let mut traces: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in &events {
        let (number, kind) = event["message"].as_str().unwrap().split_once(' ').unwrap();
        let tags = event["tags"].as_object().unwrap();
        let (_, wanted) = KINDS.iter().find(|(known, _)| *known == kind).unwrap();
        let of_others = KINDS[2..].iter().any(|(other, _)| *other != kind && tags.contains_key(*other));
        if tags.values().any(|value| value != number) || of_others {
            foreign.push(event["message"].clone());
        }
        if wanted.iter().any(|tag| !tags.contains_key(*tag)) {
            missing.push((event["message"].clone(), tags.clone()));
        }
        assert_eq!(event["transaction"], "GET /work/{number}");
        assert!(event["request"]["url"].as_str().unwrap().ends_with(&format!("/work/{number}")));
        let trace = event["contexts"]["trace"]["trace_id"].as_str().unwrap();
        traces.entry(number.to_owned()).or_default().insert(trace.to_owned());
    }
    assert_eq!(foreign, Vec::<Value>::new(), "events with a foreign tag");
    assert!(missing.is_empty(), "events with a missing tag: {:?}", &missing[..missing.len().min(3)]);
    let all: BTreeSet<_> = traces.values().flatten().collect();
    assert_eq!((traces.len(), all.len()), (REQUESTS as usize, REQUESTS as usize), "a trace each");
    let transactions = told.ingest.wait_for_transactions(REQUESTS as usize, PATIENCE);
    assert_eq!(transactions.len(), REQUESTS as usize);
    for transaction in &transactions {
        assert_eq!(transaction["transaction"], "GET /work/{number}");
        let (tags, url) = (transaction["tags"].as_object().unwrap(), &transaction["request"]["url"]);
        let number = &tags["after"];
        assert!(tags.values().all(|value| value == number), "{tags:?}");
        assert!(url.as_str().unwrap().ends_with(&format!("/work/{}", number.as_str().unwrap())));
    }
    told.ingest.assert_clean();
}

fn failing(routes: &mut ServiceConfig) {
    routes
        .route("/endless", web::get().to(std::future::pending::<HttpResponse>))
        .route(
            "/panics/{it}",
            web::get().to(async || -> HttpResponse {
                tag("before", 1);
                wait(3).await;
                panic!("in a handler");
            }),
        )
        .route(
            "/broken",
            web::post().to(async |_: web::Json<Value>| {
                tag("before", 2);
                wait(3).await;
                Err::<HttpResponse, _>(error::ErrorInternalServerError("no disk"))
            }),
        );
}

#[tokio::test]
async fn what_goes_wrong_is_told_with_its_request() {
    let told = Told::new(ClientOptions::new().send_default_pii(true));
    let served = Served::start(told.middleware().emit_header(true).finish(), failing);
    let client = client();
    let broken = client
        .post(served.url("/broken?token=abc"))
        .header("content-type", "application/json")
        .header("sentry-trace", TRACE)
        .header("baggage", format!("sentry-trace_id={},sentry-public_key=theirs", &TRACE[..32]))
        .body(r#"{"name":"jo","password":"hunter2"}"#);
    let broken = broken.send().await.unwrap();
    assert_eq!(broken.status(), 500);
    let id = broken.headers()["x-sentry-event"].to_str().unwrap().to_owned();
    assert!(client.get(served.url("/panics/1")).send().await.is_err(), "the connection is gone");
    assert_eq!(client.get(served.url("/endless")).send().await.unwrap().status(), 504);
    told.flush();

    let events = told.ingest.wait_for_events(2, PATIENCE);
    let of =
        |text: &str| events.iter().find(|event| event["exception"]["values"][0]["value"] == text).unwrap();
    let (broken, panicked) = (of("no disk"), of("in a handler"));
    assert_eq!(broken["event_id"], id);
    assert_eq!(broken["exception"]["values"][0]["mechanism"]["type"], "actix");
    assert_eq!((&broken["tags"]["before"], &panicked["tags"]["before"]), (&"2".into(), &"1".into()));
    assert_eq!(broken["contexts"]["trace"]["trace_id"], TRACE[..32]);
    assert_eq!(broken["request"]["query_string"], "token=[Filtered]");
    assert_eq!(broken["request"]["env"]["REMOTE_ADDR"], "127.0.0.1");
    let body = broken["request"]["data"].to_string();
    assert!(body.contains("jo") && !body.contains("hunter2"), "{body}");

    assert_eq!(panicked["transaction"], "GET /panics/{it}");
    assert!(panicked["request"]["url"].as_str().unwrap().ends_with("/panics/1"));

    let transactions = told.ingest.wait_for_transactions(3, PATIENCE);
    let ends: BTreeMap<_, _> = transactions
        .iter()
        .map(|it| (it["transaction"].as_str().unwrap(), it["contexts"]["trace"]["status"].as_str().unwrap()))
        .collect();
    let wanted = [
        ("GET /endless", "aborted"),
        ("GET /panics/{it}", "internal_error"),
        ("POST /broken", "internal_error"),
    ];
    assert_eq!(ends, BTreeMap::from(wanted));
    let continued = transactions.iter().find(|it| it["transaction"] == "POST /broken").unwrap();
    assert_eq!(continued["contexts"]["trace"]["parent_span_id"], TRACE[33..49]);
    told.ingest.assert_clean();
}

#[tokio::test]
async fn without_a_hub_requests_begin_with_what_the_main_hub_has() {
    let ingest = Server::start();
    let main = Hub::main();
    main.bind_client(Some(Arc::new(Client::from(sentry::apply_defaults(
        ClientOptions::new().dsn(&ingest.dsn()),
    )))));
    main.configure_scope(|scope| scope.set_tag("all", 1));
    let served = Served::start(Sentry::new(), |routes| {
        routes.route("/users/{id}", web::get().to(work));
    });
    main.configure_scope(|scope| scope.set_tag("later", 1));
    assert!(client().get(served.url("/users/7")).send().await.unwrap().status().is_success());
    let events = ingest.wait_for_events(KINDS.len(), PATIENCE);
    for event in &events {
        let tags = event["tags"].as_object().unwrap();
        assert!(["all", "later", "before"].iter().all(|tag| tags.contains_key(*tag)), "{tags:?}");
        assert_eq!(event["transaction"], "GET /users/{id}");
    }
    main.configure_scope(|scope| assert!(!scope_has(scope, "before")));
    main.bind_client(None);
}

fn scope_has(scope: &sentry::Scope, tag: &str) -> bool {
    format!("{scope:?}").contains(tag)
}
