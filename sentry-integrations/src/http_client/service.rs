//! A service that sends requests, watched.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::HttpCall;

/// A service behind a [`SentryHttpClientLayer`](super::SentryHttpClientLayer).
#[derive(Clone, Debug)]
pub struct SentryHttpClientService<S> {
    pub(super) service: S,
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for SentryHttpClientService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = SentryHttpClientFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let (method, url) = (request.method().clone(), request.uri().to_string());
        let call = Some(HttpCall::begin(&method, &url, request.headers_mut()));
        SentryHttpClientFuture { future: self.service.call(request), call }
    }
}

pin_project! {
    /// The answer to a request, awaited.
    pub struct SentryHttpClientFuture<F> {
        #[pin]
        future: F,
        // `None` once there is an answer.
        call: Option<HttpCall>,
    }
}

impl<F, B, E> Future for SentryHttpClientFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.future.poll(cx));
        if let Some(call) = this.call.take() {
            match &answer {
                Ok(response) => call.answered(response.status(), response.headers()),
                Err(_) => call.failed(),
            }
        }
        Poll::Ready(answer)
    }
}

impl<F> fmt::Debug for SentryHttpClientFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryHttpClientFuture").finish_non_exhaustive()
    }
}
