//! Streams that bring their hub along.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::hub::Hub;
use crate::hub::bound::Bound;
use crate::trace::TransactionOrSpan;

pin_project! {
    /// A stream whose elements are made, and which is dropped, with its own hub, whichever thread does it.
    pub struct SentryStream<S> {
        bound: Bound,
        // `None` only while it is being dropped.
        #[pin]
        stream: Option<S>,
    }

    impl<S> PinnedDrop for SentryStream<S> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.bound.end(|| this.stream.set(None));
        }
    }
}

impl<S> SentryStream<S> {
    /// Binds `stream` to `hub`.
    pub fn new(hub: Arc<Hub>, stream: S) -> Self {
        Self { bound: Bound::new(hub), stream: Some(stream) }
    }
}

impl<S: Stream> Stream for SentryStream<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let Some(stream) = this.stream.as_pin_mut() else { return Poll::Ready(None) };
        this.bound.run(|| stream.poll_next(cx), |next| matches!(next, Poll::Ready(None)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

impl<S> fmt::Debug for SentryStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryStream").field("bound", &self.bound).finish_non_exhaustive()
    }
}

/// Binds streams to hubs, as [`SentryFutureExt`](crate::SentryFutureExt) does it with futures.
pub trait SentryStreamExt: Sized {
    /// Lets the elements of this stream be made with `hub`.
    fn bind_hub<H>(self, hub: H) -> SentryStream<Self>
    where
        H: Into<Arc<Hub>>,
    {
        SentryStream::new(hub.into(), self)
    }

    /// The same with a copy of what the current hub is now.
    fn with_current_hub(self) -> SentryStream<Self> {
        SentryStream::new(Arc::new(Hub::new_from_top(Hub::current())), self)
    }

    /// Lets the elements be made in `span`, on a copy of the current hub, and ends the span with the stream: after the last
    /// element, when it panics (`internal_error`), and when it is dropped before that (`cancelled`).
    fn in_span<T>(self, span: T) -> SentryStream<Self>
    where
        T: Into<TransactionOrSpan>,
    {
        SentryStream { bound: Bound::within(span.into()), stream: Some(self) }
    }
}

impl<S: Stream> SentryStreamExt for S {}
