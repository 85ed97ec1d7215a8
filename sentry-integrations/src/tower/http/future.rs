//! The answer to a request, awaited.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::http::Response;
use pin_project_lite::pin_project;
use sentry_core::protocol::SpanStatus;

use crate::served::WatchedFuture;

pin_project! {
    /// The future of a [`SentryHttpService`](super::SentryHttpService): runs, and is dropped, with the hub of its request.
    pub struct SentryHttpFuture<F> {
        #[pin]
        pub(super) watched: WatchedFuture<F>,
    }
}

impl<F, B, E> Future for SentryHttpFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().watched.poll_with(cx, |watched, output| match output {
            Ok(response) => watched.answered(response.status().as_u16()),
            Err(_) => watched.failed(SpanStatus::InternalError),
        })
    }
}

impl<F> fmt::Debug for SentryHttpFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryHttpFuture").finish_non_exhaustive()
    }
}
