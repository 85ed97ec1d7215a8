//! The HTTP client of our own.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, NoProxy, Proxy};
use sentry_core::options::HttpOptions;
use sentry_core::types::Scheme;
use sentry_core::{TransportOptions, diagnostics, process};

use super::super::{POOL_IDLE, SendError};
use super::dns::Dns;
use super::tls::Tls;
use crate::queue::MAX_IN_FLIGHT;

const KEEPALIVE: Duration = Duration::from_secs(30);

/// What a client is built from.
pub(crate) struct ClientConfig {
    http_proxy: Option<Cow<'static, str>>,
    https_proxy: Option<Cow<'static, str>>,
    http: HttpOptions,
    https: bool,
    tls: Tls,
}

impl ClientConfig {
    pub(crate) fn new(options: &TransportOptions) -> Self {
        let is_https = |proxy: &Option<Cow<'static, str>>| {
            proxy
                .as_deref()
                .is_some_and(|url| url.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("https:")))
        };
        let https = options.dsn.scheme() == Scheme::Https;
        Self {
            https,
            tls: Tls::new(
                https || is_https(&options.http_proxy) || is_https(&options.https_proxy),
                options.accept_invalid_certs,
                &options.http,
            ),
            http: options.http.clone(),
            http_proxy: options.http_proxy.clone(),
            https_proxy: options.https_proxy.clone(),
        }
    }

    /// A client; takes its time when it reads the certificate store, so only the worker calls this.
    pub(super) fn build(&self) -> Result<Client, SendError> {
        if self.https && !Tls::AVAILABLE {
            diagnostics::warn_once("tls", || {
                "the DSN is https, but neither the feature `rustls` nor `native-tls` is on: nothing can be sent".into()
            });
            return Err(SendError::setup());
        }
        // A feature of reqwest that somebody else switched on may panic in here for want of a crypto provider.
        let built = catch_unwind(AssertUnwindSafe(|| {
            // This may tell the application what is wrong with its settings.
            let builder = self.configured();
            // TLS libraries initialise themselves: not half, for a child.
            process::without_fork(|| self.tls.apply(builder)?.build().map_err(setup))
        }));
        let client = built.unwrap_or_else(|_| Err(SendError::panicked()));
        client.inspect_err(|error| diagnostics::warn_once("http client", || error.explain()))
    }

    /// All but TLS.
    fn configured(&self) -> ClientBuilder {
        let mut builder = Client::builder()
            // A redirect would carry the key to somewhere else.
            .redirect(Policy::none())
            .connect_timeout(self.http.connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(MAX_IN_FLIGHT)
            .tcp_keepalive(KEEPALIVE);
        if let Some(url) = &self.http_proxy {
            builder = self.proxied(builder, Proxy::http(&**url));
        }
        if let Some(url) = &self.https_proxy {
            builder = self.proxied(builder, Proxy::https(&**url));
        }
        if let Some(resolver) = &self.http.resolver {
            builder = builder.dns_resolver(Dns::new(resolver));
        }
        self.with_socket(builder)
    }

    /// A proxy that cannot be read is left out, loudly; its URL may hold a password.
    fn proxied(&self, builder: ClientBuilder, proxy: reqwest::Result<Proxy>) -> ClientBuilder {
        match proxy {
            Ok(proxy) => {
                let exempt = self.http.no_proxy.as_deref().and_then(NoProxy::from_string);
                builder.proxy(proxy.no_proxy(exempt))
            }
            Err(_) => {
                diagnostics::warn_once("proxy", || "a proxy URL is invalid and was ignored".into());
                builder
            }
        }
    }

    #[cfg(unix)]
    fn with_socket(&self, builder: ClientBuilder) -> ClientBuilder {
        match &self.http.unix_socket {
            Some(path) => builder.unix_socket(path.clone()),
            None => builder,
        }
    }

    #[cfg(not(unix))]
    fn with_socket(&self, builder: ClientBuilder) -> ClientBuilder {
        if self.http.unix_socket.is_some() {
            diagnostics::warn_once("unix socket", || {
                "this system has no unix sockets: the address of the DSN is used".into()
            });
        }
        builder
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig").field("https", &self.https).finish_non_exhaustive()
    }
}

fn setup(error: reqwest::Error) -> SendError {
    SendError::setup().with_source(error.without_url())
}
