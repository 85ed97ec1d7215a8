//! Hubs.

use std::error::Error;
use std::fmt::Debug;
use std::future::Ready;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::SystemTime;

use sentry::protocol::{Breadcrumb, Event, Level, Uuid};
use sentry::{
    Client, Hub, HubSwitchGuard, Scope, ScopeGuard, SentryFuture, SentryFutureExt, Transaction,
    TransactionContext,
};

use crate::root::doubles::Nothing;

const _: fn(&Hub, Event<'static>) -> Uuid = Hub::capture_event;
const _: fn(&Hub, &str, Level) -> Uuid = Hub::capture_message;
const _: fn(&Hub) -> Option<Uuid> = Hub::last_event_id;
const _: fn(&Hub) -> ScopeGuard = Hub::push_scope;
const _: fn(&Hub, Option<Arc<Client>>) = Hub::bind_client;
const _: fn(&Hub) -> Option<Arc<Client>> = Hub::client;
const _: fn() -> Arc<Hub> = Hub::current;
const _: fn() -> Arc<Hub> = Hub::main;
const _: fn(Option<Arc<Client>>, Arc<Scope>) -> Hub = Hub::new;
const _: fn(&Hub, TransactionContext) -> Transaction = Hub::start_transaction;
const _: fn(&Hub, TransactionContext, SystemTime) -> Transaction = Hub::start_transaction_with_timestamp;
const _: fn(&Hub, Breadcrumb) = Hub::add_breadcrumb;
const _: fn(&Hub, fn() -> Breadcrumb) = Hub::add_breadcrumb;
const _: fn(&Hub, fn(&mut Scope) -> bool) -> bool = Hub::configure_scope;
const _: fn(fn(&Arc<Hub>) -> bool) -> bool = Hub::with_active;
const _: fn(&Hub, fn(&Nothing) -> bool) -> bool = Hub::with_integration;
const _: fn(&Hub, fn(&mut Scope), fn() -> bool) -> bool = Hub::with_scope;
const _: fn(Arc<Hub>) -> Hub = Hub::new_from_top;
const _: fn(&'static Hub) -> Hub = Hub::new_from_top;
const _: fn(Arc<Hub>, fn() -> bool) -> bool = Hub::run;
#[expect(deprecated, reason = "published code still calls it")]
const _: fn(fn(&Arc<Hub>) -> bool) -> bool = Hub::with;
const _: fn(&Hub, &std::io::Error) -> Uuid = Hub::capture_error;
const _: fn(&Hub, &(dyn Error + Send + Sync + 'static)) -> Uuid = Hub::capture_error;
implements!(Hub: Debug + RefUnwindSafe + Send + Sync + UnwindSafe);

const _: fn(Arc<Hub>) -> HubSwitchGuard = HubSwitchGuard::new;
implements!(HubSwitchGuard: Sync);

const _: fn(Arc<Hub>, Ready<u8>) -> SentryFuture<Ready<u8>> = SentryFuture::new;
const _: fn(Ready<u8>, Arc<Hub>) -> SentryFuture<Ready<u8>> = SentryFutureExt::bind_hub;
const _: fn(Ready<u8>, Hub) -> SentryFuture<Ready<u8>> = SentryFutureExt::bind_hub;
implements!(SentryFuture<Ready<u8>>: Debug + Future<Output = u8> + Send);
