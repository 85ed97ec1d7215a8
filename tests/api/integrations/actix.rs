//! `sentry::integrations::actix`: the middleware.

use std::sync::Arc;

use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use sentry::Hub;
use sentry::integrations::actix::{Sentry, SentryBuilder, SentryMiddleware};

type Answer = std::future::Ready<Result<ServiceResponse, actix_web::Error>>;

/// A service of its own.
struct Echo;

impl Service<ServiceRequest> for Echo {
    type Response = ServiceResponse;
    type Error = actix_web::Error;
    type Future = Answer;

    fn poll_ready(&self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), actix_web::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        std::future::ready(Ok(request.into_response(actix_web::HttpResponse::Ok())))
    }
}

const _: fn() -> Sentry = Sentry::new;
const _: fn() -> Sentry = Sentry::with_transaction;
const _: fn() -> SentryBuilder = Sentry::builder;
const _: fn(Sentry) -> SentryBuilder = Sentry::into_builder;
const _: fn(SentryBuilder, bool) -> SentryBuilder = SentryBuilder::capture_server_errors;
const _: fn(SentryBuilder, bool) -> SentryBuilder = SentryBuilder::emit_header;
const _: fn(SentryBuilder) -> Sentry = SentryBuilder::finish;
const _: fn(SentryBuilder, bool) -> SentryBuilder = SentryBuilder::start_transaction;
const _: fn(SentryBuilder) -> SentryBuilder = SentryBuilder::with_default_hub;
const _: fn(SentryBuilder, Arc<Hub>) -> SentryBuilder = SentryBuilder::with_hub;
implements!(Sentry: Clone + Default + Send + Sync);
implements!(Sentry: Transform<Echo, ServiceRequest, Transform = SentryMiddleware<Echo>, InitError = ()>);
implements!(SentryMiddleware<Echo>: Service<ServiceRequest, Response = ServiceResponse, Error = actix_web::Error>);
