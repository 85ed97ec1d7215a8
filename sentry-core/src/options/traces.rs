//! Which transactions and spans are sent, and how.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::options::ClientOptions;
use crate::protocol::Span;

/// When the spans of a trace are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceLifecycle {
    /// With their transaction, when that ends.
    #[default]
    Static,
    /// Each when it ends, in batches: what runs for days shows up meanwhile. Servers have to know spans of version 2.
    ///
    /// With `ignore_transactions` or `trace_ignore_status_codes` spans wait up to ten seconds for what is above them all, so that
    /// they can be dropped with it. When it takes longer, they leave, and it will be sent whatever it ends with.
    Stream,
}

/// Changes a span that is about to be sent; it cannot drop it.
pub type BeforeSendSpan = Arc<dyn Fn(&mut Span) + Send + Sync>;

impl ClientOptions {
    /// Sets when the spans of a trace are sent.
    pub fn trace_lifecycle(self, trace_lifecycle: TraceLifecycle) -> Self {
        Self { trace_lifecycle, ..self }
    }

    /// Sets a function that changes spans before they are sent. A panic in it leaves the span as it was.
    ///
    /// ```
    /// use sentry_core::{ClientOptions, TransactionContext, protocol::EnvelopeItem};
    ///
    /// let options = ClientOptions::new().traces_sample_rate(1.0).before_send_span(|span| {
    ///     span.data.insert("region".into(), "eu".into());
    /// });
    /// let envelopes = sentry_core::test::with_captured_envelopes_options(|| {
    ///     let transaction = sentry_core::start_transaction(TransactionContext::new("report", "task"));
    ///     transaction.start_child("db", "SELECT 1").finish();
    ///     transaction.finish();
    /// }, options);
    /// let Some(EnvelopeItem::Transaction(transaction)) = envelopes[0].items().next() else { panic!() };
    /// assert_eq!(transaction.spans[0].data["region"], "eu");
    /// ```
    pub fn before_send_span<F>(self, f: F) -> Self
    where
        F: Fn(&mut Span) + Send + Sync + 'static,
    {
        Self { before_send_span: Some(Arc::new(f)), ..self }
    }

    /// Drops transactions whose name contains one of these texts. They count as ignored.
    pub fn ignore_transactions<T: Into<Cow<'static, str>>>(
        mut self,
        names: impl IntoIterator<Item = T>,
    ) -> Self {
        self.ignore_transactions.extend(names.into_iter().map(Into::into));
        self
    }

    /// Tells where in the code queries come from that take longer than 100 ms: spans with the operation `db` or `db.*` get
    /// `code.file.path`, `code.function.name` and `code.line.number`. On by default.
    pub fn enable_db_query_source(self, enable_db_query_source: bool) -> Self {
        Self { enable_db_query_source, ..self }
    }

    /// The same for requests to others: spans with the operation `http.client`.
    pub fn enable_http_request_source(self, enable_http_request_source: bool) -> Self {
        Self { enable_http_request_source, ..self }
    }

    /// Drops transactions that answered with one of these HTTP status codes (`http.response.status_code`).
    pub fn trace_ignore_status_codes(mut self, codes: impl IntoIterator<Item = RangeInclusive<u16>>) -> Self {
        self.trace_ignore_status_codes.extend(codes);
        self
    }
}

/// Whether `name` contains one of `texts`.
pub(crate) fn is_ignored(texts: &[Cow<'static, str>], name: &str) -> bool {
    texts.iter().any(|text| !text.is_empty() && name.contains(&**text))
}
