//! The middleware around applications that are called without a socket.

use std::future::Future;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::rt::System;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, guard, web};
use sentry_core::protocol::{Context, EnvelopeItem, Event, Map, SpanStatus, TraceContext, Transaction};
use sentry_core::test::with_captured_envelopes_options;
use sentry_core::{ClientOptions, Envelope, Hub, Level, capture_message, configure_scope};

use super::*;

mod ends;
mod errors;
mod told;

const TRACE: &str = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1";

fn sampled() -> ClientOptions {
    ClientOptions::new().traces_sample_rate(1.0)
}

/// What is sent while `run` uses a middleware on the hub of the test.
fn sent(options: ClientOptions, run: impl AsyncFnOnce(SentryBuilder)) -> Vec<Envelope> {
    let run = || System::new().block_on(run(Sentry::builder().with_hub(Hub::current())));
    with_captured_envelopes_options(run, options)
}

fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path).insert_header(("host", "shop.example"))
}

/// Answers one request by an application that has `middleware` around it. The routes are `/users/{id}`, by `handler`, and
/// `/broken/{how}`.
async fn answer<F, R>(middleware: Sentry, request: TestRequest, handler: F) -> (StatusCode, HeaderMap)
where
    F: Fn() -> R + Clone + 'static,
    R: Future<Output = HttpResponse> + 'static,
{
    let app = App::new()
        .wrap(middleware)
        .route("/users/{id}", web::route().to(handler))
        .route("/broken/{how}", web::get().to(errors::broken));
    let response = call_service(&init_service(app).await, request.to_request()).await;
    (response.status(), response.headers().clone())
}

async fn reports() -> HttpResponse {
    capture_message("inside", Level::Info);
    HttpResponse::Ok().finish()
}

fn transactions(envelopes: &[Envelope]) -> Vec<Transaction<'static>> {
    let transaction = |item: &EnvelopeItem| match item {
        EnvelopeItem::Transaction(transaction) => Some((**transaction).clone()),
        _ => None,
    };
    envelopes.iter().filter_map(|envelope| envelope.items().find_map(transaction)).collect()
}

fn events(envelopes: &[Envelope]) -> Vec<&Event<'static>> {
    envelopes.iter().filter_map(Envelope::event).collect()
}

fn trace(contexts: &Map<String, Context>) -> TraceContext {
    match &contexts["trace"] {
        Context::Trace(trace) => (**trace).clone(),
        other => panic!("{other:?}"),
    }
}

fn source(transaction: &Transaction<'_>) -> Option<String> {
    transaction.transaction_info.as_ref()?.source.as_deref().map(str::to_owned)
}

#[test]
fn a_request_is_a_transaction_with_the_name_of_its_route() {
    let envelopes = sent(sampled(), async |builder| {
        let request = get("/users/7?page=2");
        answer(builder.start_transaction(true).finish(), request, async || {
            actix_web::rt::task::yield_now().await;
            reports().await;
            HttpResponse::NotFound().finish()
        })
        .await;
    });
    let (event, transaction) = (events(&envelopes)[0], &transactions(&envelopes)[0]);
    assert_eq!(transaction.name.as_deref(), Some("GET /users/{id}"));
    assert_eq!(source(transaction).as_deref(), Some("route"));
    let context = trace(&transaction.contexts);
    assert_eq!(
        (context.op.as_deref(), context.origin.as_deref()),
        (Some("http.server"), Some("auto.http.actix"))
    );
    assert_eq!(context.status, Some(SpanStatus::NotFound));
    assert_eq!(context.data["http.response.status_code"], 404);
    assert_eq!(context.data["http.request.method"], "GET");
    assert_eq!(trace(&event.contexts).span_id, context.span_id);
    assert_eq!(event.transaction, transaction.name);
    for request in [&event.request, &transaction.request] {
        let request = request.as_ref().unwrap();
        assert_eq!(request.url.as_ref().unwrap().as_str(), "http://shop.example/users/7");
        assert_eq!(request.query_string.as_deref(), Some("page=2"));
    }
}

#[test]
fn what_no_route_takes_is_named_by_its_path() {
    let envelopes = sent(sampled(), async |builder| {
        let middleware = builder.start_transaction(true).finish();
        assert_eq!(answer(middleware, get("/nowhere/7?a=b"), reports).await.0, 404);
    });
    let transaction = &transactions(&envelopes)[0];
    assert_eq!(transaction.name.as_deref(), Some("GET /nowhere/7"));
    assert_eq!(source(transaction).as_deref(), Some("url"));
    assert_eq!(trace(&transaction.contexts).status, Some(SpanStatus::NotFound));
}

#[test]
fn guards_decide_on_the_route_and_a_name_of_the_application_stays() {
    for (renames, name, from) in [(false, "GET /users/{name}", "route"), (true, "GET /named", "custom")] {
        let envelopes = sent(sampled(), async |builder| {
            let named = move || async move {
                if renames {
                    configure_scope(|scope| scope.set_transaction(Some("GET /named")));
                }
                HttpResponse::Ok().finish()
            };
            let app = App::new()
                .wrap(builder.start_transaction(true).finish())
                .service(web::resource("/users/{id}").guard(guard::Header("x", "1")).to(HttpResponse::Ok))
                .service(web::resource("/users/{name}").to(named));
            call_service(&init_service(app).await, get("/users/jo").to_request()).await;
        });
        let transaction = &transactions(&envelopes)[0];
        assert_eq!(transaction.name.as_deref(), Some(name));
        assert_eq!(source(transaction).as_deref(), Some(from));
    }
}

#[test]
fn events_have_the_name_of_the_route_without_a_transaction() {
    for headers in [None, Some(("sentry-trace", TRACE))] {
        let envelopes = sent(ClientOptions::new(), async |builder| {
            let mut request = get("/users/7");
            if let Some(header) = headers {
                request = request.insert_header(header);
            }
            answer(builder.finish(), request, reports).await;
        });
        let event = events(&envelopes)[0];
        assert_eq!(event.transaction.as_deref(), Some("GET /users/{id}"));
        assert_eq!(event.request.as_ref().unwrap().method.as_deref(), Some("GET"));
        assert_eq!(envelopes.len(), 1);
    }
}

#[test]
fn the_trace_of_the_caller_is_continued_with_and_without_transactions() {
    for (with_transaction, options) in [(true, sampled()), (false, ClientOptions::new())] {
        let envelopes = sent(options, async |builder| {
            let request = get("/users/7")
                .insert_header(("sentry-trace", TRACE))
                .insert_header(("baggage", "sentry-environment=theirs,other=1"));
            answer(builder.start_transaction(with_transaction).finish(), request, async || {
                let headers = Hub::current().trace_headers();
                assert!(headers[0].1.starts_with(&TRACE[..32]) && headers[0].1.ends_with("-1"));
                assert_eq!(headers[1].1, "sentry-environment=theirs");
                reports().await
            })
            .await;
        });
        assert_eq!(trace(&events(&envelopes)[0].contexts).trace_id.to_string(), TRACE[..32]);
        let parents: Vec<_> = transactions(&envelopes)
            .iter()
            .map(|it| trace(&it.contexts).parent_span_id.unwrap().to_string())
            .collect();
        let wanted = if with_transaction { vec![TRACE[33..49].to_owned()] } else { vec![] };
        assert_eq!(parents, wanted);
    }
}

#[test]
fn requests_without_a_trace_have_one_each() {
    let envelopes = sent(ClientOptions::new(), async |builder| {
        let middleware = builder.finish();
        for _ in 0..2 {
            answer(middleware.clone(), get("/users/7"), reports).await;
        }
    });
    let events = events(&envelopes);
    assert_ne!(trace(&events[0].contexts).trace_id, trace(&events[1].contexts).trace_id);
}

#[test]
fn a_request_that_is_not_sampled_sends_nothing_and_is_counted() {
    let never = ClientOptions::new().traces_sample_rate(1e-30);
    let mut lost = Vec::new();
    let envelopes = sent(never, async |builder| {
        let (status, _) = answer(builder.start_transaction(true).finish(), get("/users/7"), async || {
            HttpResponse::Ok().finish()
        })
        .await;
        assert_eq!(status, 200);
        let client = Hub::current().client().unwrap();
        lost = client.options().client_report_recorder.totals().iter().map(|it| it.quantity()).collect();
    });
    assert!(envelopes.is_empty());
    assert_eq!(lost, [1, 1], "a transaction with its span");
}

#[test]
fn preflight_requests_are_traced_where_that_is_wanted() {
    for wanted in [false, true] {
        let envelopes = sent(sampled().trace_options_requests(wanted), async |builder| {
            let request = get("/users/7").method(actix_web::http::Method::OPTIONS);
            answer(builder.start_transaction(true).finish(), request, reports).await;
        });
        assert_eq!(transactions(&envelopes).len(), usize::from(wanted));
    }
}

#[test]
fn without_a_client_requests_are_answered() {
    System::new().block_on(async {
        let hub = std::sync::Arc::new(Hub::new(None, std::sync::Arc::default()));
        let middleware = Sentry::builder().with_hub(hub).emit_header(true).finish();
        let (status, headers) = answer(middleware, get("/broken/plain"), reports).await;
        assert_eq!(status, 500);
        assert!(headers.get("x-sentry-event").is_none());
    });
}

#[test]
fn it_goes_around_a_scope_or_a_resource_too() {
    let envelopes = sent(sampled(), async |builder| {
        let middleware = builder.start_transaction(true).finish();
        let app = App::new()
            .service(web::scope("/api").wrap(middleware.clone()).route("/users/{id}", web::get().to(reports)))
            .service(web::resource("/shops/{id}").wrap(middleware).to(reports));
        let app = init_service(app).await;
        call_service(&app, get("/api/users/7").to_request()).await;
        call_service(&app, get("/shops/7").to_request()).await;
    });
    let names: Vec<_> = transactions(&envelopes).into_iter().map(|it| it.name.unwrap()).collect();
    assert_eq!(names, ["GET /api/users/{id}", "GET /shops/{id}"]);
}

#[test]
fn the_builder_starts_with_the_defaults() {
    let told = |sentry: Sentry| format!("{sentry:?}");
    let default = "Sentry { start_transaction: false, capture_server_errors: true, emit_header: false, .. }";
    for sentry in [Sentry::new(), Sentry::default(), Sentry::builder().with_default_hub().finish()] {
        assert_eq!(told(sentry), default);
    }
    let with_transaction = told(Sentry::with_transaction());
    assert_eq!(with_transaction, default.replacen("false", "true", 1));
    assert_eq!(told(Sentry::with_transaction().into_builder().finish()), with_transaction);
}

#[test]
fn a_middleware_is_shared_by_workers() {
    fn check<T: Clone + Send + Sync>(_: &T) {}
    check(&Sentry::new());
}
