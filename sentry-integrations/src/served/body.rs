//! The body of a request, copied while the application reads it.

use std::sync::{Mutex, PoisonError};

/// What is kept of a body at most: an event has no room for more.
const MOST: usize = 1 << 20;

/// The copy of a body. It holds what was read, and is told only once that is the whole.
pub(crate) struct Body {
    read: Mutex<Vec<u8>>,
    length: usize,
}

impl Body {
    /// For a body of `length` bytes; `None` if that is more than is kept of any.
    pub(crate) fn of_length(length: usize) -> Option<Self> {
        (1..=MOST).contains(&length).then(|| Self { read: Mutex::default(), length })
    }

    /// The application has read `bytes`.
    pub(crate) fn add(&self, bytes: &[u8]) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // Whatever comes beyond the length that was announced: it is not the body any more that was to be kept.
        if read.len() + bytes.len() <= self.length {
            read.extend_from_slice(bytes);
        }
    }

    pub(super) fn text(&self) -> Option<String> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = Some(&*read).filter(|read| read.len() == self.length)?;
        std::str::from_utf8(whole).ok().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_told_when_it_is_whole() {
        let body = Body::of_length(5).unwrap();
        body.add(b"ab");
        assert_eq!(body.text(), None);
        body.add(b"cde");
        assert_eq!(body.text().as_deref(), Some("abcde"));
        body.add(b"f");
        assert_eq!(body.text().as_deref(), Some("abcde"));
    }

    #[test]
    fn nothing_is_kept_of_a_body_that_is_empty_too_long_or_no_text() {
        assert!(Body::of_length(0).is_none() && Body::of_length(MOST + 1).is_none());
        let body = Body::of_length(2).unwrap();
        body.add(b"\xff\xff");
        assert_eq!(body.text(), None);
    }
}
