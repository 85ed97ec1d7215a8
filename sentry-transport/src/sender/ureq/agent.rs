//! The agent of our own.

use std::borrow::Cow;

use sentry_core::options::HttpOptions;
use sentry_core::types::Scheme;
use sentry_core::{TransportOptions, diagnostics};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Proxy};

use super::RESOLVE_TIMEOUT;
use super::dns::Dns;
use crate::sender::SendError;

/// What an agent is built from.
pub(crate) struct AgentConfig {
    proxy: Option<Cow<'static, str>>,
    http: HttpOptions,
    https: bool,
    accept_any: bool,
}

impl AgentConfig {
    pub(crate) fn new(options: &TransportOptions) -> Self {
        let https = options.dsn.scheme() == Scheme::Https;
        Self {
            proxy: if https { options.https_proxy.clone() } else { options.http_proxy.clone() },
            http: options.http.clone(),
            https,
            accept_any: options.accept_invalid_certs,
        }
    }

    pub(super) fn build(&self) -> Result<Agent, SendError> {
        if self.https && !cfg!(any(feature = "rustls", feature = "native-tls")) {
            diagnostics::warn_once("tls", || {
                "the DSN is https, but neither the feature `rustls` nor `native-tls` is on: nothing can be sent".into()
            });
            return Err(SendError::setup());
        }
        if self.http.unix_socket.is_some() {
            diagnostics::warn_once("unix socket", || {
                "the ureq sender cannot use a unix socket: the address of the DSN is used".into()
            });
        }
        let builder = Agent::config_builder()
            .timeout_connect(Some(self.http.connect_timeout))
            .timeout_resolve(Some(RESOLVE_TIMEOUT))
            .proxy(self.proxy.as_deref().and_then(|url| self.proxied(url)))
            .max_idle_connections_per_host(crate::sender::blocking::MAX_THREADS.get())
            .user_agent("")
            .accept("")
            .accept_encoding("");
        #[cfg(any(feature = "rustls", feature = "native-tls"))]
        let builder = builder.tls_config(self.tls().inspect_err(|error| {
            diagnostics::warn_once("http client", || error.explain());
        })?);
        let dns = Dns(self.http.resolver.clone());
        Ok(Agent::with_parts(builder.build(), DefaultConnector::default(), dns))
    }

    /// A proxy that cannot be read is left out, loudly; its URL may hold a password.
    fn proxied(&self, url: &str) -> Option<Proxy> {
        let built = Proxy::new(url).and_then(|proxy| match &self.http.no_proxy {
            None => Ok(proxy),
            Some(exempt) => {
                let mut builder = Proxy::builder(proxy.protocol()).host(proxy.host()).port(proxy.port());
                if let Some(user) = proxy.username() {
                    builder = builder.username(user);
                }
                if let Some(password) = proxy.password() {
                    builder = builder.password(password);
                }
                exempt
                    .split(',')
                    .map(str::trim)
                    .filter(|entry| !entry.is_empty())
                    .fold(builder, |builder, entry| builder.no_proxy(entry))
                    .build()
            }
        });
        if built.is_err() {
            diagnostics::warn_once("proxy", || "a proxy URL is invalid and was ignored".into());
        }
        built.ok()
    }

    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    fn tls(&self) -> Result<ureq::tls::TlsConfig, SendError> {
        use ureq::tls::{ClientCert, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

        let unreadable = |error: ureq::Error| {
            let text = format!("a certificate or key of the options is not readable PEM: {error}");
            SendError::setup().with_source(text)
        };
        let provider = if cfg!(feature = "rustls") { TlsProvider::Rustls } else { TlsProvider::NativeTls };
        let mut builder = TlsConfig::builder().provider(provider).disable_verification(self.accept_any);
        #[cfg(feature = "rustls")]
        {
            let ring = rustls::crypto::ring::default_provider();
            builder = builder.unversioned_rustls_crypto_provider(std::sync::Arc::new(ring));
        }
        let mut authorities = Vec::new();
        for pem in &self.http.ca_certificates {
            let before = authorities.len();
            for item in parse_pem(pem) {
                if let PemItem::Certificate(certificate) = item.map_err(unreadable)? {
                    authorities.push(certificate);
                }
            }
            if authorities.len() == before {
                return Err(
                    SendError::setup().with_source("a certificate of the options is not readable PEM")
                );
            }
        }
        builder = if authorities.is_empty() {
            builder.root_certs(RootCerts::PlatformVerifier)
        } else {
            diagnostics::debug(|| "ureq trusts the authorities of the options and not the platform's".into());
            builder.root_certs(RootCerts::new_with_certs(&authorities))
        };
        if let Some(pem) = &self.http.client_identity {
            let (mut chain, mut key) = (Vec::new(), None);
            for item in parse_pem(pem) {
                match item.map_err(unreadable)? {
                    PemItem::Certificate(certificate) => chain.push(certificate),
                    PemItem::PrivateKey(private) => key = Some(private),
                    _ => {}
                }
            }
            let Some(key) = key.filter(|_| !chain.is_empty()) else {
                return Err(
                    SendError::setup().with_source("the client identity lacks a certificate or a key")
                );
            };
            builder = builder.client_cert(Some(ClientCert::new_with_certs(&chain, key)));
        }
        Ok(builder.build())
    }
}
