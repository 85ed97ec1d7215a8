//! The sender over ureq: blocking, small, without a runtime.

mod agent;
mod dns;

use std::io::Read;
use std::sync::OnceLock;
use std::time::Duration;

use sentry_core::clock;
use ureq::{Agent, Error, Timeout};

pub(crate) use self::agent::AgentConfig;
use super::blocking::Exchange;
use super::{Deadline, Request, Response, SendError};

/// What is read of an answer: its status is what matters.
const MAX_BODY: u64 = 64 * 1024;

/// Sends over an agent, which is built at the first request, on a thread of the sender.
pub(crate) struct UreqExchange {
    config: Option<Box<AgentConfig>>,
    agent: OnceLock<Agent>,
}

impl UreqExchange {
    /// Builds its own agent.
    pub(crate) fn new(config: AgentConfig) -> Self {
        Self { config: Some(Box::new(config)), agent: OnceLock::new() }
    }

    /// Uses the application's agent.
    pub(crate) fn with_agent(agent: Agent) -> Self {
        Self { config: None, agent: OnceLock::from(agent) }
    }

    fn agent(&self) -> Result<&Agent, SendError> {
        if let Some(agent) = self.agent.get() {
            return Ok(agent);
        }
        let config = self.config.as_ref().ok_or_else(SendError::setup)?;
        let agent = config.build()?;
        Ok(self.agent.get_or_init(|| agent))
    }
}

impl Exchange for UreqExchange {
    fn exchange(&self, request: Request, deadline: Deadline) -> Result<Response, SendError> {
        let left = deadline.remaining(clock::instant());
        if left.is_zero() {
            return Err(SendError::connect());
        }
        let mut call = self
            .agent()?
            .post(request.url())
            .config()
            .timeout_global(Some(left))
            // A redirect would carry the key to somewhere else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .build();
        for (name, value, _secret) in request.headers() {
            call = call.header(name, value);
        }
        let answer = call.send(request.body()).map_err(translate)?;
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
    let mut reader = body.into_reader().take(MAX_BODY);
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
        #[cfg(feature = "rustls")]
        Error::Rustls(_) => SendError::connect(),
        #[cfg(feature = "native-tls")]
        Error::NativeTls(_) => SendError::connect(),
        // A handshake that fails reads as data that makes no sense; an answer that makes none is a `Protocol` error.
        Error::Io(error) if is_before_sending(error.kind()) => SendError::connect(),
        Error::Timeout(_) => SendError::timeout(),
        Error::BadUri(_) | Error::InvalidProxyUrl | Error::TlsRequired => SendError::setup(),
        _ => SendError::interrupted(),
    };
    // Neither the address nor a header is in its text.
    kind.with_source(error.to_string())
}

fn is_before_sending(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, HostUnreachable, InvalidData, NetworkUnreachable};
    matches!(kind, ConnectionRefused | HostUnreachable | InvalidData | NetworkUnreachable)
}

/// So that an unanswered lookup does not use up the whole patience of a request.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
