//! What comes back.

/// The answer of a server: everything of it that is kept is bounded.
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Response {
    /// How much of a body is kept.
    pub const MAX_BODY: usize = 64 * 1024;

    /// How many headers are kept, and how many bytes of each.
    const MAX_HEADERS: usize = 128;
    const MAX_HEADER: usize = 64 * 1024;

    /// An answer without headers and body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header; silently stops where it becomes absurd.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if self.headers.len() < Self::MAX_HEADERS && name.len() + value.len() <= Self::MAX_HEADER {
            self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        self
    }

    /// Adds to the body, up to [`MAX_BODY`](Self::MAX_BODY). Tells whether everything fitted.
    pub fn extend_body(&mut self, bytes: &[u8]) -> bool {
        let room = Self::MAX_BODY - self.body.len();
        self.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
        bytes.len() <= room
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first header of this name, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Every header of this name, in lower case.
    pub fn headers<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        self.headers.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The beginning of the body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_answer_is_cut() {
        let mut response = (0..1_000).fold(Response::new(200), |r, _| r.with_header("X", "y"));
        assert_eq!(response.headers("x").count(), Response::MAX_HEADERS);
        assert!(response.extend_body(&[0; 1_000]));
        assert!(!response.extend_body(&[0; 100_000]));
        assert_eq!(response.body().len(), Response::MAX_BODY);
        assert!(response.extend_body(&[]));
        assert!(!response.extend_body(&[1]));
    }
}
