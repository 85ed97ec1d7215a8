//! The answer to a request, awaited.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use sentry_core::HubSwitchGuard;

use super::Watched;

pin_project! {
    /// A future that runs, and is dropped, with the hub of its request.
    pub(crate) struct WatchedFuture<F> {
        // `None` while no client is active.
        watched: Option<Watched>,
        // `None` only while it is being dropped.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for WatchedFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let Some(watched) = this.watched else {
                this.future.set(None);
                return;
            };
            if this.future.is_none() && !watched.is_polled {
                // It has answered, and nothing is left to be dropped or ended.
                return;
            }
            let _guard = HubSwitchGuard::new(Arc::clone(watched.hub()));
            // A future that is cancelled drops what it holds here: what that reports belongs to its request.
            this.future.set(None);
            watched.give_up();
        }
    }
}

impl<F> WatchedFuture<F> {
    pub(crate) fn unwatched(future: F) -> Self {
        Self { watched: None, future: Some(future) }
    }

    pub(crate) fn watched(watched: Watched, future: F) -> Self {
        Self { watched: Some(watched), future: Some(future) }
    }
}

impl<F: Future> WatchedFuture<F> {
    /// Polls. `end` is called with what the future returned, on the hub of the request, after all that the future held is
    /// gone: it ends the request.
    #[inline]
    pub(crate) fn poll_with(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        end: impl FnOnce(&mut Watched, &mut F::Output),
    ) -> Poll<F::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
        let Some(watched) = this.watched else { return future.poll(cx) };
        let _guard = HubSwitchGuard::new(Arc::clone(watched.hub()));
        watched.is_polled = true;
        let mut poll = future.poll(cx);
        if let Poll::Ready(output) = &mut poll {
            // The spans that it holds end with it, and before the transaction.
            this.future.set(None);
            // What the application says of its errors may panic too.
            end(watched, output);
        }
        watched.is_polled = false;
        poll
    }
}
