//! The free functions: the same calls on the current hub.
//!
//! Each begins with the question whether any client is enabled, so that with the SDK off a call costs one load.

use std::error::Error;
use std::time::SystemTime;

use crate::breadcrumbs::{IntoBreadcrumbs, Kept};
use crate::client;
use crate::consent::ConsentState;
use crate::hub::Hub;
use crate::integration::Integration;
#[cfg(feature = "release-health")]
use crate::protocol::SessionStatus;
use crate::protocol::{Breadcrumb, Event, Level, LogAttribute};
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

/// Captures an error and its sources like [`capture_error`], and lets callbacks ask for its type: see
/// [`Hint::error`](crate::Hint::error).
#[inline]
pub fn capture_error_typed<E: Error + 'static>(error: &E) -> Uuid {
    if !client::any_live() {
        return Uuid::nil();
    }
    Hub::current().capture_error_typed(error)
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
    Kept::add(Some(Kept::Whole(breadcrumb)));
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

/// Remembers on the current scope that a feature flag was evaluated: the last 100 go with every event (protocol.md 17).
///
/// ```
/// let events = sentry_core::test::with_captured_events(|| {
///     sentry_core::add_feature_flag("new-checkout", true);
///     sentry_core::capture_message("it broke", sentry_core::Level::Error);
/// });
/// assert!(events[0].contexts.contains_key("flags"));
/// ```
pub fn add_feature_flag(flag: &str, result: bool) {
    configure_scope(|scope| scope.add_feature_flag(flag, result));
}

/// Sets an attribute of every log and metric that is captured from here on, on the current scope.
pub fn set_attribute<V: Into<LogAttribute>>(key: &str, value: V) {
    configure_scope(|scope| scope.set_attribute(key, value));
}

/// The id of the last event captured through the current hub that was not dropped.
#[must_use]
pub fn last_event_id() -> Option<Uuid> {
    if !client::any_live() {
        return None;
    }
    Hub::current().last_event_id()
}

/// Whether the previous run of the program with this DSN on this cache directory ended by a crash that was recorded. `None`: not
/// known, because there is no cache directory, it cannot be read, or no client is active.
///
/// ```
/// assert_eq!(sentry_core::crashed_last_run(), None, "no client is active here");
/// ```
#[must_use]
pub fn crashed_last_run() -> Option<bool> {
    if !client::any_live() {
        return None;
    }
    Hub::current().client()?.last_run().crashed()
}

/// Starts a session on the current hub; one that was started there ends as exited.
///
/// Nothing happens without a release, or while no client is active.
///
/// ```
/// use sentry_core::test::with_captured_envelopes_options;
/// use sentry_core::{ClientOptions, protocol::EnvelopeItem};
///
/// let envelopes = with_captured_envelopes_options(
///     || {
///         sentry_core::start_session();
///         sentry_core::end_session();
///     },
///     ClientOptions::new().release("app@1.2.3"),
/// );
/// let Some(EnvelopeItem::SessionUpdate(update)) = envelopes[0].items().next() else { panic!() };
/// assert_eq!(update.attributes.release, "app@1.2.3");
/// ```
#[cfg(feature = "release-health")]
pub fn start_session() {
    if client::any_live() {
        Hub::current().start_session();
    }
}

/// Ends the session of the current hub as exited.
#[cfg(feature = "release-health")]
pub fn end_session() {
    end_session_with_status(SessionStatus::Exited);
}

/// Ends the session of the current hub; `Ok` counts as exited.
#[cfg(feature = "release-health")]
pub fn end_session_with_status(status: SessionStatus) {
    if client::any_live() {
        Hub::current().end_session_with_status(status);
    }
}

/// The user agrees that data is sent: what was held back goes out, and so does everything from now on. Remembered in the cache
/// directory. Applies to the client of the current hub; see [`Client::give_consent`](crate::Client::give_consent).
///
/// ```
/// use sentry_core::{ClientOptions, ConsentState, Level, options::Consent};
///
/// # let options = ClientOptions::new().consent(Consent::Required);
/// let events = sentry_core::test::with_captured_events_options(
///     || {
///         assert_eq!(sentry_core::consent(), ConsentState::Unknown);
///         sentry_core::give_consent();
///         sentry_core::capture_message("agreed", Level::Info);
///         sentry_core::revoke_consent();
///         sentry_core::capture_message("not any more", Level::Info);
///     },
///     options,
/// );
/// assert_eq!(events.len(), 1);
/// ```
pub fn give_consent() {
    if client::any_live() {
        Hub::with_active(|hub| hub.client().into_iter().for_each(|client| client.give_consent()));
    }
}

/// The user does not agree, or not any more: from now on nothing is sent or kept, and what was held back is removed. Remembered
/// in the cache directory. Applies to the client of the current hub; see
/// [`Client::revoke_consent`](crate::Client::revoke_consent).
pub fn revoke_consent() {
    if client::any_live() {
        Hub::with_active(|hub| hub.client().into_iter().for_each(|client| client.revoke_consent()));
    }
}

/// What the user has said about the client of the current hub. Without a client nobody has to be asked.
#[must_use]
pub fn consent() -> ConsentState {
    let client = if client::any_live() { Hub::current().client() } else { None };
    client.map_or(ConsentState::NotNeeded, |client| client.consent())
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
