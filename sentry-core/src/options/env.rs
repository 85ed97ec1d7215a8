//! The environment variables, and the only code that reads them.
//!
//! Reading is split in two so that it can be tested without touching the process: [`EnvOptions::read`] asks a function
//! for each variable, [`EnvOptions::apply`] fills what the code left unset. Values that cannot be understood are
//! ignored with a warning that does not repeat them.

use std::borrow::Cow;
use std::ffi::OsString;

use crate::diagnostics;
use crate::options::{ClientOptions, EventSamplingStrategy, SampleRate, Spotlight, TracesSamplingStrategy};
use crate::types::Dsn;

/// Fills what `options` leave unset from the environment of the process.
///
/// An explicit `sample_rate(1.0)` cannot be told from an untouched one and gives way to `SENTRY_SAMPLE_RATE`.
pub fn apply_env(options: ClientOptions) -> ClientOptions {
    let (options, warnings) = EnvOptions::from_process().apply(options);
    if options.debug {
        // So that the lines below are seen: the client that would switch it on does not exist yet.
        diagnostics::set_level(options.debug_level);
        diagnostics::set_debug(true);
    }
    for warning in warnings {
        diagnostics::warn(|| warning);
    }
    options
}

/// The name of the host, where the environment knows it: `HOSTNAME` or `COMPUTERNAME`.
#[must_use]
pub fn host_name() -> Option<String> {
    let named = ["HOSTNAME", "COMPUTERNAME"].into_iter().find_map(variable)?;
    named.into_string().ok().filter(|name| !name.is_empty())
}

/// An environment variable, for integrations. Empty or not UTF-8 counts as unset.
#[must_use]
pub fn env_text(name: &str) -> Option<String> {
    let text = variable(name)?.into_string().ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// What the environment says.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct EnvOptions {
    /// `SENTRY_DSN`.
    pub dsn: Option<Dsn>,
    /// `SENTRY_RELEASE`.
    pub release: Option<String>,
    /// `SENTRY_ENVIRONMENT`.
    pub environment: Option<String>,
    /// `SENTRY_SAMPLE_RATE`.
    pub sample_rate: Option<f32>,
    /// `SENTRY_TRACES_SAMPLE_RATE`.
    pub traces_sample_rate: Option<f32>,
    /// `SENTRY_DEBUG`.
    pub debug: Option<bool>,
    /// `HTTP_PROXY` or `http_proxy`.
    pub http_proxy: Option<String>,
    /// `HTTPS_PROXY` or `https_proxy`.
    pub https_proxy: Option<String>,
    /// `SENTRY_SPOTLIGHT`: on, off, or an address.
    pub spotlight: Option<Spotlight>,
    /// `NO_PROXY` or `no_proxy`.
    pub no_proxy: Option<String>,
    /// `SENTRY_CACHE_DIR`.
    pub cache_dir: Option<String>,
    /// `SENTRY_TRACE`: the `sentry-trace` header of the process that started this one.
    pub trace: Option<String>,
    /// `SENTRY_BAGGAGE`: its `baggage` header.
    pub baggage: Option<String>,
    /// What was wrong.
    pub warnings: Vec<String>,
}

impl EnvOptions {
    /// What the environment of this process says.
    #[must_use]
    pub fn from_process() -> Self {
        Self::read(&variable)
    }

    /// What `source` says, which is asked for each variable.
    ///
    /// ```
    /// use sentry_core::options::EnvOptions;
    ///
    /// let env = EnvOptions::read(&|name| (name == "SENTRY_RELEASE").then(|| "shop@1.2.0".into()));
    /// assert_eq!(env.release.as_deref(), Some("shop@1.2.0"));
    /// ```
    #[must_use]
    pub fn read(source: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let mut reader = Reader { source, warnings: Vec::new() };
        // Under CGI a client sets `HTTP_PROXY` with a `Proxy` header.
        let http_proxy = match source("REQUEST_METHOD") {
            None => reader.text("HTTP_PROXY"),
            Some(_) => None,
        };
        let mut env = Self {
            dsn: reader.parsed("SENTRY_DSN", "a DSN", |text| text.parse().ok()),
            release: reader.text("SENTRY_RELEASE"),
            environment: reader.text("SENTRY_ENVIRONMENT"),
            sample_rate: reader.rate("SENTRY_SAMPLE_RATE"),
            traces_sample_rate: reader.rate("SENTRY_TRACES_SAMPLE_RATE"),
            debug: reader.parsed("SENTRY_DEBUG", "true or false", switch),
            http_proxy: http_proxy.or_else(|| reader.text("http_proxy")),
            https_proxy: reader.text("HTTPS_PROXY").or_else(|| reader.text("https_proxy")),
            spotlight: reader.text("SENTRY_SPOTLIGHT").map(|text| match switch(&text) {
                Some(on) => on.into(),
                None => text.into(),
            }),
            no_proxy: reader.text("NO_PROXY").or_else(|| reader.text("no_proxy")),
            cache_dir: reader.text("SENTRY_CACHE_DIR"),
            trace: reader.text("SENTRY_TRACE"),
            baggage: reader.text("SENTRY_BAGGAGE"),
            warnings: Vec::new(),
        };
        if source("SSL_VERIFY").is_some() {
            reader.warnings.push("SSL_VERIFY is ignored, use the option accept_invalid_certs".to_owned());
        }
        env.warnings = reader.warnings;
        env
    }

    /// Fills what `options` leave unset, and returns them with what was wrong.
    pub fn apply(self, mut options: ClientOptions) -> (ClientOptions, Vec<String>) {
        let owned = Cow::Owned::<'static, str>;
        options.dsn = options.dsn.or(self.dsn);
        options.release = options.release.or_else(|| self.release.map(owned));
        options.environment = options.environment.or_else(|| self.environment.map(owned));
        options.debug = options.debug || self.debug.unwrap_or(false);
        options.http_proxy = options.http_proxy.or_else(|| self.http_proxy.map(owned));
        options.https_proxy = options
            .https_proxy
            .or_else(|| self.https_proxy.map(owned))
            .or_else(|| options.http_proxy.clone());
        options.cache.dir = options.cache.dir.or_else(|| self.cache_dir.map(Into::into));
        options.http.no_proxy = options.http.no_proxy.or_else(|| self.no_proxy.map(owned));
        if let Some(rate) = self.sample_rate
            && options.event_sample_rate() == 1.0
        {
            options.sample_rate = rate;
            options.event_sampling_strategy = EventSamplingStrategy::FixedRate(rate);
        }
        if let Some(rate) = self.traces_sample_rate
            && options.traces_sampling_is_unset()
        {
            options.traces_sample_rate = rate;
            options.traces_sampling_strategy = TracesSamplingStrategy::FixedRate(rate);
        }
        let mut warnings = self.warnings;
        let (spotlight, warning) = options.spotlight.or_env(self.spotlight);
        options.spotlight = spotlight;
        warnings.extend(warning.map(str::to_owned));
        (options, warnings)
    }
}

// No keys, no proxy passwords.
impl std::fmt::Debug for EnvOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvOptions")
            .field("dsn", &self.dsn)
            .field("release", &self.release)
            .field("environment", &self.environment)
            .field("sample_rate", &self.sample_rate)
            .field("traces_sample_rate", &self.traces_sample_rate)
            .field("debug", &self.debug)
            .field("spotlight", &self.spotlight.is_some())
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// Asks for variables and collects what is wrong with them. An empty variable counts as unset.
struct Reader<'a> {
    source: &'a dyn Fn(&str) -> Option<OsString>,
    warnings: Vec<String>,
}

impl Reader<'_> {
    fn text(&mut self, name: &str) -> Option<String> {
        match (self.source)(name)?.into_string() {
            Ok(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Err(_) => {
                self.warnings.push(format!("{name} is ignored, it is not UTF-8"));
                None
            }
        }
    }

    fn parsed<T>(&mut self, name: &str, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = parse(&self.text(name)?);
        if value.is_none() {
            self.warnings.push(format!("{name} is ignored, it is not {expected}"));
        }
        value
    }

    fn rate(&mut self, name: &str) -> Option<f32> {
        let rate =
            self.parsed(name, "a number from 0.0 to 1.0", |text| SampleRate::new(text.parse().ok()?))?;
        Some(rate.get())
    }
}

fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" | "y" | "t" => Some(true),
        "0" | "false" | "no" | "off" | "n" | "f" => Some(false),
        _ => None,
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> EnvOptions {
        EnvOptions::read(&|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        })
    }

    fn applied(variables: &[(&str, &str)], options: ClientOptions) -> ClientOptions {
        read(variables).apply(options).0
    }

    #[test]
    fn the_environment_fills_what_is_unset() {
        let options = applied(
            &[
                ("SENTRY_DSN", " https://key@host/42\n"),
                ("SENTRY_RELEASE", "shop@1"),
                ("SENTRY_ENVIRONMENT", "staging"),
                ("SENTRY_SAMPLE_RATE", "0.25"),
                ("SENTRY_TRACES_SAMPLE_RATE", "0"),
                ("SENTRY_DEBUG", "True"),
                ("HTTP_PROXY", "http://proxy:1"),
                ("https_proxy", "http://proxy:2"),
            ],
            ClientOptions::default(),
        );
        assert_eq!(options.dsn.as_ref().map(|dsn| dsn.host()), Some("host"));
        assert_eq!(options.release.as_deref(), Some("shop@1"));
        assert_eq!(options.environment.as_deref(), Some("staging"));
        assert_eq!(options.event_sample_rate(), 0.25);
        assert!(matches!(options.effective_traces_sampling(), TracesSamplingStrategy::FixedRate(0.0)));
        assert!(options.debug);
        assert_eq!(options.http_proxy.as_deref(), Some("http://proxy:1"));
        assert_eq!(options.https_proxy.as_deref(), Some("http://proxy:2"));
    }

    #[test]
    fn code_wins() {
        let code = ClientOptions::new()
            .dsn("https://key@code/1")
            .release("code@1")
            .environment("code")
            .sample_rate(0.5)
            .traces_sample_rate(0.0)
            .http_proxy("http://code:1");
        let options = applied(
            &[
                ("SENTRY_DSN", "https://key@env/42"),
                ("SENTRY_RELEASE", "env@1"),
                ("SENTRY_ENVIRONMENT", "env"),
                ("SENTRY_SAMPLE_RATE", "0.25"),
                ("SENTRY_TRACES_SAMPLE_RATE", "1.0"),
                ("http_proxy", "http://env:1"),
            ],
            code,
        );
        assert_eq!(options.dsn.as_ref().map(|dsn| dsn.host()), Some("code"));
        assert_eq!(options.release.as_deref(), Some("code@1"));
        assert_eq!(options.environment.as_deref(), Some("code"));
        assert_eq!(options.event_sample_rate(), 0.5);
        assert!(matches!(options.effective_traces_sampling(), TracesSamplingStrategy::FixedRate(0.0)));
        assert_eq!(options.http_proxy.as_deref(), Some("http://code:1"));
        assert_eq!(options.https_proxy.as_deref(), Some("http://code:1"), "falls back to the http proxy");

        for code in [
            ClientOptions { sample_rate: 0.5, traces_sample_rate: 0.5, ..ClientOptions::default() },
            ClientOptions::new().sample_rate(0.5).traces_sampler(|_| 0.5),
        ] {
            let options = applied(&[("SENTRY_SAMPLE_RATE", "0"), ("SENTRY_TRACES_SAMPLE_RATE", "0")], code);
            assert_eq!(options.event_sample_rate(), 0.5);
            assert!(!matches!(options.effective_traces_sampling(), TracesSamplingStrategy::FixedRate(0.0)));
        }
    }

    #[test]
    fn what_cannot_be_understood_is_ignored_with_a_warning_that_does_not_repeat_it() {
        for (name, value) in [
            ("SENTRY_DSN", "https://hush"),
            ("SENTRY_SAMPLE_RATE", "hush"),
            ("SENTRY_SAMPLE_RATE", "NaN"),
            ("SENTRY_TRACES_SAMPLE_RATE", "1.01"),
            ("SENTRY_TRACES_SAMPLE_RATE", "-0.1"),
            ("SENTRY_DEBUG", "hush"),
            ("SSL_VERIFY", "hush"),
        ] {
            let env = read(&[(name, value)]);
            assert!(
                matches!(&env.warnings[..], [only] if only.starts_with(name) && !only.contains("hush")),
                "{env:?}"
            );
            let (options, warnings) = env.apply(ClientOptions::default());
            assert_eq!(warnings.len(), 1);
            assert!(options.dsn.is_none() && !options.debug && !options.accept_invalid_certs);
            assert!(options.traces_sampling_is_unset());
            assert_eq!(options.event_sample_rate(), 1.0);
        }
    }

    #[test]
    fn empty_variables_are_unset() {
        let names = [
            "SENTRY_DSN",
            "SENTRY_RELEASE",
            "SENTRY_ENVIRONMENT",
            "SENTRY_SAMPLE_RATE",
            "SENTRY_TRACES_SAMPLE_RATE",
            "SENTRY_DEBUG",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "SENTRY_TRACE",
            "SENTRY_BAGGAGE",
        ];
        let env = read(&names.map(|name| (name, " ")));
        assert!(env.warnings.is_empty());
        let (options, _) = env.apply(ClientOptions::default());
        assert!(options.release.is_none() && options.environment.is_none() && options.http_proxy.is_none());
    }

    #[cfg(unix)]
    #[test]
    fn variables_that_are_not_utf8_are_ignored() {
        use std::os::unix::ffi::OsStringExt as _;
        let env = EnvOptions::read(&|_| Some(OsString::from_vec(vec![0x66, 0xff])));
        assert!(env.release.is_none() && env.dsn.is_none());
        assert!(env.warnings.iter().any(|warning| warning == "SENTRY_RELEASE is ignored, it is not UTF-8"));
    }

    #[test]
    fn a_request_cannot_set_the_proxy_under_cgi() {
        let variables =
            [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil"), ("http_proxy", "http://good")];
        assert_eq!(read(&variables).http_proxy.as_deref(), Some("http://good"));
        assert_eq!(read(&variables[..2]).http_proxy, None);
    }

    #[test]
    fn the_trace_of_the_parent_process_is_handed_over_as_it_is() {
        let env = read(&[("SENTRY_TRACE", "abc"), ("SENTRY_BAGGAGE", "sentry-a=b")]);
        assert_eq!((env.trace.as_deref(), env.baggage.as_deref()), (Some("abc"), Some("sentry-a=b")));
    }

    #[test]
    fn spotlight_is_a_word_or_an_address() {
        let url = Spotlight::from("http://Host:1/Stream");
        for (text, expected) in [
            ("true", Spotlight::On),
            (" T\n", Spotlight::On),
            ("y", Spotlight::On),
            ("Yes", Spotlight::On),
            ("ON", Spotlight::On),
            ("1", Spotlight::On),
            ("FALSE", Spotlight::Off),
            ("f", Spotlight::Off),
            ("n", Spotlight::Off),
            ("no", Spotlight::Off),
            ("off", Spotlight::Off),
            ("0", Spotlight::Off),
            ("  ", Spotlight::Unset),
            (" http://Host:1/Stream ", url.clone()),
        ] {
            assert_eq!(
                applied(&[("SENTRY_SPOTLIGHT", text)], ClientOptions::new()).spotlight,
                expected,
                "{text}"
            );
        }
        let (options, warnings) =
            read(&[("SENTRY_SPOTLIGHT", "http://hush")]).apply(ClientOptions::new().spotlight(false));
        assert_eq!(options.spotlight, Spotlight::Off);
        assert!(matches!(&warnings[..], [only] if !only.contains("hush")), "{warnings:?}");
        assert_eq!(
            applied(&[("SENTRY_SPOTLIGHT", "http://Host:1/Stream")], ClientOptions::new().spotlight(true))
                .spotlight,
            url
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let env = read(&[("SENTRY_DSN", "https://hush@host/1"), ("HTTP_PROXY", "http://me:hush@proxy")]);
        assert!(!format!("{env:?}").contains("hush"));
    }
}
