//! The answer to a request, awaited.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::{Response, StatusCode};
use pin_project_lite::pin_project;
use sentry_core::protocol::SpanStatus;
use sentry_core::{Client, Hub, HubSwitchGuard, Transaction};

use super::session;
use crate::http_status;

pin_project! {
    /// The future of a [`SentryHttpService`](super::SentryHttpService): runs, and is dropped, with the hub of its request.
    pub struct SentryHttpFuture<F> {
        // `None` while no client is active.
        watched: Option<Watched>,
        // `None` only while it is being dropped.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for SentryHttpFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let Some(watched) = this.watched else {
                this.future.set(None);
                return;
            };
            if this.future.is_none() {
                // It has answered, and nothing is left to be dropped.
                return;
            }
            let _guard = HubSwitchGuard::new(Arc::clone(&watched.hub));
            // A future that is cancelled drops what it holds here: what that reports belongs to its request.
            this.future.set(None);
            watched.give_up();
        }
    }
}

/// A request that is being answered.
pub(super) struct Watched {
    pub(super) hub: Arc<Hub>,
    client: Arc<Client>,
    transaction: Option<Box<Transaction>>,
    /// The hub was left to set itself up.
    is_deferred: bool,
    has_session: bool,
    /// The future is being polled. If it still is when it is dropped, it has panicked.
    is_polled: bool,
}

impl Watched {
    /// A request whose hub sets itself up as soon as somebody looks.
    pub(super) fn deferred(hub: Arc<Hub>, client: Arc<Client>, has_session: bool) -> Self {
        Self { hub, client, transaction: None, is_deferred: true, has_session, is_polled: false }
    }

    /// A request whose hub is set up.
    pub(super) fn set_up(
        hub: Arc<Hub>,
        client: Arc<Client>,
        transaction: Option<Transaction>,
        has_session: bool,
    ) -> Self {
        let transaction = transaction.map(Box::new);
        Self { hub, client, transaction, is_deferred: false, has_session, is_polled: false }
    }

    #[inline]
    fn answered(&mut self, code: StatusCode) {
        if let Some(transaction) = self.transaction.take() {
            if transaction.is_sampled() {
                transaction.set_data("http.response.status_code", code.as_u16().into());
                if transaction.get_status().is_none() {
                    transaction.set_status(http_status::of(code));
                }
            }
            transaction.finish();
        }
        self.end();
    }

    fn failed(&mut self, status: SpanStatus) {
        if let Some(transaction) = self.transaction.take() {
            if transaction.get_status().is_none() {
                transaction.set_status(status);
            }
            transaction.finish();
        }
        self.end();
    }

    /// It was dropped before it answered; nothing happens if it was not.
    fn give_up(&mut self) {
        let status = if self.is_polled { SpanStatus::InternalError } else { SpanStatus::Aborted };
        self.failed(status);
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.is_deferred) {
            self.hub.end_request(&self.client);
        }
        if std::mem::take(&mut self.has_session) {
            session::end(&self.hub);
        }
    }
}

impl<F> SentryHttpFuture<F> {
    pub(super) fn unwatched(future: F) -> Self {
        Self { watched: None, future: Some(future) }
    }

    pub(super) fn watched(watched: Watched, future: F) -> Self {
        Self { watched: Some(watched), future: Some(future) }
    }
}

impl<F, B, E> Future for SentryHttpFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
        let Some(watched) = this.watched else { return future.poll(cx) };
        let _guard = HubSwitchGuard::new(Arc::clone(&watched.hub));
        watched.is_polled = true;
        let poll = future.poll(cx);
        watched.is_polled = false;
        if poll.is_ready() {
            // The spans that it holds end with it, and before the transaction.
            this.future.set(None);
        }
        match &poll {
            Poll::Ready(Ok(response)) => watched.answered(response.status()),
            Poll::Ready(Err(_)) => watched.failed(SpanStatus::InternalError),
            Poll::Pending => {}
        }
        poll
    }
}

impl<F> fmt::Debug for SentryHttpFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryHttpFuture").finish_non_exhaustive()
    }
}
