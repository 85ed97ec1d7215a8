//! How requests end, and those that take turns.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use actix_web::dev::Service;

use super::*;

/// Polls once.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Holds something until the end of its request.
struct Reports;

impl Drop for Reports {
    fn drop(&mut self) {
        capture_message("dropped", Level::Info);
    }
}

#[test]
fn a_request_that_is_given_up_or_panics_ends_its_transaction() {
    let envelopes = sent(sampled(), async |builder| {
        let given_up = || async {
            configure_scope(|scope| scope.set_tag("mine", 1));
            let _reports = Reports;
            std::future::pending::<HttpResponse>().await
        };
        let panics = || async {
            if true {
                panic!("no");
            }
            HttpResponse::Ok().finish()
        };
        let app = App::new()
            .wrap(builder.start_transaction(true).finish())
            .route("/given-up", web::get().to(given_up))
            .route("/panics", web::get().to(panics));
        let app = init_service(app).await;
        let mut future = Box::pin(app.call(get("/given-up").to_request()));
        assert!(poll(future.as_mut()).is_pending());
        drop(future);
        let mut future = Box::pin(app.call(get("/panics").to_request()));
        let run = std::panic::AssertUnwindSafe(|| poll(future.as_mut()).is_pending());
        assert!(std::panic::catch_unwind(run).is_err());
        drop(future);
    });
    let status: Vec<_> = transactions(&envelopes).iter().map(|it| trace(&it.contexts).status).collect();
    assert_eq!(status, [Some(SpanStatus::Aborted), Some(SpanStatus::InternalError)]);
    assert!(events(&envelopes)[0].tags.contains_key("mine"), "what it reports belongs to it");
}

#[test]
fn requests_that_take_turns_on_a_thread_do_not_see_each_other() {
    let envelopes = sent(sampled(), async |builder| {
        configure_scope(|scope| scope.set_tag("all", 1));
        let handler = |name: web::Path<String>| async move {
            configure_scope(|scope| scope.set_tag(&name, 1));
            actix_web::rt::task::yield_now().await;
            capture_message(&name, Level::Info);
            HttpResponse::Ok().finish()
        };
        let app = App::new()
            .wrap(builder.start_transaction(true).finish())
            .route("/{name}", web::get().to(handler));
        let app = init_service(app).await;
        let mut futures = ["/a", "/b"].map(|path| Box::pin(app.call(get(path).to_request())));
        for index in [0, 1, 1, 0] {
            _ = poll(futures[index].as_mut());
        }
        capture_message("outside", Level::Info);
    });
    let tags: Vec<Vec<_>> =
        events(&envelopes).iter().map(|event| event.tags.keys().map(String::as_str).collect()).collect();
    assert_eq!(tags, [vec!["all", "b"], vec!["a", "all"], vec!["all"]]);
    assert_eq!(events(&envelopes)[2].request, None);
}

#[cfg(feature = "release-health")]
#[test]
fn each_request_is_a_session_where_the_client_counts_them() {
    use sentry_core::SessionMode;

    let options = |mode| sampled().release("a@1").auto_session_tracking(true).session_mode(mode);
    let counted = |mode, path: &'static str| {
        let envelopes =
            sent(options(mode), async |builder| _ = answer(builder.finish(), get(path), reports).await);
        let mut items = envelopes.iter().flat_map(|envelope| envelope.items());
        items.find_map(|item| match item {
            EnvelopeItem::SessionAggregates(it) => Some((it.aggregates[0].exited, it.aggregates[0].errored)),
            _ => None,
        })
    };
    assert_eq!(counted(SessionMode::Request, "/users/7"), Some((1, 0)));
    assert_eq!(counted(SessionMode::Request, "/broken/plain"), Some((0, 1)));
    assert_eq!(counted(SessionMode::Application, "/users/7"), None);
}
