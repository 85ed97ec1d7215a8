//! The sender over reqwest.
//!
//! The client is built at the first request, on the worker, and thrown away when the host is out of reach, so that a changed
//! name, a resumed laptop or a dead pool cannot outlive the retry. A client given by the application is used as it is.

mod body;
mod client;
mod dns;
#[cfg_attr(feature = "rustls-no-provider", path = "tls_rustls.rs")]
#[cfg_attr(all(not(feature = "rustls-no-provider"), feature = "native-tls"), path = "tls_native.rs")]
#[cfg_attr(not(any(feature = "rustls-no-provider", feature = "native-tls")), path = "tls_none.rs")]
mod tls;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, Method, Url};
use sentry_core::clock;

pub(crate) use self::client::ClientConfig;
use super::{BODY_TIMEOUT, BoxFuture, Deadline, Request, Response, SendError, Sender};

/// Sends over reqwest. Needs a tokio runtime around it.
pub(crate) struct ReqwestSender {
    client: Source,
    /// The address of the last request, which is that of the next one.
    url: Mutex<Option<(Arc<str>, Url)>>,
}

enum Source {
    Given(Client),
    Own { config: Box<ClientConfig>, built: Mutex<Option<Client>> },
}

impl ReqwestSender {
    /// Builds its own client when it is first needed.
    pub(crate) fn new(config: ClientConfig) -> Self {
        Self {
            client: Source::Own { config: Box::new(config), built: Mutex::new(None) },
            url: Mutex::default(),
        }
    }

    /// Uses the application's client.
    pub(crate) fn with_client(client: Client) -> Self {
        Self { client: Source::Given(client), url: Mutex::default() }
    }

    fn client(&self) -> Result<Client, SendError> {
        let (config, built) = match &self.client {
            Source::Given(client) => return Ok(client.clone()),
            Source::Own { config, built } => (config, built),
        };
        let mut built = built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*built {
            return Ok(client.clone());
        }
        let client = config.build()?;
        *built = Some(client.clone());
        Ok(client)
    }

    /// Drops the pool: the next request starts from nothing.
    fn forget(&self) {
        if let Source::Own { built, .. } = &self.client {
            *built.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    fn url(&self, text: &str) -> Result<Url, SendError> {
        let mut last = self.url.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, url)) = &*last
            && **known == *text
        {
            return Ok(url.clone());
        }
        let url = Url::parse(text).map_err(|error| SendError::setup().with_source(error))?;
        *last = Some((text.into(), url.clone()));
        Ok(url)
    }

    async fn exchange(&self, request: Request, deadline: Deadline) -> Result<Response, SendError> {
        let client = self.client()?;
        let url = self.url(request.url())?;
        let answer = client.execute(assemble(url, request, deadline)?).await.map_err(|error| {
            let error = translate(error);
            // A cut connection is out of the pool already; one that is silent or cannot be had says that what the
            // client knows of the host is out of date.
            if error.is_connect() || error.is_timeout() {
                self.forget();
            }
            error
        })?;
        Ok(receive(answer, deadline).await)
    }
}

impl Sender for ReqwestSender {
    fn send(&self, request: Request, deadline: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
        Box::pin(self.exchange(request, deadline))
    }

    fn takes_streams(&self) -> bool {
        true
    }
}

impl fmt::Debug for ReqwestSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestSender").finish_non_exhaustive()
    }
}

fn assemble(url: Url, request: Request, deadline: Deadline) -> Result<reqwest::Request, SendError> {
    let mut assembled = reqwest::Request::new(Method::POST, url);
    for (name, value, secret) in request.headers() {
        let mut value =
            HeaderValue::from_str(value).map_err(|error| SendError::setup().with_source(error))?;
        value.set_sensitive(secret);
        assembled.headers_mut().insert(HeaderName::from_static(name), value);
    }
    *assembled.timeout_mut() = Some(deadline.remaining(clock::instant()));
    *assembled.body_mut() = Some(body::of(request));
    Ok(assembled)
}

async fn receive(mut answer: reqwest::Response, deadline: Deadline) -> Response {
    let mut response = Response::new(answer.status().as_u16());
    for (name, value) in answer.headers() {
        if let Ok(value) = value.to_str() {
            response = response.with_header(name.as_str(), value);
        }
    }
    let limit = BODY_TIMEOUT.min(deadline.remaining(clock::instant()));
    let body = async {
        while let Ok(Some(piece)) = answer.chunk().await {
            if !response.extend_body(&piece) {
                break;
            }
        }
    };
    // Cut or late: the status has said everything that decides.
    let _ = tokio::time::timeout(limit, body).await;
    response
}

/// reqwest's errors print the URL, and with it whatever is in its query.
fn translate(error: reqwest::Error) -> SendError {
    let error = error.without_url();
    let kind = if error.is_builder() {
        SendError::setup()
    } else if error.is_connect() {
        SendError::connect()
    } else if error.is_timeout() {
        SendError::timeout()
    } else {
        SendError::interrupted()
    };
    kind.with_source(error)
}
