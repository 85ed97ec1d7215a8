//! The transport over ureq.

use std::sync::Arc;

use sentry_core::{ClientOptions, TransportOptions};
use ureq::Agent;

use crate::background::BackgroundTransport;
use crate::driver::Runtime;
use crate::sender::blocking::{Blocking, MAX_THREADS};
use crate::sender::ureq::{AgentConfig, UreqExchange};

/// Sends over HTTP with ureq, on threads of its own and without tokio.
pub struct UreqHttpTransport {
    /// `None` without a DSN: there is nowhere to send to.
    inner: Option<BackgroundTransport>,
}

impl UreqHttpTransport {
    /// A transport for these options. Without a DSN it discards everything.
    #[deprecated(since = "0.49.100", note = "use `UreqHttpTransportOptions` instead")]
    #[must_use]
    pub fn new(options: &ClientOptions) -> Self {
        Self::from_options(options, None)
    }

    /// As [`new`](Self::new), over an agent of the application.
    #[deprecated(since = "0.49.100", note = "use `UreqHttpTransportOptions::with_agent` instead")]
    #[must_use]
    pub fn with_agent(options: &ClientOptions, agent: Agent) -> Self {
        Self::from_options(options, Some(agent))
    }

    fn from_options(options: &ClientOptions, agent: Option<Agent>) -> Self {
        let options = TransportOptions::try_from_client_options(options);
        let build = |options| UreqHttpTransportOptions { options, agent }.build();
        options.map_or(Self { inner: None }, build)
    }
}

over_background!(UreqHttpTransport);

/// Builds a [`UreqHttpTransport`].
#[derive(Debug)]
#[must_use = "options do nothing until they are built"]
pub struct UreqHttpTransportOptions {
    options: TransportOptions,
    agent: Option<Agent>,
}

impl UreqHttpTransportOptions {
    /// Sends with this agent instead of one of our own; proxies and certificates are then its business.
    pub fn with_agent(mut self, agent: Agent) -> Self {
        self.agent = Some(agent);
        self
    }

    /// The transport. No thread is started and no agent is built before the first item.
    #[must_use]
    pub fn build(self) -> UreqHttpTransport {
        let Self { mut options, agent } = self;
        let threads = options.http.max_in_flight.unwrap_or(MAX_THREADS);
        options.http.max_in_flight = Some(threads);
        let for_sender = options.clone();
        let make_sender = move || {
            let exchange = match &agent {
                Some(agent) => UreqExchange::with_agent(agent.clone()),
                None => UreqExchange::new(AgentConfig::new(&for_sender)),
            };
            Arc::new(Blocking::new(exchange, Some(threads))) as _
        };
        let inner = BackgroundTransport::new(&options, Box::new(make_sender), Runtime::Park);
        UreqHttpTransport { inner: Some(inner) }
    }
}

impl From<TransportOptions> for UreqHttpTransportOptions {
    fn from(options: TransportOptions) -> Self {
        Self { options, agent: None }
    }
}
