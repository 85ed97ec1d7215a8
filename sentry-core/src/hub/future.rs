//! Futures that bring their hub along.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::hub::Hub;
use crate::hub::bound::Bound;
use crate::trace::TransactionOrSpan;

pin_project! {
    /// A future that runs, and is dropped, with its own hub, whichever thread does it.
    pub struct SentryFuture<F> {
        bound: Bound,
        // `None` only while it is being dropped.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for SentryFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.bound.end(|| this.future.set(None));
        }
    }
}

impl<F> SentryFuture<F> {
    /// Binds `future` to `hub`.
    pub fn new(hub: Arc<Hub>, future: F) -> Self {
        Self { bound: Bound::new(hub), future: Some(future) }
    }
}

impl<F: Future> Future for SentryFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else { return Poll::Pending };
        this.bound.run(|| future.poll(cx), Poll::is_ready)
    }
}

impl<F> fmt::Debug for SentryFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryFuture").field("bound", &self.bound).finish_non_exhaustive()
    }
}

/// Binds futures to hubs.
pub trait SentryFutureExt: Sized {
    /// Lets this future run with `hub`.
    fn bind_hub<H>(self, hub: H) -> SentryFuture<Self>
    where
        H: Into<Arc<Hub>>,
    {
        SentryFuture::new(hub.into(), self)
    }

    /// Lets this future run with a copy of what the current hub is now, for a task of its own.
    ///
    /// ```
    /// use sentry_core::{SentryFutureExt, configure_scope};
    ///
    /// configure_scope(|scope| scope.set_tag("request", "7"));
    /// let task = async { /* belongs to the request */ }.with_current_hub();
    /// # drop(task); // tokio::spawn(task)
    /// ```
    fn with_current_hub(self) -> SentryFuture<Self> {
        SentryFuture::new(Arc::new(Hub::new_from_top(Hub::current())), self)
    }

    /// Lets this future run in isolation, as a request or a job does: see [`Hub::isolate`].
    fn in_isolation(self) -> SentryFuture<Self> {
        SentryFuture::new(Hub::current().isolate(), self)
    }

    /// Lets this future run in `span`, on a copy of the current hub, and ends the span with it: when it is done, when it
    /// panics (`internal_error`), and when it is dropped before that (`cancelled`). So futures that run at the same time
    /// have their own spans below the same one.
    ///
    /// ```
    /// use sentry_core::{SentryFutureExt, TransactionContext, start_transaction};
    ///
    /// let transaction = start_transaction(TransactionContext::new("report", "task"));
    /// let (left, right) = (transaction.start_child("task", "left"), transaction.start_child("task", "right"));
    /// let both = (async { /* below `left` */ }.in_span(left), async { /* below `right` */ }.in_span(right));
    /// # drop(both); // join!(both.0, both.1)
    /// ```
    fn in_span<S>(self, span: S) -> SentryFuture<Self>
    where
        S: Into<TransactionOrSpan>,
    {
        SentryFuture { bound: Bound::within(span.into()), future: Some(self) }
    }
}

impl<F: Future> SentryFutureExt for F {}
