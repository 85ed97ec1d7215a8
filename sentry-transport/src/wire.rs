//! What is the same in every request to a server: the address, the headers, the DSN.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use sentry_core::TransportOptions;
use sentry_core::protocol::Envelope;
use sentry_core::types::Dsn;

use crate::encode::Encoded;
use crate::sender::{Request, Stream};

/// Built once, from the options (protocol section 1.7).
pub(crate) struct Wire {
    dsn: Dsn,
    url: Arc<str>,
    auth: Arc<str>,
    user_agent: Arc<str>,
    content_type: Arc<str>,
    gzip: Arc<str>,
}

impl Wire {
    pub(crate) fn new(options: &TransportOptions) -> Self {
        let agent = header_value(&options.user_agent);
        Self {
            dsn: options.dsn.clone(),
            url: options.dsn.envelope_api_url().as_str().into(),
            auth: auth(&options.dsn, &agent).into(),
            user_agent: agent.into(),
            content_type: "application/x-sentry-envelope".into(),
            gzip: "gzip".into(),
        }
    }

    /// Adds the headers that are known only when an envelope is sent.
    pub(crate) fn stamp(&self, envelope: &mut Envelope, now: SystemTime) {
        envelope.set_sent_at(now);
        if envelope.headers().dsn().is_none() {
            envelope.headers_mut().set_dsn(Some(self.dsn.clone()));
        }
    }

    /// The request that carries `body`.
    pub(crate) fn request(&self, body: Encoded) -> Request {
        let request = self.addressed(Request::new(Arc::clone(&self.url), body.bytes));
        if body.gzip { request.with_header("content-encoding", Arc::clone(&self.gzip)) } else { request }
    }

    /// The request that carries `stream`: as it is, so that its length is known and the server can refuse it at once.
    pub(crate) fn stream(&self, stream: Stream) -> Request {
        self.addressed(Request::streamed(Arc::clone(&self.url), stream))
    }

    fn addressed(&self, request: Request) -> Request {
        request
            .with_header("x-sentry-auth", Arc::clone(&self.auth))
            .with_header("user-agent", Arc::clone(&self.user_agent))
            .with_header("content-type", Arc::clone(&self.content_type))
    }

    /// The host, for diagnostics: nothing secret.
    pub(crate) fn host(&self) -> &str {
        self.dsn.host()
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("host", &self.host()).finish_non_exhaustive()
    }
}

/// `sentry_timestamp` is deprecated and left out.
fn auth(dsn: &Dsn, agent: &str) -> String {
    let mut auth =
        format!("Sentry sentry_version=7, sentry_client={}, sentry_key={}", token(agent), dsn.public_key());
    if let Some(secret) = dsn.secret_key() {
        auth.push_str(", sentry_secret=");
        auth.push_str(secret);
    }
    auth
}

/// An application may set any text as its user agent; a line break in it must not become a header.
fn header_value(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~')).collect::<String>().trim().to_owned()
}

/// A comma would end the value inside the auth header.
fn token(agent: &str) -> String {
    agent.chars().map(|c| if matches!(c, ',' | ' ' | '=') { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dsn(text: &str) -> Dsn {
        text.parse().unwrap()
    }

    #[test]
    fn the_auth_header_names_version_client_and_keys() {
        assert_eq!(
            auth(&dsn("http://public@host/1"), "sentry.rust/1.0"),
            "Sentry sentry_version=7, sentry_client=sentry.rust/1.0, sentry_key=public"
        );
        assert!(
            auth(&dsn("http://public:hush@host/1"), "a").ends_with("sentry_key=public, sentry_secret=hush")
        );
    }

    #[test]
    fn a_strange_user_agent_stays_one_value_of_one_header() {
        assert_eq!(header_value("app/1\r\nX-Evil: yes\u{e9} "), "app/1X-Evil: yes");
        assert_eq!(token("a b,c=d"), "a_b_c_d");
    }
}
