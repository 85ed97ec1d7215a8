//! The sender over ureq: blocking, small, without a runtime.

mod agent;
mod dns;
mod secure;
#[cfg_attr(unix, path = "socket_unix.rs")]
#[cfg_attr(not(unix), path = "socket_none.rs")]
mod socket;
#[cfg_attr(feature = "rustls-no-provider", path = "tls_rustls.rs")]
#[cfg_attr(all(not(feature = "rustls-no-provider"), feature = "native-tls"), path = "tls_native.rs")]
#[cfg_attr(not(any(feature = "rustls-no-provider", feature = "native-tls")), path = "tls_none.rs")]
mod tls;

use std::io::Read;
use std::sync::{Mutex, PoisonError};

use sentry_core::clock;
use ureq::{Agent, Error, SendBody, Timeout};

pub(crate) use self::agent::AgentConfig;
use self::secure::Insecure;
use super::blocking::Exchange;
use super::{BODY_TIMEOUT, Deadline, Request, Response, SendError};

/// Sends over an agent, which is built at the first request, on a thread of the sender, and thrown away when the host is
/// out of reach: what it knows of the host is out of date then.
pub(crate) struct UreqExchange(Source);

enum Source {
    Given(Agent),
    Own { config: Box<AgentConfig>, built: Mutex<Option<Agent>> },
}

impl UreqExchange {
    /// Builds its own agent.
    pub(crate) fn new(config: AgentConfig) -> Self {
        Self(Source::Own { config: Box::new(config), built: Mutex::new(None) })
    }

    /// Uses the application's agent.
    pub(crate) fn with_agent(agent: Agent) -> Self {
        Self(Source::Given(agent))
    }

    fn agent(&self) -> Result<Agent, SendError> {
        let (config, built) = match &self.0 {
            Source::Given(agent) => return Ok(agent.clone()),
            Source::Own { config, built } => (config, built),
        };
        let mut built = built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = &*built {
            return Ok(agent.clone());
        }
        let agent = config.build()?;
        *built = Some(agent.clone());
        Ok(agent)
    }

    /// Drops the pool: the next request starts from nothing.
    fn forget(&self) {
        if let Source::Own { built, .. } = &self.0 {
            let stale = built.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(stale);
        }
    }
}

impl Exchange for UreqExchange {
    fn exchange(&self, request: Request, deadline: Deadline) -> Result<Response, SendError> {
        let agent = self.agent()?;
        let left = deadline.remaining(clock::instant());
        if left.is_zero() {
            return Err(SendError::connect());
        }
        let mut call = agent
            .post(request.url())
            .config()
            .timeout_global(Some(left))
            .timeout_recv_body(Some(BODY_TIMEOUT))
            // A redirect would carry the key to somewhere else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .build();
        for (name, value, _secret) in request.headers() {
            call = call.header(name, value);
        }
        let sent = if request.is_streamed() {
            // Or it would be sent in chunks, and the server could not tell early that it is too large.
            let call = call.header("content-length", request.length().to_string());
            call.send(SendBody::from_owned_reader(request.into_reader()))
        } else {
            call.send(request.body())
        };
        let answer = sent.map_err(|error| {
            let error = translate(error);
            if error.is_connect() || error.is_timeout() {
                self.forget();
            }
            error
        })?;
        let (parts, body) = answer.into_parts();
        let mut response = Response::new(parts.status.as_u16());
        for (name, value) in &parts.headers {
            if let Ok(value) = value.to_str() {
                response = response.with_header(name.as_str(), value);
            }
        }
        read(body, &mut response);
        Ok(response)
    }
}

/// Cut or late: the status has said everything that decides.
fn read(body: ureq::Body, response: &mut Response) {
    let mut reader = body.into_reader();
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = reader.read(&mut piece) {
        if !response.extend_body(&piece[..read]) {
            break;
        }
    }
}

fn translate(error: Error) -> SendError {
    let kind = match &error {
        Error::HostNotFound
        | Error::ConnectionFailed
        | Error::ConnectProxyFailed(_)
        | Error::Tls(_)
        | Error::Timeout(Timeout::Resolve | Timeout::Connect) => SendError::connect(),
        Error::Other(error) if error.is::<Insecure>() => SendError::connect(),
        Error::Io(error) if is_before_sending(error.kind()) => SendError::connect(),
        Error::Timeout(_) => SendError::timeout(),
        Error::BadUri(_) | Error::InvalidProxyUrl | Error::TlsRequired => SendError::setup(),
        _ => SendError::interrupted(),
    };
    // Neither the address nor a header is in its text.
    kind.with_source(error.to_string())
}

fn is_before_sending(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(kind, AddrNotAvailable | ConnectionRefused | HostUnreachable | NetworkUnreachable)
}
