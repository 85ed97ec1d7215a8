//! What goes out.

use std::fmt;
use std::sync::Arc;

/// A `POST`: where to, with which headers, and the bytes.
#[derive(Clone)]
pub struct Request {
    url: Arc<str>,
    headers: Vec<(&'static str, Arc<str>)>,
    body: Vec<u8>,
}

/// The header that holds the key.
const AUTH: &str = "x-sentry-auth";

impl Request {
    /// A request without headers.
    #[must_use]
    pub fn new(url: impl Into<Arc<str>>, body: Vec<u8>) -> Self {
        Self { url: url.into(), headers: Vec::with_capacity(4), body }
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

    /// The bytes to send.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The bytes to send, without a copy.
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("bytes", &self.body.len()).finish_non_exhaustive()
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
