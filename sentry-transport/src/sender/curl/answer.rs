//! An answer, as libcurl hands it over: line by line, then piece by piece.

use std::time::Instant;

use crate::sender::{BODY_TIMEOUT, Response};

/// More lines than this are no head of an answer.
const MAX_LINES: usize = 1_000;

/// Collects an answer.
#[derive(Debug, Default)]
pub(super) struct Reader {
    lines: usize,
    response: Option<Response>,
    /// When the head was complete.
    since: Option<Instant>,
}

impl Reader {
    /// Takes a line of a head. Tells whether more may come.
    pub(super) fn head(&mut self, line: &[u8], now: Instant) -> bool {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        self.lines += 1;
        if let Some(rest) = line.strip_prefix("HTTP/") {
            // A new head; what came before it were announcements, or the words of a proxy.
            let status =
                rest.split(' ').find_map(|word| word.parse::<u16>().ok().filter(|_| word.len() == 3));
            (self.response, self.since) = (status.map(Response::new), None);
        } else if line.is_empty() {
            let is_final = self.response.as_ref().is_some_and(|response| response.status() >= 200);
            self.since = is_final.then_some(now);
        } else if let Some((name, value)) = line.split_once(':') {
            self.response =
                self.response.take().map(|response| response.with_header(name.trim(), value.trim()));
        }
        self.lines < MAX_LINES
    }

    /// Takes a piece of the body. Tells whether more is wanted.
    pub(super) fn body(&mut self, piece: &[u8]) -> bool {
        self.response.as_mut().is_some_and(|response| response.extend_body(piece))
    }

    /// Whether it is worth waiting for the rest.
    pub(super) fn is_patient(&self, now: Instant) -> bool {
        self.since.is_none_or(|since| now.saturating_duration_since(since) < BODY_TIMEOUT)
    }

    /// The answer, if its head is complete.
    pub(super) fn finish(self) -> Option<Response> {
        self.since.and(self.response)
    }
}

#[cfg(test)]
mod tests {
    use sentry_core::clock;

    use super::*;

    fn read(head: &str) -> Option<Response> {
        let mut reader = Reader::default();
        for line in head.split_inclusive('\n') {
            reader.head(line.as_bytes(), clock::instant());
        }
        reader.finish()
    }

    #[test]
    fn an_answer_counts_once_its_head_is_complete() {
        let answer = read("HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nnonsense\r\nx: a:b \r\n\r\n").unwrap();
        assert_eq!(
            (answer.status(), answer.header("retry-after"), answer.header("x")),
            (429, Some("7"), Some("a:b"))
        );
        for cut in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n", "HTTP/1.1 oops\r\n\r\n"] {
            assert!(read(cut).is_none(), "{cut}");
        }
    }

    #[test]
    fn the_last_head_is_the_one_that_counts() {
        let answer = read("HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/2 202 \r\n\r\n").unwrap();
        assert_eq!((answer.status(), answer.header("a")), (202, None));
        assert!(read("HTTP/1.1 100 Continue\r\n\r\n").is_none());
        assert!(read("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 503 Sorry\r\n").is_none());
    }
}
