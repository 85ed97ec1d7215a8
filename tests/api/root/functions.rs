//! The free functions, the macro of the root and the names that it passes on.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use sentry::protocol::{self, Event, Map, Uuid, Value};
use sentry::types;
use sentry::{
    BeforeCallback, Breadcrumb, ClientInitGuard, ClientOptions, CustomTransactionContext, Envelope, Hub,
    Level, Scope, SentryTrace, TraceHeader, TracesSampler, Transaction, TransactionContext, User,
};

use crate::root::doubles::Nothing;

const _: fn(Breadcrumb) = sentry::add_breadcrumb;
const _: fn(fn() -> Option<Breadcrumb>) = sentry::add_breadcrumb;
const _: fn(ClientOptions) -> ClientOptions = sentry::apply_defaults;
const _: fn(&fmt::Error) -> Uuid = sentry::capture_error;
const _: fn(&(dyn Error + 'static)) -> Uuid = sentry::capture_error;
const _: fn(&(dyn Error + Send + Sync + 'static)) -> Uuid = sentry::capture_error;
const _: fn(Event<'static>) -> Uuid = sentry::capture_event;
const _: fn(&str, Level) -> Uuid = sentry::capture_message;
const _: fn(fn(&mut Scope)) = sentry::configure_scope;
const _: fn(fn(&mut Scope) -> bool) -> bool = sentry::configure_scope;
const _: fn(&fmt::Error) -> Event<'static> = sentry::event_from_error;
const _: fn(&(dyn Error + 'static)) -> Event<'static> = sentry::event_from_error;
const _: fn(ClientOptions) -> ClientInitGuard = sentry::init;
const _: fn(&'static str) -> ClientInitGuard = sentry::init;
const _: fn((&'static str, ClientOptions)) -> ClientInitGuard = sentry::init;
const _: fn() -> Option<Uuid> = sentry::last_event_id;
const _: fn(Vec<(&'static str, &'static str)>) -> Option<SentryTrace> = sentry::parse_headers;
const _: fn(&str) -> &str = sentry::parse_type_from_debug;
const _: fn(TransactionContext) -> Transaction = sentry::start_transaction;
const _: fn(TransactionContext, SystemTime) -> Transaction = sentry::start_transaction_with_timestamp;
const _: fn(fn(&Nothing, &Hub) -> bool) -> bool = sentry::with_integration;
const _: fn(fn(&mut Scope), fn() -> bool) -> bool = sentry::with_scope;

const _: fn(Arc<dyn Fn(u8) -> Option<u8> + Send + Sync>) -> BeforeCallback<u8> = |callback| callback;
const _: fn(protocol::value::Map<String, Value>) -> CustomTransactionContext = |custom| custom;
const _: fn((&'static str, String)) -> TraceHeader = |header| header;
const _: fn(Arc<dyn Fn(&TransactionContext) -> f32 + Send + Sync>) -> Arc<TracesSampler> = |sampler| sampler;

const _: fn(protocol::Breadcrumb) -> Breadcrumb = |same| same;
const _: fn(protocol::Envelope) -> Envelope = |same| same;
const _: fn(protocol::Level) -> Level = |same| same;
const _: fn(protocol::User) -> User = |same| same;
const _: fn(types::Uuid) -> Uuid = |same| same;
const _: fn(Map<String, Value>) -> std::collections::BTreeMap<String, Value> = |same| same;

#[test]
fn the_release_is_name_and_version_of_the_crate() {
    let release = sentry::release_name!().expect("cargo builds this");
    assert_eq!(release, concat!(env!("CARGO_PKG_NAME"), "@", env!("CARGO_PKG_VERSION")));
}

#[test]
fn debug_text_begins_with_the_name_of_a_type() {
    let cases = [
        ("ParseIntError { kind: InvalidDigit }", "ParseIntError"),
        ("Custom(5)", "Custom"),
        ("Unit", "Unit"),
    ];
    for (debug, ty) in cases {
        assert_eq!(sentry::parse_type_from_debug(debug), ty);
    }
}
