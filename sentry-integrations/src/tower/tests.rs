use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use sentry_core::test::with_captured_events;
use sentry_core::{Hub, Level, capture_message, configure_scope};
use tower_layer::Layer;
use tower_service::Service;

use super::*;

/// A service made of a function.
#[derive(Clone)]
pub(super) struct Function<F>(pub(super) F);

impl<F, Request, Answer> Service<Request> for Function<F>
where
    F: FnMut(Request) -> Answer,
    Answer: Future,
{
    type Response = Answer::Output;
    type Error = Infallible;
    type Future = Infallibly<Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Infallibly(Box::pin((self.0)(request)))
    }
}

pub(super) struct Infallibly<F>(Pin<Box<F>>);

impl<F: Future> Future for Infallibly<F> {
    type Output = Result<F::Output, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

/// Polls until it is ready.
pub(super) fn ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// Pending once.
pub(super) async fn once_around() {
    let mut yielded = false;
    std::future::poll_fn(
        |_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending },
    )
    .await;
}

async fn handler(name: &'static str) {
    configure_scope(|scope| scope.set_tag(name, 1));
    once_around().await;
    capture_message(name, Level::Info);
}

#[test]
fn requests_at_the_same_time_do_not_see_each_other() {
    let events = with_captured_events(|| {
        configure_scope(|scope| scope.set_tag("all", 1));
        let mut service = NewSentryLayer::new_from_top().layer(Function(handler));
        let (mut a, mut b) = (Box::pin(service.call("a")), Box::pin(service.call("b")));
        for of_a in [true, false, false, true] {
            let future = if of_a { &mut a } else { &mut b };
            _ = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        capture_message("outside", Level::Info);
    });
    let tags: Vec<Vec<_>> =
        events.iter().map(|event| event.tags.keys().map(String::as_str).collect()).collect();
    assert_eq!(tags, [vec!["all", "b"], vec!["a", "all"], vec!["all"]]);
}

#[test]
fn a_function_or_a_hub_says_which_hub_a_request_gets() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let inner = Rc::clone(&seen);
    let service = Function(move |_: u8| {
        inner.borrow_mut().push(Hub::current());
        std::future::ready(())
    });
    let shared = Arc::new(Hub::new_from_top(Hub::current()));
    let mut all = SentryLayer::new(Arc::clone(&shared)).layer(service.clone());
    ready(all.call(1)).unwrap();
    let asked = Mutex::new(Vec::new());
    let provider = |request: &u8| {
        asked.lock().unwrap().push(*request);
        Hub::new_from_top(Hub::current())
    };
    let mut each = SentryService::new(provider, service);
    ready(each.call(2)).unwrap();
    ready(each.call(3)).unwrap();
    let seen = seen.borrow();
    assert!(Arc::ptr_eq(&seen[0], &shared) && !Arc::ptr_eq(&seen[1], &seen[2]));
    assert_eq!(*asked.lock().unwrap(), [2, 3]);
}

#[test]
fn layers_are_sent_and_cloned_whatever_the_request_is() {
    fn check<T: Clone + Send + Sync>(_: T) {}
    check(NewSentryLayer::<Rc<()>>::new_from_top());
    check(NewSentryService::<_, Rc<()>>::new_from_top(()));
}

#[cfg(feature = "http")]
mod http {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use ::http::{Request, Response};
    use sentry_core::protocol::{Context as EventContext, EnvelopeItem, SpanStatus, Transaction};
    use sentry_core::test::with_captured_envelopes_options;
    use sentry_core::{ClientOptions, Envelope, SessionMode};

    use super::*;

    const TRACE: &str = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1";

    fn sampled() -> ClientOptions {
        ClientOptions::new().traces_sample_rate(1.0)
    }

    fn request(path: &str) -> Request<()> {
        Request::get(path).header("host", "shop.example").body(()).unwrap()
    }

    fn answer(code: u16) -> Response<()> {
        Response::builder().status(code).body(()).unwrap()
    }

    fn layer() -> SentryHttpLayer {
        SentryHttpLayer::new().enable_transaction()
    }

    fn transactions(envelopes: &[Envelope]) -> Vec<Transaction<'static>> {
        let transaction = |item: &EnvelopeItem| match item {
            EnvelopeItem::Transaction(transaction) => Some((**transaction).clone()),
            _ => None,
        };
        envelopes.iter().filter_map(|envelope| envelope.items().find_map(transaction)).collect()
    }

    fn events(envelopes: &[Envelope]) -> Vec<&sentry_core::protocol::Event<'static>> {
        envelopes.iter().filter_map(Envelope::event).collect()
    }

    fn trace(
        contexts: &sentry_core::protocol::Map<String, EventContext>,
    ) -> sentry_core::protocol::TraceContext {
        match &contexts["trace"] {
            EventContext::Trace(trace) => (**trace).clone(),
            other => panic!("{other:?}"),
        }
    }

    /// What is sent while a service behind `layer` answers `request`.
    fn sent(
        options: ClientOptions,
        layer: SentryHttpLayer,
        request: Request<()>,
        answer: impl AsyncFn() -> Response<()>,
    ) -> Vec<Envelope> {
        with_captured_envelopes_options(
            || {
                let mut service = layer.layer(Function(|_| answer()));
                ready(service.call(request)).unwrap();
            },
            options,
        )
    }

    #[test]
    fn a_request_is_a_transaction() {
        let envelopes = sent(sampled(), layer(), request("/users/7?page=2"), async || {
            once_around().await;
            capture_message("inside", Level::Error);
            answer(404)
        });
        let (event, transaction) = (events(&envelopes)[0], &transactions(&envelopes)[0]);
        assert_eq!(transaction.name.as_deref(), Some("GET /users/7"));
        assert_eq!(transaction.transaction_info.as_ref().unwrap().source.as_deref(), Some("url"));
        let context = trace(&transaction.contexts);
        assert_eq!(
            (context.op.as_deref(), context.origin.as_deref()),
            (Some("http.server"), Some("auto.http.tower"))
        );
        assert_eq!(context.status, Some(SpanStatus::NotFound));
        assert_eq!(context.data["http.response.status_code"], 404);
        assert_eq!(context.parent_span_id, None);
        assert_eq!(trace(&event.contexts).span_id, context.span_id);
        for request in [&event.request, &transaction.request] {
            let request = request.as_ref().unwrap();
            assert_eq!(request.url.as_ref().unwrap().as_str(), "http://shop.example/users/7");
            assert_eq!(request.query_string.as_deref(), Some("page=2"));
        }
        assert!(envelopes[1].headers().trace().unwrap().get("transaction").is_none(), "a URL is no name");
    }

    #[test]
    fn the_trace_of_the_caller_is_continued_with_and_without_transactions() {
        for (layer, options) in [(layer(), sampled()), (SentryHttpLayer::new(), ClientOptions::new())] {
            let mut request = request("/");
            request.headers_mut().insert("sentry-trace", TRACE.parse().unwrap());
            request.headers_mut().insert("baggage", "sentry-environment=theirs,other=1".parse().unwrap());
            let headers = Mutex::new(Vec::new());
            let envelopes = sent(options, layer, request, async || {
                *headers.lock().unwrap() = Hub::current().trace_headers();
                capture_message("inside", Level::Error);
                answer(200)
            });
            assert_eq!(trace(&events(&envelopes)[0].contexts).trace_id.to_string(), TRACE[..32]);
            for transaction in transactions(&envelopes) {
                assert_eq!(trace(&transaction.contexts).parent_span_id.unwrap().to_string(), TRACE[33..49]);
            }
            let headers = headers.into_inner().unwrap();
            assert!(headers[0].1.starts_with(&TRACE[..32]) && headers[0].1.ends_with("-1"));
            assert_eq!(headers[1].1, "sentry-environment=theirs");
        }
    }

    #[test]
    fn requests_without_a_trace_have_one_each() {
        let envelopes = with_captured_envelopes_options(
            || {
                let mut service = SentryHttpLayer::new().layer(Function(async |_: Request<()>| {
                    capture_message("inside", Level::Error);
                    answer(200)
                }));
                ready(service.call(request("/"))).unwrap();
                ready(service.call(request("/"))).unwrap();
            },
            ClientOptions::new(),
        );
        let events = events(&envelopes);
        assert_ne!(trace(&events[0].contexts).trace_id, trace(&events[1].contexts).trace_id);
    }

    #[test]
    fn a_request_that_is_given_up_or_panics_ends_its_transaction() {
        let envelopes = with_captured_envelopes_options(
            || {
                let mut given_up = layer().layer(Function(async |_: Request<()>| {
                    once_around().await;
                    answer(200)
                }));
                let mut future = Box::pin(given_up.call(request("/given-up")));
                assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                drop(future);
                let mut panics =
                    layer().layer(Function(async |_: Request<()>| -> Response<()> { panic!("no") }));
                let mut future = Box::pin(panics.call(request("/panics")));
                let poll = || future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
                assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
                drop(future);
            },
            sampled(),
        );
        let status: Vec<_> = transactions(&envelopes).iter().map(|it| trace(&it.contexts).status).collect();
        assert_eq!(status, [Some(SpanStatus::Aborted), Some(SpanStatus::InternalError)]);
    }

    /// Holds something until the end of its request.
    struct Reports;

    impl Drop for Reports {
        fn drop(&mut self) {
            capture_message("dropped", Level::Info);
        }
    }

    #[test]
    fn what_a_request_that_is_given_up_reports_belongs_to_it() {
        let envelopes = with_captured_envelopes_options(
            || {
                let mut service = layer().layer(Function(async |_: Request<()>| {
                    configure_scope(|scope| scope.set_tag("mine", 1));
                    let _reports = Reports;
                    once_around().await;
                    answer(200)
                }));
                let mut future = Box::pin(service.call(request("/")));
                assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            },
            sampled(),
        );
        assert!(events(&envelopes)[0].tags.contains_key("mine"));
        assert!(transactions(&envelopes)[0].tags.contains_key("mine"));
    }

    #[test]
    fn in_any_order_requests_do_not_see_each_other_and_nothing_is_left() {
        fn handler(name: &'static str, kept: &Arc<()>) -> impl Future<Output = Response<()>> + use<> {
            let kept = Arc::clone(kept);
            async move {
                configure_scope(|scope| {
                    scope.set_tag(name, 1);
                    scope.add_event_processor(move |event| {
                        let _ = &kept;
                        Some(event)
                    });
                });
                once_around().await;
                capture_message(name, Level::Info);
                answer(200)
            }
        }
        fn check<S>(service: &mut S, kept: &Arc<()>)
        where
            S: Service<Request<()>, Response = Response<()>, Error = Infallible>,
        {
            let envelopes = with_captured_envelopes_options(
                || {
                    let (mut a, mut b) =
                        (Box::pin(service.call(request("/a"))), Box::pin(service.call(request("/b"))));
                    for _ in 0..2 {
                        _ = a.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                        _ = b.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    }
                    drop((a, b));
                    assert_eq!(Hub::current().snapshot().span(), None);
                    capture_message("outside", Level::Info);
                },
                sampled(),
            );
            let tags: Vec<Vec<_>> = events(&envelopes)
                .iter()
                .map(|event| event.tags.keys().map(String::as_str).collect())
                .collect();
            assert_eq!(tags, [vec!["/a"], vec!["/b"], vec![]]);
            let outside = events(&envelopes)[2];
            assert_eq!(outside.request, None);
            let names: Vec<_> = transactions(&envelopes).into_iter().map(|it| it.name.unwrap()).collect();
            assert_eq!(names, ["GET /a", "GET /b"]);
            drop(envelopes);
            assert_eq!(Arc::strong_count(kept), 1, "all that was on a scope is gone");
        }
        let kept = Arc::new(());
        let inner = Function(|request: Request<()>| {
            handler(if request.uri().path() == "/a" { "/a" } else { "/b" }, &kept)
        });
        check(&mut layer().layer(inner.clone()), &kept);
        check(&mut NewSentryLayer::new_from_top().layer(layer().layer(inner.clone())), &kept);
        check(&mut layer().layer(NewSentryLayer::new_from_top().layer(inner)), &kept);
    }

    #[test]
    fn a_layer_around_sees_the_scope_of_its_request() {
        let seen = Mutex::new(false);
        with_captured_envelopes_options(
            || {
                let handler = Function(async |_: Request<()>| {
                    configure_scope(|scope| scope.set_user(Some(sentry_core::User::default())));
                    answer(200)
                });
                let mut inner = layer().layer(handler);
                let around = Function(|request: Request<()>| {
                    let future = inner.call(request);
                    async {
                        let response = future.await.unwrap();
                        let has_user = Hub::current().configure_scope(|scope| scope.user().is_some());
                        *seen.lock().unwrap() = has_user;
                        response
                    }
                });
                let mut service = NewSentryLayer::new_from_top().layer(around);
                ready(service.call(request("/"))).unwrap();
            },
            sampled(),
        );
        assert!(seen.into_inner().unwrap());
    }

    #[test]
    fn preflight_requests_are_traced_where_that_is_wanted() {
        for wanted in [false, true] {
            let mut preflight = request("/");
            *preflight.method_mut() = ::http::Method::OPTIONS;
            let options = sampled().trace_options_requests(wanted);
            let envelopes = sent(options, layer(), preflight, async || answer(200));
            assert_eq!(transactions(&envelopes).len(), usize::from(wanted));
        }
    }

    #[test]
    fn without_a_client_requests_are_answered() {
        let mut service = layer().layer(Function(async |_: Request<()>| answer(200)));
        assert_eq!(ready(service.call(request("/"))).unwrap().status(), 200);
    }

    #[cfg(feature = "release-health")]
    #[test]
    fn each_request_is_a_session_where_the_client_counts_them() {
        let options =
            || sampled().release("a@1").auto_session_tracking(true).session_mode(SessionMode::Request);
        let envelopes = sent(options(), layer(), request("/"), async || answer(200));
        let aggregates = |envelopes: &[Envelope]| {
            let aggregates =
                envelopes.iter().flat_map(|envelope| envelope.items()).find_map(|item| match item {
                    EnvelopeItem::SessionAggregates(aggregates) => Some(aggregates.aggregates[0].clone()),
                    _ => None,
                });
            aggregates.map(|it| (it.exited, it.errored))
        };
        assert_eq!(aggregates(&envelopes), Some((1, 0)));
        let envelopes = sent(options(), layer(), request("/"), async || {
            sentry_core::capture_error(&std::io::Error::other("broken"));
            answer(500)
        });
        assert_eq!(aggregates(&envelopes), Some((0, 1)));
        let envelopes =
            sent(options().session_mode(SessionMode::Application), layer(), request("/"), async || {
                answer(200)
            });
        assert_eq!(aggregates(&envelopes), None);
    }
}
