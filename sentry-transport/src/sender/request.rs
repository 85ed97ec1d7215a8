//! What goes out.

use std::fmt;
use std::sync::Arc;

use super::body::{Body, BodyReader, Stream, Watch};

/// A `POST`: where to, with which headers, and the bytes.
#[derive(Clone)]
pub struct Request {
    url: Arc<str>,
    headers: Vec<(&'static str, Arc<str>)>,
    body: Body,
}

/// The header that holds the key.
const AUTH: &str = "x-sentry-auth";

impl Request {
    /// A request without headers.
    #[must_use]
    pub fn new(url: impl Into<Arc<str>>, body: Vec<u8>) -> Self {
        Self::with_body(url.into(), Body::Bytes(body))
    }

    /// The same, with a body that is read while it is sent.
    pub(crate) fn streamed(url: impl Into<Arc<str>>, stream: Stream) -> Self {
        Self::with_body(url.into(), Body::Stream(stream))
    }

    fn with_body(url: Arc<str>, body: Body) -> Self {
        Self { url, headers: Vec::with_capacity(4), body }
    }

    /// Adds a header. `name` is lower case.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<Arc<str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Where it goes.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Name (lower case), value, and whether the value is secret.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str, bool)> {
        self.headers.iter().map(|(name, value)| (*name, &**value, *name == AUTH))
    }

    /// The bytes to send; none if it [is streamed](Self::is_streamed).
    #[must_use]
    pub fn body(&self) -> &[u8] {
        match &self.body {
            Body::Bytes(bytes) => bytes,
            Body::Stream(_) => &[],
        }
    }

    /// The bytes to send, without a copy; none if it [is streamed](Self::is_streamed).
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        match self.body {
            Body::Bytes(bytes) => bytes,
            Body::Stream(_) => Vec::new(),
        }
    }

    /// The bytes to send, one after the other, however the request holds them. Those of a stream are read once: a copy of
    /// the request has the same.
    #[must_use]
    pub fn into_reader(self) -> BodyReader {
        self.body.into_reader()
    }

    /// How many bytes there are to send.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.body.length()
    }

    /// Whether files are read while it is sent. Only senders that [say so](super::Sender::takes_streams) get such a one.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        matches!(self.body, Body::Stream(_))
    }

    /// How many bytes of the body are in memory.
    pub(crate) fn resident(&self) -> usize {
        self.body.resident()
    }

    /// How the sending of a stream gets on.
    pub(crate) fn watch(&self) -> Option<&Arc<Watch>> {
        match &self.body {
            Body::Bytes(_) => None,
            Body::Stream(stream) => Some(stream.watch()),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("bytes", &self.body.length()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_url_nor_headers_nor_body() {
        let request = Request::new("http://key@host/", b"body".to_vec()).with_header(AUTH, "secret");
        let debug = format!("{request:?}");
        for hidden in ["key", "host", "secret", "body"] {
            assert!(!debug.contains(hidden), "{debug}");
        }
        assert!(request.headers().any(|(name, _, secret)| name == AUTH && secret));
    }
}
