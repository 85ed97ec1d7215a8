//! The fields and their defaults.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::client_report::{OnDrop, Recorder};
use crate::consent::ConsentGate;
use crate::integration::Integration;
use crate::last_run::OnCrashedLastRun;
use crate::options::{
    BeforeSendSpan, BeforeSendWithHint, CacheOptions, Consent, DataCollection, ErrorPattern, ErrorSampler,
    EventSamplingStrategy, FloodControl, HttpOptions, MaxRequestBodySize, PropagationTarget, ScrubOptions,
    SessionMode, SpanPattern, Spotlight, TraceLifecycle, TracesSampler, TracesSamplingStrategy,
};
use crate::outbound::Finish;
use crate::protocol::{Breadcrumb, Event, Level, Log, Metric, MonitorCheckIn, OrganizationId, Transaction};
use crate::stacktrace::StackSource;
use crate::transport::TransportFactory;
use crate::types::Dsn;

/// A function that changes or drops (`None`) what is about to be sent.
pub type BeforeCallback<T> = Arc<dyn Fn(T) -> Option<T> + Send + Sync>;

/// Everything a client can be told.
///
/// Fill in the fields or use the setters of the same names; the setters are the form that documentation uses:
///
/// ```
/// use sentry_core::ClientOptions;
///
/// let options = ClientOptions::new()
///     .dsn("https://key@sentry.example.com/42")
///     .release("shop@1.2.0")
///     .traces_sample_rate(0.2)
///     .before_send(|mut event| {
///         event.server_name = None;
///         Some(event)
///     });
/// assert!(options.validate().is_ok());
/// ```
// Not `#[non_exhaustive]`: years of published code fill it in with `..Default::default()`.
#[derive(Clone)]
#[must_use]
pub struct ClientOptions {
    /// Where to send to. Without it the client is switched off.
    pub dsn: Option<Dsn>,
    /// Print diagnostics of the SDK to standard error.
    pub debug: bool,
    /// From which level on they are printed.
    pub debug_level: Level,
    /// The version of the application, best as `name@version`.
    pub release: Option<Cow<'static, str>>,
    /// The build of that version.
    pub dist: Option<Cow<'static, str>>,
    /// Where the application runs: `production`, `staging`, …
    pub environment: Option<Cow<'static, str>>,
    /// How events are sampled. Wins over `sample_rate` unless it is the default.
    pub event_sampling_strategy: EventSamplingStrategy,
    /// The probability with which an event is kept, 0.0 to 1.0. The older form of `event_sampling_strategy`.
    pub sample_rate: f32,
    /// How transactions are sampled. Wins over `traces_sampler` and `traces_sample_rate` unless it is the default.
    pub traces_sampling_strategy: TracesSamplingStrategy,
    /// The probability with which a transaction is kept; 0.0 means unset. The older form of
    /// `traces_sampling_strategy`.
    pub traces_sample_rate: f32,
    /// Decides on transactions one by one, before `traces_sample_rate`. The older form of
    /// `traces_sampling_strategy`.
    pub traces_sampler: Option<Arc<TracesSampler>>,
    /// The organization, where the host of the DSN does not tell.
    pub org_id: Option<OrganizationId>,
    /// Continue only traces that come from the same organization for sure.
    pub strict_trace_continuation: bool,
    /// How many breadcrumbs a scope keeps at most.
    pub max_breadcrumbs: usize,
    /// How many characters of a text are sent at most, where that is less than servers keep of it anyway.
    pub max_value_length: Option<usize>,
    /// How many bytes an attachment may have; a larger one is dropped and counted. However many are allowed, a file is read
    /// while it is sent and takes no memory; what one server takes is its own limit.
    pub max_attachment_size: usize,
    /// Attach a stack trace to events that have none.
    pub attach_stacktrace: bool,
    /// Send lines of source code around frames whose files lie where the compiler found them. On in debug builds.
    pub include_source_context: bool,
    /// Send data that may identify a person, such as addresses, cookies and request bodies.
    pub send_default_pii: bool,
    /// What integrations may write down of their own accord. Wins over `send_default_pii`.
    pub data_collection: Option<DataCollection>,
    /// What is taken out before anything leaves.
    pub scrub: ScrubOptions,
    /// The name of the machine.
    pub server_name: Option<Cow<'static, str>>,
    /// Prefixes of modules that belong to the application.
    pub in_app_include: Vec<&'static str>,
    /// Prefixes of modules that do not belong to the application.
    pub in_app_exclude: Vec<&'static str>,
    /// The integrations, in the order in which they run.
    pub integrations: Vec<Arc<dyn Integration>>,
    /// Add the default integrations.
    pub default_integrations: bool,
    /// Changes or drops events. Runs on the capturing thread; a panic in it drops the event.
    pub before_send: Option<BeforeCallback<Event<'static>>>,
    /// The same with the error in hand, after `before_send`.
    pub before_send_with_hint: Option<BeforeSendWithHint>,
    /// Errors that are dropped.
    pub ignore_errors: Vec<ErrorPattern>,
    /// Decides on events one by one, before `sample_rate`.
    pub error_sampler: Option<ErrorSampler>,
    /// Fields of logging libraries that become tags of events.
    pub context_tags: Vec<Cow<'static, str>>,
    /// Changes or drops transactions. Runs on the thread that finishes them; a panic in it drops the transaction.
    pub before_send_transaction: Option<BeforeCallback<Transaction<'static>>>,
    /// Changes or drops breadcrumbs. A panic in it drops the breadcrumb.
    pub before_breadcrumb: Option<BeforeCallback<Breadcrumb>>,
    /// Changes or drops logs. A panic in it drops the log.
    pub before_send_log: Option<BeforeCallback<Log>>,
    /// Changes or drops metrics. A panic in it drops the metric.
    pub before_send_metric: Option<BeforeCallback<Metric>>,
    /// Changes or drops check-ins. A panic in it drops the check-in.
    pub before_send_check_in: Option<BeforeCallback<MonitorCheckIn>>,
    /// Changes or drops what users have to say: events with a feedback context. A panic in it drops the feedback.
    pub before_send_feedback: Option<BeforeCallback<Event<'static>>>,
    /// Changes spans that are about to be sent. A panic in it leaves the span as it was.
    pub before_send_span: Option<BeforeSendSpan>,
    /// When the spans of a trace are sent.
    pub trace_lifecycle: TraceLifecycle,
    /// Transactions whose name contains one of these are dropped.
    pub ignore_transactions: Vec<Cow<'static, str>>,
    /// Spans of which one of these is true are left out.
    pub ignore_spans: Vec<SpanPattern>,
    /// Transactions that answered with one of these HTTP status codes are dropped.
    pub trace_ignore_status_codes: Vec<RangeInclusive<u16>>,
    /// Requests to other services that carry the trace. Unset: all.
    pub trace_propagation_targets: Option<Vec<PropagationTarget>>,
    /// Let them carry `traceparent` as well.
    pub propagate_traceparent: bool,
    /// Let integrations make transactions of requests with the method OPTIONS.
    pub trace_options_requests: bool,
    /// Tell where in the code slow queries come from.
    pub enable_db_query_source: bool,
    /// Tell where in the code slow requests to others come from.
    pub enable_http_request_source: bool,
    /// Makes the way out.
    pub transport: Option<Arc<dyn TransportFactory>>,
    /// The proxy for servers reached by `http`.
    pub http_proxy: Option<Cow<'static, str>>,
    /// The proxy for servers reached by `https`.
    pub https_proxy: Option<Cow<'static, str>>,
    /// How long dropping the guard or closing the client may take.
    pub shutdown_timeout: Duration,
    /// The largest request body that is captured.
    pub max_request_body_size: MaxRequestBodySize,
    /// How many events the queue holds at most; `None` leaves only its bound in bytes.
    pub transport_channel_capacity: Option<NonZeroUsize>,
    /// Let the integrations of logging crates send structured logs. Superseded by the filters of these integrations.
    pub enable_logs: bool,
    /// Let metrics be sent. Superseded by not capturing any.
    pub enable_metrics: bool,
    /// Accept any TLS certificate. Whoever can reach the connection can then read and change it.
    pub accept_invalid_certs: bool,
    /// Start a session with the client and end it with the guard.
    pub auto_session_tracking: bool,
    /// What a session is.
    pub session_mode: SessionMode,
    /// The name of the SDK in requests.
    pub user_agent: Cow<'static, str>,
    /// Tell the server what was dropped, and why.
    pub send_client_reports: bool,
    /// Where that is counted. Shared by all clones of these options.
    pub client_report_recorder: Recorder,
    /// Is told of every loss, right when it happens and on the thread where it happens, the SDK's own included.
    ///
    /// It should not block. A panic in it ends there, captures in it lead nowhere, and what is lost in it is counted
    /// without being told.
    pub on_drop: Option<OnDrop>,
    /// Is told at `init` that the previous run with this DSN on this cache directory ended by a crash, on the thread that calls
    /// `init`.
    pub on_crashed_last_run: Option<OnCrashedLastRun>,
    /// How requests reach the server.
    pub http: HttpOptions,
    /// Where copies of everything go besides `dsn`. Each has its own queue and rate limits.
    pub also_send_to: Vec<Dsn>,
    /// Whether a copy of everything goes to Spotlight on the developer's machine.
    pub spotlight: Spotlight,
    /// What is kept on disk until it is delivered.
    pub cache: CacheOptions,
    /// Whether the user of the application has to agree before anything is sent.
    pub consent: Consent,
    /// What the user has said. Made anew with each client, for its transports to obey; what is put here is not used.
    pub consent_gate: ConsentGate,
    /// Limits on identical errors and on errors altogether.
    pub flood_control: FloodControl,
    /// Sample fewer traces while the queue cannot keep up or the server limits the rate.
    pub enable_backpressure_handling: bool,
    /// Say on standard error when the end of the program is about to wait for what is pending.
    pub announce_shutdown: bool,
    /// Captures and resolves stacks.
    pub stack_source: Option<Arc<dyn StackSource>>,
    /// Scrubs and trims what is about to be sent.
    pub finish: Option<Arc<dyn Finish>>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            dsn: None,
            debug: false,
            debug_level: Level::Debug,
            release: None,
            dist: None,
            environment: None,
            event_sampling_strategy: EventSamplingStrategy::default(),
            sample_rate: 1.0,
            traces_sampling_strategy: TracesSamplingStrategy::default(),
            traces_sample_rate: 0.0,
            traces_sampler: None,
            org_id: None,
            strict_trace_continuation: false,
            max_breadcrumbs: 100,
            max_value_length: None,
            max_attachment_size: 20 * 1024 * 1024,
            attach_stacktrace: false,
            include_source_context: cfg!(debug_assertions),
            send_default_pii: false,
            data_collection: None,
            scrub: ScrubOptions::default(),
            server_name: None,
            in_app_include: Vec::new(),
            in_app_exclude: Vec::new(),
            integrations: Vec::new(),
            default_integrations: true,
            before_send: None,
            before_send_with_hint: None,
            ignore_errors: Vec::new(),
            error_sampler: None,
            context_tags: Vec::new(),
            before_send_transaction: None,
            before_breadcrumb: None,
            before_send_log: None,
            before_send_metric: None,
            before_send_span: None,
            trace_lifecycle: TraceLifecycle::Static,
            ignore_transactions: Vec::new(),
            ignore_spans: Vec::new(),
            trace_ignore_status_codes: Vec::new(),
            trace_propagation_targets: None,
            propagate_traceparent: false,
            trace_options_requests: false,
            enable_db_query_source: true,
            enable_http_request_source: true,
            before_send_check_in: None,
            before_send_feedback: None,
            transport: None,
            http_proxy: None,
            https_proxy: None,
            shutdown_timeout: Duration::from_secs(2),
            max_request_body_size: MaxRequestBodySize::Medium,
            transport_channel_capacity: None,
            enable_logs: true,
            enable_metrics: true,
            accept_invalid_certs: false,
            auto_session_tracking: false,
            session_mode: SessionMode::Application,
            user_agent: Cow::Borrowed(concat!("sentry.rust/", env!("CARGO_PKG_VERSION"))),
            send_client_reports: true,
            client_report_recorder: Recorder::default(),
            on_drop: None,
            on_crashed_last_run: None,
            http: HttpOptions::default(),
            also_send_to: Vec::new(),
            spotlight: Spotlight::Unset,
            cache: CacheOptions::default(),
            consent: Consent::NotNeeded,
            consent_gate: ConsentGate::default(),
            flood_control: FloodControl::default(),
            enable_backpressure_handling: true,
            announce_shutdown: false,
            stack_source: None,
            finish: None,
        }
    }
}
