//! What ends with the answer to a request.

use std::sync::Arc;

use sentry_core::protocol::SpanStatus;
use sentry_core::{Client, Hub, Transaction};

use super::{request, session};
use crate::http_status;

/// A request that is being answered.
pub(crate) struct Watched {
    hub: Arc<Hub>,
    client: Arc<Client>,
    transaction: Option<Box<Transaction>>,
    /// The hub was left to set itself up.
    is_deferred: bool,
    has_session: bool,
    /// The future is being polled. If it still is when it is dropped, it has panicked.
    pub(super) is_polled: bool,
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

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The request has taken a route. `pattern` tells which; it is asked only if the transaction is sampled.
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "others know the route before they begin"))]
    #[inline]
    pub(crate) fn routed(&self, method: &str, pattern: impl FnOnce() -> Option<String>) {
        if let Some(transaction) = &self.transaction
            && transaction.is_sampled()
            && let Some(pattern) = pattern()
        {
            transaction.set_route(&request::name(method, &pattern));
        }
    }

    #[inline]
    pub(crate) fn answered(&mut self, code: u16) {
        if let Some(transaction) = self.transaction.take() {
            if transaction.is_sampled() {
                transaction.set_data("http.response.status_code", code.into());
                if transaction.get_status().is_none() {
                    transaction.set_status(http_status::of(code));
                }
            }
            transaction.finish();
        }
        self.end();
    }

    pub(crate) fn failed(&mut self, status: SpanStatus) {
        if let Some(transaction) = self.transaction.take() {
            if transaction.get_status().is_none() {
                transaction.set_status(status);
            }
            transaction.finish();
        }
        self.end();
    }

    /// It was dropped before it answered; nothing happens if it was not.
    pub(super) fn give_up(&mut self) {
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
