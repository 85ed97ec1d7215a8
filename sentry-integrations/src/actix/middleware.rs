//! A service with the middleware around it.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use sentry_core::Hub;

use super::request::seen;
use super::routes::Routes;
use super::{Sentry, SentryMiddlewareFuture};
use crate::served::{Serving, WatchedFuture};

/// What made the transactions.
const ORIGIN: &str = "auto.http.actix";

/// A service that a [`Sentry`] is wrapped around.
pub struct SentryMiddleware<S> {
    pub(super) service: S,
    pub(super) sentry: Sentry,
    pub(super) routes: Routes,
}

impl<S, B> Service<ServiceRequest> for SentryMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = SentryMiddlewareFuture<S::Future>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let Sentry { hub, with_transaction, errors } = &self.sentry;
        let errors = errors.clone();
        let Some((hub, client)) = Hub::begin_request_from(|| hub.clone().unwrap_or_else(Hub::main)) else {
            return SentryMiddlewareFuture {
                watched: WatchedFuture::unwatched(self.service.call(request)),
                errors,
            };
        };
        let serving = Serving { origin: ORIGIN, with_transaction: *with_transaction };
        let routes = self.routes.of(&request);
        let seen = seen(&mut request, routes, client.options());
        let watched = serving.begin(hub, client, seen);
        let future = Hub::run(Arc::clone(watched.hub()), || self.service.call(request));
        SentryMiddlewareFuture { watched: WatchedFuture::watched(watched, future), errors }
    }
}

impl<S> fmt::Debug for SentryMiddleware<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryMiddleware").field("sentry", &self.sentry).finish_non_exhaustive()
    }
}
