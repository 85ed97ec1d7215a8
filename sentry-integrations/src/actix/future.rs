//! The answer to a request, awaited.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::Error;
use actix_web::dev::ServiceResponse;
use pin_project_lite::pin_project;

use super::errors::Errors;
use crate::served::WatchedFuture;

pin_project! {
    /// The future of a [`SentryMiddleware`](super::SentryMiddleware): runs, and is dropped, with the hub of its request.
    pub struct SentryMiddlewareFuture<F> {
        #[pin]
        pub(super) watched: WatchedFuture<F>,
        pub(super) errors: Errors,
    }
}

impl<F, B> Future for SentryMiddlewareFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.watched.poll_with(cx, |watched, output| match output {
            Ok(response) => {
                let request = response.request();
                // By now it is known for sure: guards of routes were asked.
                watched.routed(request.method().as_str(), || request.match_pattern());
                this.errors.behind(response, watched.hub());
                watched.answered(response.status().as_u16());
            }
            Err(error) => {
                // No answer was made of it yet, but most likely this is going to be its status.
                this.errors.on_its_way(error, watched.hub());
                watched.answered(error.as_response_error().status_code().as_u16());
            }
        })
    }
}

impl<F> fmt::Debug for SentryMiddlewareFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryMiddlewareFuture").finish_non_exhaustive()
    }
}
