//! Work that moves to another thread or task takes its hub along.
//!
//! ```text
//! tokio::spawn(future)              ─► tokio::spawn(future.with_current_hub())
//! JoinSet::spawn(future)            ─► set.spawn(future.with_current_hub())
//! tokio::task::spawn_blocking(f)    ─► spawn_blocking(Hub::wrap(f))
//! std::thread::spawn(f)             ─► std::thread::spawn(Hub::wrap(f))
//! rayon::spawn(f), rayon::join(f,g) ─► rayon::spawn(Hub::wrap(f)), …
//! items.par_iter().map(f)           ─► items.par_iter().map(Hub::wrap_each(f))
//! ```
//!
//! Each of them gets a hub of its own, which begins with what the current one has now: the client, scopes, and the span the
//! code is in. What it sets stays there, since pieces of work that run at the same time would take each other's scopes off
//! one stack. Work that shall share a hub nonetheless has [`bind_hub`](crate::SentryFutureExt::bind_hub).

use std::sync::Arc;

use crate::hub::Hub;

impl Hub {
    /// Lets `f` run with a copy of the current hub, on whichever thread.
    ///
    /// ```
    /// use sentry_core::{Hub, Level};
    ///
    /// let events = sentry_core::test::with_captured_events(|| {
    ///     sentry_core::configure_scope(|scope| scope.set_tag("request", "7"));
    ///     let work = Hub::wrap(|| sentry_core::capture_message("it broke", Level::Error));
    ///     std::thread::scope(|threads| _ = threads.spawn(work).join());
    /// });
    /// assert_eq!(events[0].tags["request"], "7");
    /// ```
    pub fn wrap<F, R>(f: F) -> impl FnOnce() -> R + use<F, R>
    where
        F: FnOnce() -> R,
    {
        let hub = Arc::new(Self::new_from_top(Self::current()));
        move || Self::run(hub, f)
    }

    /// Lets each call of `f` run with a copy of what the current hub is now, on whichever threads.
    ///
    /// ```
    /// use sentry_core::{Hub, Level};
    ///
    /// let events = sentry_core::test::with_captured_events(|| {
    ///     sentry_core::configure_scope(|scope| scope.set_tag("request", "7"));
    ///     let work = Hub::wrap_each(|part: u32| {
    ///         sentry_core::configure_scope(|scope| scope.set_tag("part", part));
    ///         sentry_core::capture_message("it broke", Level::Error);
    ///     });
    ///     std::thread::scope(|threads| {
    ///         for part in 0..2 {
    ///             let work = &work;
    ///             threads.spawn(move || work(part));
    ///         }
    ///     });
    /// });
    /// assert!(events.iter().all(|event| event.tags["request"] == "7"));
    /// assert_ne!(events[0].tags["part"], events[1].tags["part"]);
    /// ```
    pub fn wrap_each<F, T, R>(f: F) -> impl Fn(T) -> R + use<F, T, R>
    where
        F: Fn(T) -> R,
    {
        let hub = Self::new_from_top(Self::current());
        move |item| Self::run(Arc::new(Self::new_from_top(&hub)), || f(item))
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::thread;

    use super::*;
    use crate::test::{with_captured_envelopes_options, with_captured_events};
    use crate::{
        ClientOptions, Level, SentryFutureExt, TransactionContext, capture_message, configure_scope,
    };

    fn message(text: &str) {
        capture_message(text, Level::Info);
    }

    fn ready<F: Future>(future: F) -> F::Output {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it waits"),
        }
    }

    fn elsewhere<R: Send>(f: impl FnOnce() -> R + Send) -> R {
        thread::scope(|threads| threads.spawn(f).join().unwrap())
    }

    #[test]
    fn another_thread_begins_with_what_was_set_and_keeps_what_it_sets() {
        let events = with_captured_events(|| {
            configure_scope(|scope| scope.set_tag("before", 1));
            let (first, second) = (Hub::wrap(|| tagged("first")), Hub::wrap(|| tagged("second")));
            configure_scope(|scope| scope.set_tag("after", 1));
            elsewhere(first);
            elsewhere(second);
            message("here");
        });
        let tags = |index: usize| events[index].tags.keys().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(tags(0), ["before", "first"]);
        assert_eq!(tags(1), ["before", "second"]);
        assert_eq!(tags(2), ["after", "before"]);
    }

    fn tagged(tag: &str) {
        configure_scope(|scope| scope.set_tag(tag, 1));
        message(tag);
    }

    #[test]
    fn a_future_begins_with_what_was_set_and_keeps_what_it_sets() {
        let events = with_captured_events(|| {
            configure_scope(|scope| scope.set_tag("before", 1));
            let child = async { tagged("child") }.with_current_hub();
            let isolated = async { tagged("isolated") }.in_isolation();
            elsewhere(|| ready(child));
            elsewhere(|| ready(isolated));
            message("here");
        });
        let tags = |index: usize| events[index].tags.keys().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(tags(0), ["before", "child"]);
        assert_eq!(tags(1), ["before", "isolated"]);
        assert_eq!(tags(2), ["before"]);
        let trace = |index: usize| {
            serde_json::to_value(&events[index].contexts["trace"]).unwrap()["trace_id"].clone()
        };
        assert_eq!(trace(0), trace(2));
        assert_ne!(trace(1), trace(2), "a trace of its own");
    }

    #[test]
    fn the_span_that_the_code_is_in_goes_along() {
        let envelopes = with_captured_envelopes_options(
            || {
                let transaction = crate::start_transaction(TransactionContext::new("t", "op"));
                let entered = Arc::new(transaction.start_child("entered", "").into());
                Hub::enter_span(1, &entered);
                elsewhere(Hub::wrap(|| message("there")));
                Hub::exit_span(1);
                let span_id = entered.get_trace_context().span_id;
                configure_scope(|scope| scope.set_tag("span", span_id));
                message("here");
            },
            ClientOptions::new().traces_sample_rate(1.0),
        );
        let span = serde_json::to_value(&envelopes[0].event().unwrap().contexts["trace"]).unwrap();
        assert_eq!(span["span_id"], envelopes[1].event().unwrap().tags["span"].as_str());
    }
}
