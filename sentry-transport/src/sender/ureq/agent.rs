//! The agent of our own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use sentry_core::options::{HttpOptions, Resolver};
use sentry_core::types::Scheme;
use sentry_core::{TransportOptions, diagnostics, process};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector};
use ureq::{Agent, Proxy};

use super::dns::Dns;
use super::secure::Secure;
use super::socket::Socket;
use super::tls::Tls;
use crate::sender::blocking::MAX_THREADS;
use crate::sender::{SendError, proxy};

/// What an agent is built from.
pub(crate) struct AgentConfig {
    proxy: Option<Proxy>,
    http: HttpOptions,
    https: bool,
    tls: Tls,
    /// Outlives the agents, so that its bound holds for all of them.
    dns: Dns,
}

impl AgentConfig {
    pub(crate) fn new(options: &TransportOptions) -> Self {
        let https = options.dsn.scheme() == Scheme::Https;
        let proxy = proxy::choose(options, &["http", "https"]).and_then(|url| {
            let built = Proxy::new(url);
            if built.is_err() {
                proxy::complain();
            }
            built.ok()
        });
        let secure_proxy = proxy.as_ref().is_some_and(|proxy| proxy.uri().scheme_str() == Some("https"));
        let function = match &options.http.resolver {
            // The address is not used.
            _ if cfg!(unix) && options.http.unix_socket.is_some() => Some(nowhere()),
            function => function.clone(),
        };
        Self {
            dns: Dns::new(function),
            tls: Tls::new(https || secure_proxy, options.accept_invalid_certs, &options.http),
            proxy,
            http: options.http.clone(),
            https,
        }
    }

    pub(super) fn build(&self) -> Result<Agent, SendError> {
        if self.https && !Tls::AVAILABLE {
            diagnostics::warn_once("tls", || {
                "the DSN is https, but neither the feature `rustls` nor `native-tls` is on: nothing can be sent".into()
            });
            return Err(SendError::setup());
        }
        // TLS libraries initialise themselves: not half, for a child.
        let handshake = process::without_fork(|| self.tls.prepare());
        let handshake =
            handshake.inspect_err(|error| diagnostics::warn_once("http client", || error.explain()))?;
        let config = Agent::config_builder()
            .timeout_connect(Some(self.http.connect_timeout))
            .proxy(self.proxy.clone())
            .max_idle_connections_per_host(MAX_THREADS.get())
            .max_idle_age(crate::sender::POOL_IDLE)
            .user_agent("")
            .accept("")
            .accept_encoding("")
            .build();
        let connector = Socket::new(self.http.unix_socket.as_ref())
            .chain(ConnectProxyConnector::default())
            .chain(TcpConnector::default())
            .chain(Secure(handshake));
        Ok(Agent::with_parts(config, connector, self.dns.clone()))
    }
}

/// Knows an address for everything.
fn nowhere() -> Resolver {
    Arc::new(|_| Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]))
}
