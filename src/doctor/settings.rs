//! What the options alone tell.

use sentry_core::client_report::Stats;
use sentry_core::options::{EnvOptions, TracesSamplingStrategy};
use sentry_core::{ClientOptions, ConsentState, OptionsError};

use super::report::Row;

const NO_DSN: &str = "set SENTRY_DSN, or `ClientOptions::dsn`, to the DSN from the settings of the project";

/// One row for each question.
pub(super) fn all(options: &ClientOptions) -> Vec<Row> {
    let environment = EnvOptions::from_process();
    let mut rows = vec![
        dsn(options, &environment),
        variables(&environment),
        release(options),
        sampling(options),
        features(),
        integrations(options),
        panics(options),
    ];
    rows.extend(consent(options));
    rows
}

/// Options that cannot be used at all.
pub(super) fn invalid(error: &OptionsError) -> Row {
    let reason = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    match error.is_dsn() {
        true => Row::fail(
            "dsn",
            format!("the dsn is invalid{reason}"),
            "copy it from the settings of the project",
        ),
        false => Row::fail("options", error.to_string(), "give a number from 0.0 to 1.0"),
    }
}

/// How the client has fared so far.
pub(super) fn deliveries(stats: &Stats) -> Row {
    let Stats { accepted, delivered, limited, dropped, queued, .. } = stats;
    let detail = format!(
        "{accepted} captured: {delivered} delivered, {queued} waiting, {limited} rate limited, {dropped} dropped"
    );
    match &stats.last_error {
        Some(error) if *delivered == 0 => Row::warn(
            "so far",
            format!("{detail}; {error}"),
            "see what the test event says: it takes the same way",
        ),
        Some(error) => Row::ok("so far", format!("{detail}; last error: {error}")),
        None => Row::ok("so far", detail),
    }
}

fn dsn(options: &ClientOptions, environment: &EnvOptions) -> Row {
    if let Some(dsn) = &options.dsn {
        // Its `Debug` leaves the keys out.
        return Row::ok("dsn", format!("{dsn:?}"));
    }
    let ignored = environment.warnings.iter().find(|warning| warning.starts_with("SENTRY_DSN"));
    let needed = options.transport.as_ref().is_none_or(|factory| factory.needs_dsn(options));
    match ignored {
        Some(warning) => Row::fail("dsn", warning.as_str(), NO_DSN),
        None if needed => Row::fail("dsn", "there is none: everything is off", NO_DSN),
        None => Row::skipped("dsn", "there is none, and the transport needs none"),
    }
}

fn variables(environment: &EnvOptions) -> Row {
    let known = [
        ("SENTRY_DSN", environment.dsn.is_some()),
        ("SENTRY_RELEASE", environment.release.is_some()),
        ("SENTRY_ENVIRONMENT", environment.environment.is_some()),
        ("SENTRY_SAMPLE_RATE", environment.sample_rate.is_some()),
        ("SENTRY_TRACES_SAMPLE_RATE", environment.traces_sample_rate.is_some()),
        ("SENTRY_DEBUG", environment.debug.is_some()),
        ("SENTRY_CACHE_DIR", environment.cache_dir.is_some()),
        ("SENTRY_SPOTLIGHT", environment.spotlight.is_some()),
        ("SENTRY_TRACE", environment.trace.is_some()),
        ("SENTRY_BAGGAGE", environment.baggage.is_some()),
        ("HTTP_PROXY", environment.http_proxy.is_some()),
        ("HTTPS_PROXY", environment.https_proxy.is_some()),
    ];
    let set: Vec<_> = known.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| *name).collect();
    if !environment.warnings.is_empty() {
        return Row::warn("environment", environment.warnings.join("; "), "correct or unset these variables");
    }
    Row::ok("environment", if set.is_empty() { "nothing set".to_owned() } else { set.join(", ") })
}

fn release(options: &ClientOptions) -> Row {
    let environment = options.environment.as_deref().unwrap_or("none");
    match &options.release {
        Some(release) => Row::ok("release", format!("{release}, environment {environment}")),
        None => Row::warn(
            "release",
            format!("none, environment {environment}"),
            "set `release: sentry::release_name!()`: without it there are no regressions and no release health",
        ),
    }
}

fn sampling(options: &ClientOptions) -> Row {
    let rate = options.event_sample_rate();
    let traces = match options.effective_traces_sampling() {
        TracesSamplingStrategy::FixedRate(rate) => format!("{rate} of the transactions"),
        TracesSamplingStrategy::Function(_) => "transactions as traces_sampler says".to_owned(),
        _ => "no transactions".to_owned(),
    };
    match rate {
        0.0 => Row::warn(
            "sampling",
            format!("sample_rate is 0: no event is ever sent; {traces}"),
            "set sample_rate to 1.0, or unset SENTRY_SAMPLE_RATE",
        ),
        1.0 => Row::ok("sampling", format!("all events, {traces}")),
        rate => Row::ok("sampling", format!("{rate} of the events, {traces}")),
    }
}

/// Where nobody has to be asked there is nothing to say.
fn consent(options: &ClientOptions) -> Option<Row> {
    const GIVE: &str = "call `sentry::give_consent` when the user agrees";
    options.consent_gate.require(options.consent);
    match options.consent_gate.state() {
        ConsentState::NotNeeded => None,
        ConsentState::Given => Some(Row::ok("consent", "given")),
        ConsentState::Unknown => Some(Row::warn("consent", "not given yet: everything is held back", GIVE)),
        ConsentState::Revoked => Some(Row::warn("consent", "revoked: nothing is captured", GIVE)),
    }
}

fn features() -> Row {
    let features = [
        ("backtrace", cfg!(feature = "backtrace")),
        ("contexts", cfg!(feature = "contexts")),
        ("debug-images", cfg!(feature = "debug-images")),
        ("panic", cfg!(feature = "panic")),
        ("process", cfg!(feature = "process")),
        ("crash-handler", cfg!(feature = "crash-handler")),
        ("hang", cfg!(feature = "hang")),
        ("embed-source", cfg!(feature = "embed-source")),
        ("profiling", cfg!(feature = "profiling")),
        ("logs", cfg!(feature = "logs")),
        ("metrics", cfg!(feature = "metrics")),
        ("release-health", cfg!(feature = "release-health")),
        ("stream", cfg!(feature = "stream")),
        ("reqwest", cfg!(feature = "reqwest")),
        ("ureq", cfg!(feature = "ureq")),
        ("curl", cfg!(feature = "curl")),
        ("rustls", cfg!(feature = "rustls")),
        ("rustls-no-provider", cfg!(all(feature = "rustls-no-provider", not(feature = "rustls")))),
        ("native-tls", cfg!(feature = "native-tls")),
        ("http2", cfg!(feature = "http2")),
        ("tracing", cfg!(feature = "tracing")),
        ("log", cfg!(feature = "log")),
        ("slog", cfg!(feature = "slog")),
        ("anyhow", cfg!(feature = "anyhow")),
        ("tower", cfg!(feature = "tower")),
        ("tower-http", cfg!(feature = "tower-http")),
        ("tower-axum-matched-path", cfg!(feature = "tower-axum-matched-path")),
        ("http-client", cfg!(feature = "http-client")),
        ("http-client-reqwest", cfg!(feature = "http-client-reqwest")),
        ("open-feature", cfg!(feature = "open-feature")),
        ("test", cfg!(feature = "test")),
    ];
    let on: Vec<_> = features.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    Row::ok("features", if on.is_empty() { "none".to_owned() } else { on.join(", ") })
}

fn integrations(options: &ClientOptions) -> Row {
    let names: Vec<_> = options.integrations.iter().map(|integration| integration.name()).collect();
    let listed = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    if names.contains(&"panic") {
        return Row::ok("integrations", listed);
    }
    let fix = match cfg!(feature = "panic") {
        true => "leave default_integrations on, or add `sentry::integrations::panic::PanicIntegration`",
        false => "switch the cargo feature `panic` on",
    };
    Row::warn("integrations", format!("{listed}: panics are not reported"), fix)
}

fn panics(options: &ClientOptions) -> Row {
    let timeout = options.shutdown_timeout;
    match cfg!(panic = "abort") {
        true => {
            Row::ok("panics", format!("abort the process; the panic hook waits {timeout:?} for delivery"))
        }
        false => Row::ok("panics", "unwind; their events leave in the background"),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::report::Status;
    use sentry_core::options::Consent;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> EnvOptions {
        EnvOptions::read(&|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn keys_are_not_shown_and_a_bad_dsn_of_the_environment_is_named() {
        let row = dsn(&ClientOptions::new().dsn("https://hush:hush@host/42"), &environment(&[]));
        assert_eq!((row.status, row.detail.as_str()), (Status::Ok, "https://<redacted>@host/42"));
        let row = dsn(&ClientOptions::new(), &environment(&[("SENTRY_DSN", "https://hush")]));
        assert!(row.status == Status::Fail && row.detail.contains("SENTRY_DSN"), "{row:?}");
        assert_eq!(dsn(&ClientOptions::new(), &environment(&[])).status, Status::Fail);
    }

    #[test]
    fn the_environment_is_listed_by_name_only() {
        let row = variables(&environment(&[("SENTRY_RELEASE", "hush"), ("HTTPS_PROXY", "http://hush")]));
        assert_eq!((row.status, row.detail.as_str()), (Status::Ok, "SENTRY_RELEASE, HTTPS_PROXY"));
        let row = variables(&environment(&[("SENTRY_SAMPLE_RATE", "hush")]));
        assert!(row.status == Status::Warn && !row.detail.contains("hush"), "{row:?}");
    }

    #[test]
    fn a_rate_of_zero_and_a_missing_release_are_warnings() {
        assert_eq!(sampling(&ClientOptions::new().sample_rate(0.0)).status, Status::Warn);
        assert_eq!(sampling(&ClientOptions::new()).status, Status::Ok);
    }

    #[test]
    fn what_the_user_has_to_agree_to_is_a_warning_until_then() {
        let options = ClientOptions::new().consent(Consent::Required);
        assert_eq!(consent(&options).unwrap().status, Status::Warn);
        options.consent_gate.decide(true);
        assert_eq!(consent(&options).unwrap().status, Status::Ok);
        assert!(consent(&ClientOptions::new()).is_none());
        assert_eq!(release(&ClientOptions::new()).status, Status::Warn);
        assert_eq!(release(&ClientOptions::new().release("shop@1")).status, Status::Ok);
        assert_eq!(integrations(&ClientOptions::new()).status, Status::Warn);
    }

    #[test]
    fn a_client_that_never_delivered_says_why() {
        let mut stats = Stats::default();
        assert_eq!(deliveries(&stats).status, Status::Ok);
        stats.last_error = Some("refused".into());
        assert_eq!(deliveries(&stats).status, Status::Warn);
        stats.delivered = 1;
        assert_eq!(deliveries(&stats).status, Status::Ok);
    }
}
