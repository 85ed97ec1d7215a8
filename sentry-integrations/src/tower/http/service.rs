//! A service that answers HTTP requests, watched.

use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::{Request, Response};
use sentry_core::Hub;
use tower_service::Service;

use super::request::seen;
use super::{SentryHttpFuture, SentryHttpLayer};
use crate::served::{Serving, WatchedFuture};

/// What made the transactions.
const ORIGIN: &str = "auto.http.tower";

/// A service behind a [`SentryHttpLayer`].
#[derive(Clone, Debug)]
pub struct SentryHttpService<S> {
    pub(super) service: S,
    pub(super) layer: SentryHttpLayer,
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for SentryHttpService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = SentryHttpFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let Some((hub, client)) = Hub::begin_request() else {
            return SentryHttpFuture { watched: WatchedFuture::unwatched(self.service.call(request)) };
        };
        let serving = Serving { origin: ORIGIN, with_transaction: self.layer.with_transaction };
        let watched = serving.begin(hub, client, seen(&request, self.layer.with_pii));
        let future = Hub::run(Arc::clone(watched.hub()), || self.service.call(request));
        SentryHttpFuture { watched: WatchedFuture::watched(watched, future) }
    }
}
