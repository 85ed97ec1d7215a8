//! Options.

use std::borrow::Cow;
use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use sentry::protocol::{Breadcrumb, Event, Log, Metric, OrganizationId};
use sentry::types::Dsn;
use sentry::{
    BeforeCallback, ClientOptions, EventSamplingStrategy, Integration, MaxRequestBodySize, SessionMode,
    TracesSampler, TracesSamplingStrategy, TransactionContext, Transport, TransportFactory,
};

use crate::root::doubles::{Nothing, Nowhere};

fields!(ClientOptions {
    accept_invalid_certs: bool,
    attach_stacktrace: bool,
    auto_session_tracking: bool,
    before_breadcrumb: Option<BeforeCallback<Breadcrumb>>,
    before_send: Option<BeforeCallback<Event<'static>>>,
    before_send_log: Option<BeforeCallback<Log>>,
    before_send_metric: Option<BeforeCallback<Metric>>,
    debug: bool,
    default_integrations: bool,
    dsn: Option<Dsn>,
    enable_logs: bool,
    enable_metrics: bool,
    environment: Option<Cow<'static, str>>,
    event_sampling_strategy: EventSamplingStrategy,
    http_proxy: Option<Cow<'static, str>>,
    https_proxy: Option<Cow<'static, str>>,
    in_app_exclude: Vec<&'static str>,
    in_app_include: Vec<&'static str>,
    integrations: Vec<Arc<dyn Integration>>,
    max_breadcrumbs: usize,
    max_request_body_size: MaxRequestBodySize,
    org_id: Option<OrganizationId>,
    release: Option<Cow<'static, str>>,
    send_default_pii: bool,
    server_name: Option<Cow<'static, str>>,
    session_mode: SessionMode,
    shutdown_timeout: Duration,
    strict_trace_continuation: bool,
    traces_sampling_strategy: TracesSamplingStrategy,
    transport: Option<Arc<dyn TransportFactory>>,
    transport_channel_capacity: Option<NonZeroUsize>,
    user_agent: Cow<'static, str>,
});
const _: fn(ClientOptions, bool) -> ClientOptions = ClientOptions::accept_invalid_certs;
const _: fn(ClientOptions, bool) -> ClientOptions = ClientOptions::attach_stacktrace;
const _: fn(ClientOptions, bool) -> ClientOptions = ClientOptions::auto_session_tracking;
const _: fn(ClientOptions, bool) -> ClientOptions = ClientOptions::debug;
const _: fn(ClientOptions, bool) -> ClientOptions = ClientOptions::default_integrations;
const _: fn(ClientOptions, &str) -> ClientOptions = ClientOptions::dsn;
const _: fn(ClientOptions, bool) -> ClientOptions = ClientOptions::enable_logs;
const _: fn(ClientOptions, bool) -> ClientOptions = ClientOptions::enable_metrics;
const _: fn(ClientOptions, usize) -> ClientOptions = ClientOptions::max_breadcrumbs;
const _: fn(ClientOptions, MaxRequestBodySize) -> ClientOptions = ClientOptions::max_request_body_size;
const _: fn() -> ClientOptions = ClientOptions::new;
const _: fn(ClientOptions, OrganizationId) -> ClientOptions = ClientOptions::org_id;
const _: fn(ClientOptions, f32) -> ClientOptions = ClientOptions::sample_rate;
const _: fn(ClientOptions, bool) -> ClientOptions = ClientOptions::send_default_pii;
const _: fn(ClientOptions, SessionMode) -> ClientOptions = ClientOptions::session_mode;
const _: fn(ClientOptions, Duration) -> ClientOptions = ClientOptions::shutdown_timeout;
const _: fn(ClientOptions, bool) -> ClientOptions = ClientOptions::strict_trace_continuation;
const _: fn(ClientOptions, f32) -> ClientOptions = ClientOptions::traces_sample_rate;
const _: fn(ClientOptions, usize) -> ClientOptions = ClientOptions::transport_channel_capacity;
const _: fn(ClientOptions, Nothing) -> ClientOptions = ClientOptions::add_integration;
const _: fn(ClientOptions, fn(Breadcrumb) -> Option<Breadcrumb>) -> ClientOptions =
    ClientOptions::before_breadcrumb;
const _: fn(ClientOptions, fn(Event<'static>) -> Option<Event<'static>>) -> ClientOptions =
    ClientOptions::before_send;
const _: fn(ClientOptions, fn(Log) -> Option<Log>) -> ClientOptions = ClientOptions::before_send_log;
const _: fn(ClientOptions, fn(Metric) -> Option<Metric>) -> ClientOptions = ClientOptions::before_send_metric;
const _: fn(ClientOptions, &'static str) -> ClientOptions = ClientOptions::environment;
const _: fn(ClientOptions, String) -> ClientOptions = ClientOptions::environment;
const _: fn(ClientOptions, &'static str) -> ClientOptions = ClientOptions::http_proxy;
const _: fn(ClientOptions, String) -> ClientOptions = ClientOptions::http_proxy;
const _: fn(ClientOptions, &'static str) -> ClientOptions = ClientOptions::https_proxy;
const _: fn(ClientOptions, String) -> ClientOptions = ClientOptions::https_proxy;
const _: fn(ClientOptions, [&'static str; 2]) -> ClientOptions = ClientOptions::in_app_exclude;
const _: fn(ClientOptions, Vec<&'static str>) -> ClientOptions = ClientOptions::in_app_include;
const _: fn(ClientOptions, Vec<Arc<dyn Integration>>) -> ClientOptions = ClientOptions::integrations;
const _: fn(ClientOptions, Option<Cow<'static, str>>) -> ClientOptions = ClientOptions::maybe_release;
const _: fn(ClientOptions, Option<String>) -> ClientOptions = ClientOptions::maybe_release;
const _: fn(ClientOptions, &'static str) -> ClientOptions = ClientOptions::release;
const _: fn(ClientOptions, String) -> ClientOptions = ClientOptions::release;
const _: fn(ClientOptions, &'static str) -> ClientOptions = ClientOptions::server_name;
const _: fn(ClientOptions, String) -> ClientOptions = ClientOptions::server_name;
const _: fn(ClientOptions, fn(&TransactionContext) -> f32) -> ClientOptions = ClientOptions::traces_sampler;
const _: fn(ClientOptions, fn(&ClientOptions) -> Arc<dyn Transport>) -> ClientOptions =
    ClientOptions::transport;
const _: fn(ClientOptions, Arc<Nowhere>) -> ClientOptions = ClientOptions::transport;
const _: fn(ClientOptions, &'static str) -> ClientOptions = ClientOptions::user_agent;
const _: fn(ClientOptions, String) -> ClientOptions = ClientOptions::user_agent;
implements!(ClientOptions: Clone + Debug + Default + Send + Sync + From<()> + From<&'static str> + From<String> + From<Dsn> +
    From<Option<&'static str>> + From<((), ClientOptions)> + From<(&'static str, ClientOptions)> +
    From<(String, ClientOptions)> + From<(Option<String>, ClientOptions)> + From<(Option<Dsn>, ClientOptions)>);

const _: fn(f32) -> EventSamplingStrategy = EventSamplingStrategy::FixedRate;
implements!(EventSamplingStrategy: Clone + Debug + Default);

const _: fn(TracesSamplingStrategy) = |value| match value {
    TracesSamplingStrategy::Disabled
    | TracesSamplingStrategy::FixedRate(_)
    | TracesSamplingStrategy::Function(_) => {}
    _ => {}
};
const _: fn(f32) -> TracesSamplingStrategy = TracesSamplingStrategy::FixedRate;
const _: fn(Arc<TracesSampler>) -> TracesSamplingStrategy = TracesSamplingStrategy::Function;
implements!(TracesSamplingStrategy: Clone + Debug + Default);

const _: fn(MaxRequestBodySize) = |value| match value {
    MaxRequestBodySize::Always
    | MaxRequestBodySize::Medium
    | MaxRequestBodySize::None
    | MaxRequestBodySize::Small
    | MaxRequestBodySize::Explicit(_) => {}
};
const _: fn(usize) -> MaxRequestBodySize = MaxRequestBodySize::Explicit;
const _: fn(&MaxRequestBodySize, usize) -> bool = MaxRequestBodySize::is_within_size_limit;
implements!(MaxRequestBodySize: Copy + PartialEq);

const _: fn(SessionMode) = |value| match value {
    SessionMode::Application | SessionMode::Request => {}
};
implements!(SessionMode: Copy + Debug + Eq);
