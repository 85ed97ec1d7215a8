//! The transport over reqwest.

use std::sync::Arc;

use reqwest::Client;
use sentry_core::{ClientOptions, TransportOptions};

use crate::background::BackgroundTransport;
use crate::driver::Runtime;
use crate::sender::reqwest::{ClientConfig, ReqwestSender};

/// Sends over HTTP with reqwest, on a thread with a tokio runtime of its own.
pub struct ReqwestHttpTransport {
    /// `None` without a DSN: there is nowhere to send to.
    inner: Option<BackgroundTransport>,
}

impl ReqwestHttpTransport {
    /// A transport for these options. Without a DSN it discards everything.
    #[deprecated(since = "0.49.100", note = "use `ReqwestHttpTransportOptions` instead")]
    #[must_use]
    pub fn new(options: &ClientOptions) -> Self {
        Self::from_options(options, None)
    }

    /// As [`new`](Self::new), over a client of the application.
    #[deprecated(since = "0.49.100", note = "use `ReqwestHttpTransportOptions::with_client` instead")]
    #[must_use]
    pub fn with_client(options: &ClientOptions, client: Client) -> Self {
        Self::from_options(options, Some(client))
    }

    fn from_options(options: &ClientOptions, client: Option<Client>) -> Self {
        let options = TransportOptions::try_from_client_options(options);
        let build = |options| ReqwestHttpTransportOptions { options, client }.build();
        options.map_or(Self { inner: None }, build)
    }
}

over_background!(ReqwestHttpTransport);

/// Builds a [`ReqwestHttpTransport`].
#[derive(Debug)]
#[must_use = "options do nothing until they are built"]
pub struct ReqwestHttpTransportOptions {
    options: TransportOptions,
    client: Option<Client>,
}

impl ReqwestHttpTransportOptions {
    /// Sends with this client instead of one of our own; proxies and certificates are then its business.
    pub fn with_client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// The transport. No thread is started and no client is built before the first item.
    #[must_use]
    pub fn build(self) -> ReqwestHttpTransport {
        let Self { options, client } = self;
        let for_sender = options.clone();
        let make_sender = move || match &client {
            Some(client) => Arc::new(ReqwestSender::with_client(client.clone())) as _,
            None => Arc::new(ReqwestSender::new(ClientConfig::new(&for_sender))) as _,
        };
        let inner = BackgroundTransport::new(&options, Box::new(make_sender), Runtime::Tokio);
        ReqwestHttpTransport { inner: Some(inner) }
    }
}

impl From<TransportOptions> for ReqwestHttpTransportOptions {
    fn from(options: TransportOptions) -> Self {
        Self { options, client: None }
    }
}
