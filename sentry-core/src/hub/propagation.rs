//! Traces that come from other services, and those that go to them (protocol.md 9).

use std::sync::Arc;

use crate::diagnostics;
use crate::hub::Hub;
use crate::options::EnvOptions;
use crate::suppress::guarded;
use crate::trace::{
    self, TraceHeader, TraceHeadersIter, TracePropagationContext, TransactionContext, TransactionOrSpan,
    traceparent,
};

impl Hub {
    /// Continues the trace in the headers `sentry-trace` and `baggage`, or begins a new one where there is none, or none
    /// that may be continued. All that is captured from here on belongs to it. Starts no span.
    pub fn continue_trace<'a, I: IntoIterator<Item = (&'a str, &'a str)>>(&self, headers: I) {
        let client = self.client();
        let continued =
            client.and_then(|client| TracePropagationContext::continued(headers, client.options()));
        self.enter_trace(continued.unwrap_or_default());
    }

    /// Begins a new trace: all that is captured from here on belongs to it.
    pub fn start_new_trace(&self) {
        self.enter_trace(TracePropagationContext::default());
    }

    /// Continues the trace of the process that started this one, if the variables `SENTRY_TRACE` and `SENTRY_BAGGAGE` tell of
    /// one that may be continued. It is that of the current thread and of those that begin to use the SDK from now on, until
    /// they serve a request or continue another one. `init` calls it.
    pub fn continue_trace_from_environment() {
        let environment = EnvOptions::from_process();
        let Some(trace) = &environment.trace else { return };
        let headers = [("sentry-trace", &**trace), ("baggage", environment.baggage.as_deref().unwrap_or(""))];
        let (main, current) = (Self::main(), Self::current());
        let client = current.client();
        let continued =
            client.and_then(|client| TracePropagationContext::continued(headers, client.options()));
        let Some(trace) = continued.map(TracePropagationContext::for_process) else {
            return diagnostics::debug(|| "the trace in SENTRY_TRACE is not continued".to_owned());
        };
        if !Arc::ptr_eq(&main, &current) {
            main.configure_scope(|scope| scope.set_propagation_context(trace.clone()));
        }
        current.configure_scope(|scope| scope.set_propagation_context(trace));
    }

    /// The trace of the running code, for a process that it starts: `SENTRY_TRACE`, and `SENTRY_BAGGAGE` if there is
    /// anything to say.
    ///
    /// ```
    /// use sentry_core::Hub;
    /// use std::process::Command;
    ///
    /// let mut child = Command::new("report");
    /// child.envs(Hub::current().trace_environment());
    /// assert!(child.get_envs().any(|(name, _)| name == "SENTRY_TRACE"));
    /// ```
    #[must_use]
    pub fn trace_environment(&self) -> Vec<(&'static str, String)> {
        let variable = |(header, value)| match header {
            "sentry-trace" => Some(("SENTRY_TRACE", value)),
            "baggage" => Some(("SENTRY_BAGGAGE", value)),
            _ => None,
        };
        self.trace_headers().into_iter().filter_map(variable).collect()
    }

    fn enter_trace(&self, trace: TracePropagationContext) {
        self.configure_scope(|scope| {
            scope.set_propagation_context(trace);
            if scope.get_span().is_some() {
                scope.set_span(None);
            }
        });
    }

    /// The headers that continue the trace of the running code in another service: `sentry-trace`, `baggage`, and
    /// `traceparent` if the options say so.
    ///
    /// ```
    /// use sentry_core::Hub;
    ///
    /// let headers = Hub::current().trace_headers();
    /// assert_eq!(headers[0].0, "sentry-trace");
    /// ```
    #[must_use]
    pub fn trace_headers(&self) -> Vec<TraceHeader> {
        let snapshot = self.snapshot();
        match (snapshot.span(), snapshot.propagation_context()) {
            (Some(span), _) => self.trace_headers_of(span),
            (None, Some(trace)) => self.with_traceparent(
                self.with_client(|client| trace.headers_for(client.options()))
                    .unwrap_or_else(|| trace.iter_headers()),
            ),
            (None, None) => Vec::new(),
        }
    }

    fn with_traceparent(&self, headers: TraceHeadersIter) -> Vec<TraceHeader> {
        let mut headers: Vec<_> = headers.collect();
        if self.with_client(|client| client.options().propagate_traceparent) == Some(true) {
            let value = headers.first().and_then(|(_, sentry_trace)| traceparent(sentry_trace));
            headers.extend(value.map(|value| ("traceparent", value)));
        }
        headers
    }

    /// The same for a request to `url`: none if it is not among `trace_propagation_targets`, or if no client is active. The
    /// request may have a `baggage` header already: see [`merge_baggage`](crate::merge_baggage).
    ///
    /// ```
    /// use sentry_core::{ClientOptions, Hub};
    ///
    /// sentry_core::test::with_captured_envelopes_options(
    ///     || {
    ///         let hub = Hub::current();
    ///         assert_eq!(hub.trace_headers_for("https://api.example.com/users").len(), 2);
    ///         assert!(hub.trace_headers_for("https://elsewhere.example").is_empty());
    ///     },
    ///     ClientOptions::new().trace_propagation_targets(["api.example.com"]),
    /// );
    /// ```
    #[must_use]
    pub fn trace_headers_for(&self, url: &str) -> Vec<TraceHeader> {
        if self.propagates_to(url) { self.trace_headers() } else { Vec::new() }
    }

    /// The same below a span that the code is not in, such as that of the request. For integrations.
    #[doc(hidden)]
    #[must_use]
    pub fn trace_headers_below(&self, span: &TransactionOrSpan, url: &str) -> Vec<TraceHeader> {
        if self.propagates_to(url) { self.trace_headers_of(span) } else { Vec::new() }
    }

    /// The same, wherever they go. For integrations that are not told where.
    #[doc(hidden)]
    #[must_use]
    pub fn trace_headers_of(&self, span: &TransactionOrSpan) -> Vec<TraceHeader> {
        // The client of this hub, which may not be the current one.
        let client = self.client();
        let headers =
            client.map_or_else(|| span.iter_headers(), |client| trace::headers(span, client.options()));
        self.with_traceparent(headers)
    }

    fn propagates_to(&self, url: &str) -> bool {
        let Some(client) = self.client().filter(|client| client.is_enabled()) else { return false };
        // A target may be a function of the user's.
        guarded("trace_propagation_targets", || client.options().propagates_to(url)).unwrap_or(false)
    }

    /// What a transaction of an integration begins with: below the span the code is in, else in the trace of the request or
    /// job it serves, else in a new one.
    #[must_use]
    pub fn transaction_context(&self, name: &str, op: &str) -> TransactionContext {
        let snapshot = self.snapshot();
        if let Some(span) = snapshot.span() {
            return TransactionContext::continue_from_span(name, op, Some(span.clone()));
        }
        match snapshot.propagation_context().filter(|trace| trace.is_for_work()) {
            Some(trace) => TransactionContext::in_trace(name, op, trace),
            None => TransactionContext::new(name, op),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::with_captured_envelopes_options;
    use crate::{ClientOptions, configure_scope};

    const TRACE: &str = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1";
    const INCOMING: [(&str, &str); 2] = [("sentry-trace", TRACE), ("baggage", "sentry-org_id=7,sentry-x=y")];

    fn on_hub(options: ClientOptions, look: impl FnOnce(&Hub)) {
        with_captured_envelopes_options(|| look(&Hub::current()), options);
    }

    #[test]
    fn a_trace_is_continued_and_passed_on_as_it_came() {
        on_hub(ClientOptions::new().propagate_traceparent(true), |hub| {
            configure_scope(|scope| {
                let other = crate::start_transaction(TransactionContext::new("t", "op"));
                scope.set_span(Some(other.into()));
            });
            hub.continue_trace(INCOMING);
            let headers = hub.trace_headers();
            let expected = [
                ("sentry-trace", TRACE),
                ("baggage", "sentry-org_id=7,sentry-x=y"),
                ("traceparent", "00-09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-01"),
            ];
            assert_eq!(headers, expected.map(|(name, value)| (name, value.to_owned())));
            let context = hub.transaction_context("t", "op");
            assert_eq!((context.sampled(), context.trace_id().to_string()), (Some(true), TRACE[..32].into()));
            hub.start_new_trace();
            assert!(!hub.trace_headers()[0].1.starts_with(&TRACE[..32]));
        });
    }

    #[test]
    fn a_trace_of_strangers_is_not_continued() {
        on_hub(ClientOptions::new().org_id(8.into()), |hub| {
            hub.continue_trace(INCOMING);
            assert!(!hub.trace_headers()[0].1.starts_with(&TRACE[..32]));
        });
    }

    #[test]
    fn transactions_of_one_piece_of_work_share_its_trace() {
        on_hub(ClientOptions::new(), |hub| {
            let trace = |hub: &Hub| hub.transaction_context("t", "op").trace_id();
            assert_ne!(trace(hub), trace(hub));
            let work = hub.isolate();
            assert_eq!(trace(&work), trace(&work));
            assert_ne!(trace(&work), trace(&hub.isolate()));
        });
    }

    #[test]
    fn the_span_that_was_entered_is_the_one_above() {
        on_hub(ClientOptions::new().traces_sample_rate(1.0), |hub| {
            let transaction = hub.start_transaction(TransactionContext::new("t", "op"));
            let span = Arc::new(transaction.start_child("entered", "").into());
            Hub::enter_span(1, &span);
            let id = span.get_trace_context().span_id.to_string();
            assert_eq!(hub.trace_headers()[0].1.split('-').nth(1), Some(&*id));
            Hub::exit_span(1);
        });
    }

    #[test]
    fn a_target_that_panics_is_none() {
        let target = crate::options::PropagationTarget::matching(|_| panic!("no"));
        on_hub(ClientOptions::new().trace_propagation_targets([target]), |hub| {
            assert!(hub.trace_headers_for("http://host/").is_empty());
        });
    }
}
