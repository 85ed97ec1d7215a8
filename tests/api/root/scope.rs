//! Scopes.

use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};

use sentry::protocol::{Attachment, Context, Event, Level, Log, OsContext, Transaction, User, Value};
use sentry::{Scope, ScopeGuard, TraceHeader, TransactionOrSpan};

const _: fn(&mut Scope, Attachment) = Scope::add_attachment;
const _: fn(&Scope, Event<'static>) -> Option<Event<'static>> = Scope::apply_to_event;
const _: fn(&Scope, &mut Log) = Scope::apply_to_log;
const _: fn(&Scope, &mut Transaction<'static>) = Scope::apply_to_transaction;
const _: fn(&mut Scope) = Scope::clear;
const _: fn(&mut Scope) = Scope::clear_attachments;
const _: fn(&mut Scope) = Scope::clear_breadcrumbs;
const _: fn(&Scope) -> Option<TransactionOrSpan> = Scope::get_span;
const _: fn(&mut Scope, &str) = Scope::remove_context;
const _: fn(&mut Scope, &str) = Scope::remove_extra;
const _: fn(&mut Scope, &str) = Scope::remove_tag;
const _: fn(&mut Scope, &str, Value) = Scope::set_extra;
const _: fn(&mut Scope, Option<&[&str]>) = Scope::set_fingerprint;
const _: fn(&mut Scope, Option<Level>) = Scope::set_level;
const _: fn(&mut Scope, Option<TransactionOrSpan>) = Scope::set_span;
const _: fn(&mut Scope, Option<&str>) = Scope::set_transaction;
const _: fn(&mut Scope, Option<User>) = Scope::set_user;
const _: fn(&Scope) -> Option<&User> = Scope::user;
const _: fn(&mut Scope, fn(Event<'static>) -> Option<Event<'static>>) = Scope::add_event_processor;
const _: fn(&Scope) -> Vec<TraceHeader> = |scope| Scope::iter_trace_propagation_headers(scope).collect();
const _: fn(&mut Scope, &str, Context) = Scope::set_context;
const _: fn(&mut Scope, &str, OsContext) = Scope::set_context;
const _: fn(&mut Scope, &str, u16) = Scope::set_tag;
const _: fn(&mut Scope, &str, &'static str) = Scope::set_tag;
implements!(Scope: Clone + Debug + Default + RefUnwindSafe + Send + Sync + UnwindSafe);

implements!(ScopeGuard: Debug + Default);
