//! A setter for every field.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::client_report::Dropped;
use crate::integration::Integration;
use crate::last_run::CrashedRun;
use crate::options::{
    CacheOptions, ClientOptions, Consent, EventSamplingStrategy, FloodControl, HttpOptions,
    MaxRequestBodySize, SessionMode, Spotlight, TracesSamplingStrategy,
};
use crate::outbound::Finish;
use crate::protocol::{Breadcrumb, Event, Level, Log, Metric, MonitorCheckIn, OrganizationId, Transaction};
use crate::stacktrace::StackSource;
use crate::trace::TransactionContext;
use crate::transport::TransportFactory;
use crate::types::Dsn;

impl ClientOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets where to send to. Empty text switches the client off.
    ///
    /// # Panics
    /// When `dsn` is not a valid DSN. [`try_from_dsn`](Self::try_from_dsn) returns an error instead.
    #[expect(clippy::panic, reason = "documented: a DSN written in code is either right or a bug")]
    pub fn dsn(self, dsn: &str) -> Self {
        match self.try_with_dsn(dsn) {
            Ok(options) => options,
            Err(error) => panic!("invalid value for DSN: {error}"),
        }
    }

    /// Sets whether the SDK prints diagnostics to standard error.
    pub fn debug(self, debug: bool) -> Self {
        Self { debug, ..self }
    }

    /// Sets from which level on diagnostics are printed where `debug` is on: `Level::Warning` leaves out what is merely
    /// interesting. The hook of [`diagnostics`](crate::diagnostics) hears of every warning all the same.
    pub fn debug_level(self, debug_level: Level) -> Self {
        Self { debug_level, ..self }
    }

    /// Sets the version of the application.
    pub fn release<T: Into<Cow<'static, str>>>(self, release: T) -> Self {
        Self { release: Some(release.into()), ..self }
    }

    /// Sets the version of the application, or that none is known. Made for `release_name!()`.
    pub fn maybe_release<T: Into<Cow<'static, str>>>(self, release: Option<T>) -> Self {
        Self { release: release.map(Into::into), ..self }
    }

    /// Sets the build of the version.
    pub fn dist<T: Into<Cow<'static, str>>>(self, dist: T) -> Self {
        Self { dist: Some(dist.into()), ..self }
    }

    /// Sets where the application runs.
    pub fn environment<T: Into<Cow<'static, str>>>(self, environment: T) -> Self {
        Self { environment: Some(environment.into()), ..self }
    }

    /// Sets the probability with which an event is kept, 0.0 to 1.0. Checked by [`validate`](Self::validate).
    pub fn sample_rate(self, rate: f32) -> Self {
        Self { event_sampling_strategy: EventSamplingStrategy::FixedRate(rate), sample_rate: rate, ..self }
    }

    /// Sets the probability with which a transaction is kept, 0.0 to 1.0. Checked by [`validate`](Self::validate).
    ///
    /// An explicit 0.0 is a decision: other services are told not to record their part of the trace. Replaces a
    /// sampler set before.
    pub fn traces_sample_rate(self, rate: f32) -> Self {
        Self {
            traces_sampling_strategy: TracesSamplingStrategy::FixedRate(rate),
            traces_sample_rate: rate,
            traces_sampler: None,
            ..self
        }
    }

    /// Sets a function that decides with which probability a transaction is kept. Replaces a rate set before.
    pub fn traces_sampler<F>(self, sampler: F) -> Self
    where
        F: Fn(&TransactionContext) -> f32 + Send + Sync + 'static,
    {
        let sampler: Arc<super::TracesSampler> = Arc::new(sampler);
        Self {
            traces_sampling_strategy: TracesSamplingStrategy::Function(Arc::clone(&sampler)),
            traces_sample_rate: 0.0,
            traces_sampler: Some(sampler),
            ..self
        }
    }

    /// Sets the organization, where the host of the DSN does not tell.
    pub fn org_id(self, org_id: OrganizationId) -> Self {
        Self { org_id: Some(org_id), ..self }
    }

    /// Sets whether only traces that come from the same organization for sure are continued.
    pub fn strict_trace_continuation(self, strict_trace_continuation: bool) -> Self {
        Self { strict_trace_continuation, ..self }
    }

    /// Sets how many breadcrumbs a scope keeps at most.
    pub fn max_breadcrumbs(self, max_breadcrumbs: usize) -> Self {
        Self { max_breadcrumbs, ..self }
    }

    /// Sets how many characters of a text are sent at most.
    pub fn max_value_length(self, max_value_length: usize) -> Self {
        Self { max_value_length: Some(max_value_length), ..self }
    }

    /// Sets how many bytes an attachment may have.
    pub fn max_attachment_size(self, max_attachment_size: usize) -> Self {
        Self { max_attachment_size, ..self }
    }

    /// Sets whether events without a stack trace get one.
    pub fn attach_stacktrace(self, attach_stacktrace: bool) -> Self {
        Self { attach_stacktrace, ..self }
    }

    /// Sets whether lines of source code around frames are sent, where the files are there.
    pub fn include_source_context(self, include_source_context: bool) -> Self {
        Self { include_source_context, ..self }
    }

    /// Sets whether data that may identify a person is sent.
    pub fn send_default_pii(self, send_default_pii: bool) -> Self {
        Self { send_default_pii, ..self }
    }

    /// Sets the name of the machine.
    pub fn server_name<T: Into<Cow<'static, str>>>(self, server_name: T) -> Self {
        Self { server_name: Some(server_name.into()), ..self }
    }

    /// Sets the prefixes of modules that belong to the application.
    pub fn in_app_include<I: IntoIterator<Item = &'static str>>(self, prefixes: I) -> Self {
        Self { in_app_include: prefixes.into_iter().collect(), ..self }
    }

    /// Sets the prefixes of modules that do not belong to the application.
    pub fn in_app_exclude<I: IntoIterator<Item = &'static str>>(self, prefixes: I) -> Self {
        Self { in_app_exclude: prefixes.into_iter().collect(), ..self }
    }

    /// Sets the integrations and forgets those that were set before.
    pub fn integrations<I: IntoIterator<Item = Arc<dyn Integration>>>(self, integrations: I) -> Self {
        Self { integrations: integrations.into_iter().collect(), ..self }
    }

    /// Adds an integration.
    pub fn add_integration<I: Integration>(mut self, integration: I) -> Self {
        self.integrations.push(Arc::new(integration));
        self
    }

    /// Sets whether the default integrations are added.
    pub fn default_integrations(self, default_integrations: bool) -> Self {
        Self { default_integrations, ..self }
    }

    /// Sets a function that changes or drops events.
    pub fn before_send<F>(self, f: F) -> Self
    where
        F: Fn(Event<'static>) -> Option<Event<'static>> + Send + Sync + 'static,
    {
        Self { before_send: Some(Arc::new(f)), ..self }
    }

    /// Lets fields of these names that logging libraries write become tags of the event.
    ///
    /// They are looked for in its custom contexts, which is where the integrations put them: as they are, or behind the name
    /// of a span (`checkout:order.id`). A tag that an event has stays.
    ///
    /// ```
    /// use sentry_core::protocol::{Context, Event};
    /// use sentry_core::{ClientOptions, test::with_captured_events_options};
    ///
    /// let fields = [("tenant".to_owned(), "acme".into())].into();
    /// let event = Event {
    ///     contexts: [("Rust Tracing Fields".to_owned(), Context::Other(fields))].into(),
    ///     ..Event::default()
    /// };
    /// let capture = || _ = sentry_core::capture_event(event);
    /// let events = with_captured_events_options(capture, ClientOptions::new().context_tags(["tenant"]));
    /// assert_eq!(events[0].tags["tenant"], "acme");
    /// ```
    pub fn context_tags<T: Into<Cow<'static, str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.context_tags.extend(names.into_iter().map(Into::into));
        self
    }

    /// Sets a function that changes or drops transactions.
    pub fn before_send_transaction<F>(self, f: F) -> Self
    where
        F: Fn(Transaction<'static>) -> Option<Transaction<'static>> + Send + Sync + 'static,
    {
        Self { before_send_transaction: Some(Arc::new(f)), ..self }
    }

    /// Sets a function that changes or drops breadcrumbs.
    pub fn before_breadcrumb<F>(self, f: F) -> Self
    where
        F: Fn(Breadcrumb) -> Option<Breadcrumb> + Send + Sync + 'static,
    {
        Self { before_breadcrumb: Some(Arc::new(f)), ..self }
    }

    /// Sets a function that changes or drops logs.
    pub fn before_send_log<F>(self, f: F) -> Self
    where
        F: Fn(Log) -> Option<Log> + Send + Sync + 'static,
    {
        Self { before_send_log: Some(Arc::new(f)), ..self }
    }

    /// Sets a function that changes or drops metrics.
    pub fn before_send_metric<F>(self, f: F) -> Self
    where
        F: Fn(Metric) -> Option<Metric> + Send + Sync + 'static,
    {
        Self { before_send_metric: Some(Arc::new(f)), ..self }
    }

    /// Sets a function that changes or drops check-ins.
    pub fn before_send_check_in<F>(self, f: F) -> Self
    where
        F: Fn(MonitorCheckIn) -> Option<MonitorCheckIn> + Send + Sync + 'static,
    {
        Self { before_send_check_in: Some(Arc::new(f)), ..self }
    }

    /// Sets a function that changes or drops what users have to say: events with a feedback context.
    pub fn before_send_feedback<F>(self, f: F) -> Self
    where
        F: Fn(Event<'static>) -> Option<Event<'static>> + Send + Sync + 'static,
    {
        Self { before_send_feedback: Some(Arc::new(f)), ..self }
    }

    /// Sets what makes the way out.
    pub fn transport<T: TransportFactory + 'static>(self, transport: T) -> Self {
        Self { transport: Some(Arc::new(transport)), ..self }
    }

    /// Sets the proxy for servers reached by `http`.
    pub fn http_proxy<T: Into<Cow<'static, str>>>(self, http_proxy: T) -> Self {
        Self { http_proxy: Some(http_proxy.into()), ..self }
    }

    /// Sets the proxy for servers reached by `https`.
    pub fn https_proxy<T: Into<Cow<'static, str>>>(self, https_proxy: T) -> Self {
        Self { https_proxy: Some(https_proxy.into()), ..self }
    }

    /// Sets how long dropping the guard or closing the client may take.
    pub fn shutdown_timeout(self, shutdown_timeout: Duration) -> Self {
        Self { shutdown_timeout, ..self }
    }

    /// Sets the largest request body that is captured.
    pub fn max_request_body_size(self, max_request_body_size: MaxRequestBodySize) -> Self {
        Self { max_request_body_size, ..self }
    }

    /// Sets how many events the queue holds at most; 0 counts as 1.
    pub fn transport_channel_capacity(self, capacity: usize) -> Self {
        let capacity = NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN);
        Self { transport_channel_capacity: Some(capacity), ..self }
    }

    /// Sets whether the integrations of logging crates send structured logs.
    pub fn enable_logs(self, enable_logs: bool) -> Self {
        Self { enable_logs, ..self }
    }

    /// Sets whether metrics are sent.
    pub fn enable_metrics(self, enable_metrics: bool) -> Self {
        Self { enable_metrics, ..self }
    }

    /// Sets whether any TLS certificate is accepted.
    pub fn accept_invalid_certs(self, accept_invalid_certs: bool) -> Self {
        Self { accept_invalid_certs, ..self }
    }

    /// Sets whether a session starts with the client.
    pub fn auto_session_tracking(self, auto_session_tracking: bool) -> Self {
        Self { auto_session_tracking, ..self }
    }

    /// Sets what a session is.
    pub fn session_mode(self, session_mode: SessionMode) -> Self {
        Self { session_mode, ..self }
    }

    /// Sets the name of the SDK in requests.
    pub fn user_agent<T: Into<Cow<'static, str>>>(self, user_agent: T) -> Self {
        Self { user_agent: user_agent.into(), ..self }
    }

    /// Sets whether the server is told what was dropped, and why.
    pub fn send_client_reports(self, send_client_reports: bool) -> Self {
        Self { send_client_reports, ..self }
    }

    /// Sets a function that is told of every loss, right when it happens.
    ///
    /// ```
    /// use sentry_core::ClientOptions;
    /// use sentry_core::client_report::Dropped;
    ///
    /// let options = ClientOptions::new().on_drop(|dropped: &Dropped| {
    ///     eprintln!("lost {} {}: {}", dropped.quantity, dropped.category.as_str(), dropped.reason.as_str());
    /// });
    /// assert!(options.on_drop.is_some());
    /// ```
    pub fn on_drop<F>(self, f: F) -> Self
    where
        F: Fn(&Dropped) + Send + Sync + 'static,
    {
        Self { on_drop: Some(Arc::new(f)), ..self }
    }

    /// Sets a function that is told at `init` that the previous run of the program ended by a crash.
    ///
    /// For that there must be a [`cache_dir`](Self::cache_dir). It is called once for a crash, on the thread that calls `init`,
    /// when the client is in force: it may capture. Whether the event of the crash was delivered meanwhile does not matter.
    ///
    /// ```
    /// use sentry_core::ClientOptions;
    ///
    /// let options = ClientOptions::new().cache_dir("state/sentry").on_crashed_last_run(|run| {
    ///     eprintln!("crashed at {:?}, reported as {}", run.time, run.event_id);
    /// });
    /// assert!(options.on_crashed_last_run.is_some());
    /// ```
    pub fn on_crashed_last_run<F>(self, f: F) -> Self
    where
        F: Fn(&CrashedRun) + Send + Sync + 'static,
    {
        Self { on_crashed_last_run: Some(Arc::new(f)), ..self }
    }

    /// Sets how requests reach the server.
    pub fn http(self, http: HttpOptions) -> Self {
        Self { http, ..self }
    }

    /// Adds a server that gets a copy of everything.
    pub fn also_send_to(mut self, dsn: Dsn) -> Self {
        self.also_send_to.push(dsn);
        self
    }

    /// Sets whether a copy of everything goes to Spotlight: a `bool`, or its address.
    pub fn spotlight<T: Into<Spotlight>>(self, spotlight: T) -> Self {
        Self { spotlight: spotlight.into(), ..self }
    }

    /// Sets the directory in which items outlive the process and a dead network.
    ///
    /// It is made if it is missing, for this user only. Several processes may share it.
    pub fn cache_dir<T: Into<std::path::PathBuf>>(mut self, dir: T) -> Self {
        self.cache.dir = Some(dir.into());
        self
    }

    /// Sets directory, policy and limits of the cache.
    pub fn cache(self, cache: CacheOptions) -> Self {
        Self { cache, ..self }
    }

    /// Sets whether the user of the application has to agree before anything is sent.
    ///
    /// With [`Consent::Required`] everything that is captured is held back until somebody calls
    /// [`give_consent`](crate::give_consent): events, sessions, what the SDK reports about itself, and copies for Spotlight, whose
    /// address may be another machine. What is held lies in the [`cache_dir`](Self::cache_dir), or else in memory, within the
    /// usual bounds. [`revoke_consent`](crate::revoke_consent) works with either setting, and removes what is held. What the
    /// user has said is remembered in the cache directory, for all projects that share it.
    ///
    /// While something is held, a flush waits only until it is on disk; without a cache directory it returns `false` at once.
    /// What a close finds in memory goes to disk too, or is counted as lost.
    ///
    /// A [`Transport`](crate::Transport) of the application's own may not know how to hold anything back: then whatever is
    /// captured before the user has decided is discarded, counted, and told once.
    ///
    /// ```
    /// use sentry_core::ClientOptions;
    /// use sentry_core::options::Consent;
    ///
    /// let options = ClientOptions::new().cache_dir("state/sentry").consent(Consent::Required);
    /// assert_eq!(options.consent, Consent::Required);
    /// ```
    pub fn consent(self, consent: Consent) -> Self {
        Self { consent, ..self }
    }

    /// Sets the limits on identical errors and on errors altogether.
    pub fn flood_control(self, flood_control: FloodControl) -> Self {
        Self { flood_control, ..self }
    }

    /// Sets whether fewer traces are sampled while the queue cannot keep up.
    pub fn enable_backpressure_handling(self, enable_backpressure_handling: bool) -> Self {
        Self { enable_backpressure_handling, ..self }
    }

    /// Sets whether a wait at the end of the program is announced on standard error.
    pub fn announce_shutdown(self, announce_shutdown: bool) -> Self {
        Self { announce_shutdown, ..self }
    }

    /// Sets what captures and resolves stacks.
    pub fn stack_source<T: StackSource + 'static>(self, stack_source: T) -> Self {
        Self { stack_source: Some(Arc::new(stack_source)), ..self }
    }

    /// Sets what scrubs and trims items that are about to be sent.
    pub fn finish<T: Finish + 'static>(self, finish: T) -> Self {
        Self { finish: Some(Arc::new(finish)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Named;

    impl Integration for Named {
        fn name(&self) -> &'static str {
            "named"
        }
    }

    #[test]
    fn setters_never_panic_and_store_what_they_get() {
        let options =
            ClientOptions::new().sample_rate(7.0).traces_sample_rate(f32::NAN).transport_channel_capacity(0);
        assert_eq!(options.sample_rate, 7.0);
        assert!(options.traces_sample_rate.is_nan());
        assert_eq!(options.transport_channel_capacity, Some(NonZeroUsize::MIN));
    }

    #[test]
    fn integrations_are_replaced_or_added() {
        let options = ClientOptions::new().add_integration(Named).add_integration(Named);
        assert_eq!(options.integrations.len(), 2);
        let options = options.integrations([Arc::new(Named) as Arc<dyn Integration>]);
        assert_eq!(options.integrations.iter().map(|one| one.name()).collect::<Vec<_>>(), ["named"]);
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let options = ClientOptions::new();
        assert_eq!(options.max_breadcrumbs, 100);
        assert_eq!(options.shutdown_timeout, Duration::from_secs(2));
        assert_eq!(options.user_agent, concat!("sentry.rust/", env!("CARGO_PKG_VERSION")));
        assert!(options.default_integrations && options.enable_logs && options.enable_metrics);
        assert!(options.send_client_reports);
        assert!(!options.send_default_pii && !options.accept_invalid_certs && !options.debug);
        assert!(options.maybe_release(None::<String>).maybe_release(Some("a@1")).release.is_some());
    }
}
