//! Why a request got no answer.

use std::error::Error;
use std::fmt;

use crate::caught::caught;

/// A request got no answer.
///
/// Neither `Display` nor `Debug` shows a URL, a header or a key.
pub struct SendError {
    kind: Kind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Connect,
    Interrupted,
    Panicked,
    Setup,
    Timeout,
}

impl SendError {
    /// No connection came about: nothing was sent, and trying again is safe.
    #[must_use]
    pub fn connect() -> Self {
        Self::new(Kind::Connect)
    }

    /// The connection broke; how much the server got is unknown.
    #[must_use]
    pub fn interrupted() -> Self {
        Self::new(Kind::Interrupted)
    }

    /// The sender can never work as it is configured.
    #[must_use]
    pub fn setup() -> Self {
        Self::new(Kind::Setup)
    }

    /// No answer within the deadline, though there was a connection; how much the server got is unknown.
    #[must_use]
    pub fn timeout() -> Self {
        Self::new(Kind::Timeout)
    }

    /// The sender panicked.
    pub(crate) fn panicked() -> Self {
        Self::new(Kind::Panicked)
    }

    /// Adds the cause. It must not show a URL or a header.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether nothing was sent, so that the same request can be sent again.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.kind == Kind::Connect
    }

    /// Whether trying again cannot help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        matches!(self.kind, Kind::Setup | Kind::Panicked)
    }

    /// Whether the deadline passed.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind == Kind::Timeout
    }

    /// The whole chain in one line.
    pub(crate) fn explain(&self) -> String {
        let mut text = self.to_string();
        // The sources may be the application's.
        let explained = caught(|| {
            let mut source = self.source();
            // Eight is deeper than any client nests its errors; a cycle would never end.
            for _ in 0..8 {
                let Some(error) = source else { break };
                let cause = error.to_string();
                text.push_str(": ");
                text.push_str(&cause);
                source = error.source();
            }
        });
        if explained.is_none() {
            text.push_str(" (its cause cannot be shown)");
        }
        text
    }

    fn new(kind: Kind) -> Self {
        Self { kind, source: None }
    }
}

impl fmt::Debug for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("kind", &self.kind).field("explanation", &self.explain()).finish()
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Connect => "no connection to the server",
            Kind::Interrupted => "the connection was interrupted",
            Kind::Panicked => "the sender panicked",
            Kind::Setup => "the sender cannot work as configured",
            Kind::Timeout => "no answer from the server in time",
        })
    }
}

impl Error for SendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_explanation_names_the_whole_chain() {
        let error = SendError::connect().with_source("connection refused");
        assert_eq!(error.explain(), "no connection to the server: connection refused");
        assert!(error.is_connect() && !error.is_timeout() && !error.is_permanent());
    }
}
