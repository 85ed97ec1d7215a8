//! Errors that become answers.

use actix_web::Error;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::error;

use super::*;

/// An error of an application.
#[derive(Debug)]
struct Broken(std::num::ParseIntError);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it broke")
    }
}

impl std::error::Error for Broken {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl actix_web::ResponseError for Broken {}

/// What `/broken/{how}` does.
pub(super) async fn broken(how: web::Path<String>) -> Result<HttpResponse, Error> {
    let error = || Broken("x".parse::<u8>().unwrap_err());
    match how.as_str() {
        "plain" => Err(error().into()),
        "boxed" => Err(Box::<dyn std::error::Error>::from(error()).into()),
        "text" => Err(error::ErrorBadGateway("no upstream")),
        "missing" => Err(error::ErrorNotFound("no such thing")),
        _ => Ok(HttpResponse::InternalServerError().finish()),
    }
}

/// The event of `/broken/{how}`, and the value of `x-sentry-event`.
fn captured(builder: fn(SentryBuilder) -> Sentry, how: &str) -> (Option<Event<'static>>, Option<String>) {
    let mut header = None;
    let envelopes = sent(ClientOptions::new(), async |given| {
        let (_, headers) = answer(builder(given), get(&format!("/broken/{how}")), reports).await;
        header = headers.get("x-sentry-event").map(|id| id.to_str().unwrap().to_owned());
    });
    (events(&envelopes).first().map(|event| (*event).clone()), header)
}

fn exceptions(event: &Event<'_>) -> Vec<(String, String)> {
    let exceptions = event.exception.iter();
    exceptions.map(|it| (it.ty.clone(), it.value.clone().unwrap_or_default())).collect()
}

#[test]
fn the_error_behind_an_answer_of_the_server_is_captured() {
    let (event, header) = captured(SentryBuilder::finish, "plain");
    let event = event.unwrap();
    assert_eq!(exceptions(&event), [("Broken".to_owned(), "it broke".to_owned())]);
    let mechanism = event.exception.last().unwrap().mechanism.as_ref().unwrap();
    assert_eq!((mechanism.ty.as_str(), mechanism.handled), ("actix", Some(true)));
    assert_eq!((event.level, event.transaction.as_deref()), (Level::Error, Some("GET /broken/{how}")));
    assert_eq!(header, None);
    let (event, _) = captured(SentryBuilder::finish, "text");
    assert_eq!(exceptions(&event.unwrap())[0].1, "no upstream");
    for how in ["missing", "answer"] {
        assert!(captured(SentryBuilder::finish, how).0.is_none(), "{how}");
    }
    assert!(
        captured(|builder| builder.capture_server_errors(false).emit_header(true).finish(), "plain")
            .0
            .is_none()
    );
}

#[test]
fn sources_are_told_where_they_can_be_found() {
    let whole = [("ParseIntError", "invalid digit found in string"), ("Broken", "it broke")]
        .map(|(ty, value)| (ty.to_owned(), value.to_owned()));
    let (boxed, _) = captured(SentryBuilder::finish, "boxed");
    assert_eq!(exceptions(&boxed.unwrap()), whole);
    let (found, _) =
        captured(|builder| builder.error_chain(|error| Some(error.as_error::<Broken>()?)).finish(), "plain");
    assert_eq!(exceptions(&found.unwrap()), whole);
}

#[test]
fn a_panic_while_sources_are_looked_for_costs_them_alone() {
    let (event, id) = captured(
        |builder| builder.error_chain(|_| panic!("of the application")).emit_header(true).finish(),
        "plain",
    );
    assert_eq!(exceptions(&event.unwrap()).len(), 1);
    assert!(id.is_some());
}

#[test]
fn the_answer_tells_the_id_of_the_event_where_there_is_one() {
    fn with_header(builder: SentryBuilder) -> Sentry {
        builder.emit_header(true).finish()
    }
    let (event, header) = captured(with_header, "plain");
    assert_eq!(header.unwrap(), event.unwrap().event_id.simple().to_string());
    assert_eq!(captured(with_header, "missing").1, None);
    let options = ClientOptions::new().before_send(|_| None);
    sent(options, async |builder| {
        let (status, headers) = answer(with_header(builder), get("/broken/plain"), reports).await;
        assert_eq!(status, 500);
        assert!(headers.get("x-sentry-event").is_none(), "it was dropped");
    });
}

#[test]
fn callbacks_see_the_error() {
    let options = ClientOptions::new().before_send_with_hint(|_, hint| {
        let ours = hint.captured::<Error>()?;
        assert!(ours.as_error::<Broken>().is_some());
        None
    });
    let envelopes = sent(options, async |builder| {
        _ = answer(builder.finish(), get("/broken/plain"), reports).await;
    });
    assert!(envelopes.is_empty());
}

#[test]
fn the_error_of_another_middleware_is_captured_too() {
    let envelopes = sent(sampled(), async |builder| {
        let app = App::new()
            .wrap_fn(|_, _| {
                std::future::ready(Err::<ServiceResponse, _>(error::ErrorBadGateway("no upstream")))
            })
            .wrap(builder.start_transaction(true).finish());
        let app = init_service(app).await;
        assert!(app.call(get("/").to_request()).await.is_err());
    });
    assert_eq!(exceptions(events(&envelopes)[0])[0].1, "no upstream");
    let context = trace(&transactions(&envelopes)[0].contexts);
    assert_eq!(context.data["http.response.status_code"], 502);
    assert_eq!(context.status, Some(SpanStatus::InternalError));
}
