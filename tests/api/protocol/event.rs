//! Events.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;
use std::time::SystemTime;

use sentry::protocol::client_report::LossSource;
use sentry::protocol::{
    Breadcrumb, ClientSdkInfo, Context, DebugMeta, Event, Exception, Level, LogEntry, Map, ParseLevelError,
    Request, Stacktrace, TemplateInfo, Thread, User, Uuid, Value, Values,
};

fields!(Event<'static> {
    breadcrumbs: Values<Breadcrumb>,
    contexts: Map<String, Context>,
    culprit: Option<String>,
    debug_meta: Cow<'static, DebugMeta>,
    dist: Option<Cow<'static, str>>,
    environment: Option<Cow<'static, str>>,
    event_id: Uuid,
    exception: Values<Exception>,
    extra: Map<String, Value>,
    fingerprint: Cow<'static, [Cow<'static, str>]>,
    level: Level,
    logentry: Option<LogEntry>,
    logger: Option<String>,
    message: Option<String>,
    modules: Map<String, String>,
    platform: Cow<'static, str>,
    release: Option<Cow<'static, str>>,
    request: Option<Request>,
    sdk: Option<Cow<'static, ClientSdkInfo>>,
    server_name: Option<Cow<'static, str>>,
    stacktrace: Option<Stacktrace>,
    tags: Map<String, String>,
    template: Option<TemplateInfo>,
    threads: Values<Thread>,
    timestamp: SystemTime,
    transaction: Option<String>,
    user: Option<User>,
});
const _: fn(Event<'static>) -> Event<'static> = Event::into_owned;
const _: fn() -> Event<'static> = Event::new;
implements!(Event<'static>: Clone + Debug + Default + Display + LossSource + PartialEq);
wire!(Event<'static>);

const _: fn(Level) = |value| match value {
    Level::Debug | Level::Error | Level::Fatal | Level::Info | Level::Warning => {}
};
const _: fn(&Level) -> bool = Level::is_debug;
const _: fn(&Level) -> bool = Level::is_error;
const _: fn(&Level) -> bool = Level::is_fatal;
const _: fn(&Level) -> bool = Level::is_info;
const _: fn(&Level) -> bool = Level::is_warning;
implements!(Level: Copy + Debug + Default + Display + FromStr + Hash + Ord);
wire!(Level);

implements!(ParseLevelError: Debug + Display + Error);

fields!(LogEntry {
    message: String,
    params: Vec<Value>,
});
implements!(LogEntry: Clone + Debug + Default + PartialEq);
wire!(LogEntry);

fields!(TemplateInfo {
    abs_path: Option<String>,
    colno: Option<u64>,
    context_line: Option<String>,
    filename: Option<String>,
    lineno: Option<u64>,
    post_context: Vec<String>,
    pre_context: Vec<String>,
});
implements!(TemplateInfo: Clone + Debug + Default + PartialEq);
wire!(TemplateInfo);
