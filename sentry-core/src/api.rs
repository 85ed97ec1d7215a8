//! The free functions: the same calls on the current hub.
//!
//! Each begins with the question whether any client is enabled, so that with the SDK off a call costs one load.

use std::error::Error;
use std::time::SystemTime;

use crate::breadcrumbs::IntoBreadcrumbs;
use crate::client;
use crate::hub::{self, Hub};
use crate::integration::Integration;
use crate::protocol::{Breadcrumb, Event, Level};
use crate::scope::Scope;
use crate::trace::{Transaction, TransactionContext};
use crate::types::Uuid;

/// Captures an event on the current hub. Returns the nil id if it was dropped or no client is active.
///
/// ```
/// use sentry_core::protocol::Event;
///
/// let id = sentry_core::capture_event(Event { message: Some("hello".into()), ..Default::default() });
/// assert!(id.is_nil(), "no client is active here");
/// ```
#[expect(clippy::must_use_candidate, reason = "called for its effect")]
#[inline]
pub fn capture_event(event: Event<'static>) -> Uuid {
    if !client::any_live() {
        return Uuid::nil();
    }
    Hub::current().capture_event(event)
}

/// Captures a message on the current hub. Returns the nil id if it was dropped or no client is active.
///
/// ```
/// use sentry_core::Level;
///
/// let id = sentry_core::capture_message("queue is nearly full", Level::Warning);
/// assert!(id.is_nil(), "no client is active here");
/// ```
#[expect(clippy::must_use_candidate, reason = "called for its effect")]
#[inline]
pub fn capture_message(message: &str, level: Level) -> Uuid {
    if !client::any_live() {
        return Uuid::nil();
    }
    Hub::current().capture_message(message, level)
}

/// Captures an error and its sources on the current hub. Returns the nil id if it was dropped or no client is active.
///
/// ```
/// let error = "x".parse::<u8>().unwrap_err();
/// let id = sentry_core::capture_error(&error);
/// assert!(id.is_nil(), "no client is active here");
/// ```
#[inline]
pub fn capture_error<E: Error + ?Sized>(error: &E) -> Uuid {
    if !client::any_live() {
        return Uuid::nil();
    }
    Hub::current().capture_error(error)
}

/// Adds breadcrumbs to the current scope. A closure is called only if a client is active.
///
/// ```
/// use sentry_core::Breadcrumb;
///
/// sentry_core::add_breadcrumb(|| -> Breadcrumb { unreachable!("no client is active here") });
/// ```
#[inline]
pub fn add_breadcrumb<B: IntoBreadcrumbs>(breadcrumb: B) {
    if !client::any_live() {
        return;
    }
    match breadcrumb.ready() {
        Ok(breadcrumb) => add_ready_breadcrumb(breadcrumb),
        Err(breadcrumb) => Hub::current().add_breadcrumb(breadcrumb),
    }
}

fn add_ready_breadcrumb(breadcrumb: Breadcrumb) {
    if let Some(breadcrumb) = hub::add_ready_breadcrumb(breadcrumb) {
        Hub::current().add_breadcrumb(breadcrumb);
    }
}

/// Changes the current scope. Without an active client `f` is not called and the default is returned.
///
/// ```
/// sentry_core::configure_scope(|scope| scope.set_tag("region", "eu"));
/// ```
#[inline]
pub fn configure_scope<F, R>(f: F) -> R
where
    R: Default,
    F: FnOnce(&mut Scope) -> R,
{
    if !client::any_live() {
        return R::default();
    }
    let hub = Hub::current();
    if hub.is_active() { hub.configure_scope(f) } else { R::default() }
}

/// Runs `callback` in a scope of its own that `scope_config` sets up; what is set in it is gone afterwards.
///
/// Without an active client only `callback` runs.
///
/// ```
/// let answer = sentry_core::with_scope(|scope| scope.set_tag("step", "1"), || 42);
/// assert_eq!(answer, 42);
/// ```
#[inline]
pub fn with_scope<C, F, R>(scope_config: C, callback: F) -> R
where
    C: FnOnce(&mut Scope),
    F: FnOnce() -> R,
{
    if !client::any_live() {
        return callback();
    }
    Hub::current().with_scope(scope_config, callback)
}

/// The id of the last event captured through the current hub that was not dropped.
#[must_use]
pub fn last_event_id() -> Option<Uuid> {
    if !client::any_live() {
        return None;
    }
    Hub::current().last_event_id()
}

/// Calls `f` with the integration `I` of the active client, if it has one.
pub fn with_integration<I, F, R>(f: F) -> R
where
    I: Integration,
    F: FnOnce(&I, &Hub) -> R,
    R: Default,
{
    Hub::with_active(|hub| hub.with_integration(|integration| f(integration, hub)))
}

/// Starts a transaction on the current hub. It is sent when it is finished.
///
/// ```
/// use sentry_core::TransactionContext;
///
/// let transaction = sentry_core::start_transaction(TransactionContext::new("GET /orders", "http.server"));
/// let span = transaction.start_child("db.query", "SELECT * FROM orders");
/// span.finish();
/// transaction.finish();
/// ```
#[must_use = "a transaction is sent by finishing it"]
pub fn start_transaction(context: TransactionContext) -> Transaction {
    Transaction::start_current(context, None)
}

/// Starts a transaction that began at `timestamp` on the current hub.
#[must_use = "a transaction is sent by finishing it"]
pub fn start_transaction_with_timestamp(context: TransactionContext, timestamp: SystemTime) -> Transaction {
    Transaction::start_current(context, Some(timestamp))
}
