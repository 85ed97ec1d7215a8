//! One request, read from a socket.

use std::{
    fmt,
    io::{self, BufRead, Write},
};

use super::body;

/// The longest request head we read.
const HEAD_LIMIT: usize = 64 * 1024;

/// A request as the server received it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The method, `POST` for envelopes.
    pub method: String,
    /// Path and query as written on the request line.
    pub path: String,
    /// The headers in order, names as written.
    pub headers: Vec<(String, String)>,
    /// The body as it came over the wire, without chunk framing.
    pub raw_body: Vec<u8>,
    /// The body after its content encoding was undone; empty when that was impossible.
    pub body: Vec<u8>,
    /// The number of the connection it came over, counted from 0.
    pub connection: usize,
    /// The status the script holds for it; `None` when the script says not to answer.
    pub status: Option<u16>,
}

/// Why no request was read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The peer sent something that is not HTTP.
    Invalid(String),
    /// The connection ended or timed out inside a request.
    Io(io::Error),
}

impl Request {
    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header_values(name).next()
    }

    /// Every value of a header, in order.
    pub fn header_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether the server said that it took the request.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the client will not send another request over this connection.
    pub(crate) fn closes(&self) -> bool {
        self.header_values("Connection").any(|value| has_token(value, "close"))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &self.headers)
            .field("body", &String::from_utf8_lossy(&self.body))
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads one request; `interim` gets `100 Continue` when the client asks for it.
pub(crate) fn read(reader: &mut impl BufRead, interim: &mut impl Write) -> Result<Request, ReadError> {
    let mut budget = HEAD_LIMIT;
    let line = read_line(reader, &mut budget)?;
    let mut words = line.split(' ');
    let (Some(method), Some(path), Some("HTTP/1.1"), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(ReadError::Invalid(format!("{line:?} is not a request line")));
    };
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        raw_body: Vec::new(),
        body: Vec::new(),
        connection: 0,
        status: None,
    };
    loop {
        let line = read_line(reader, &mut budget)?;
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(ReadError::Invalid(format!("{line:?} is not a header")));
        };
        request.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    if request.header("Expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        interim.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    request.raw_body = read_body(&request, reader)?;
    Ok(request)
}

fn read_body(request: &Request, reader: &mut impl BufRead) -> Result<Vec<u8>, ReadError> {
    let length = request.header("Content-Length");
    match (length, request.header("Transfer-Encoding")) {
        (None, None) => Ok(Vec::new()),
        (Some(length), None) => match length.parse() {
            Ok(length) => body::sized(reader, length),
            Err(_) => Err(ReadError::Invalid(format!("Content-Length is {length:?}"))),
        },
        (None, Some(coding)) if coding.eq_ignore_ascii_case("chunked") => body::chunked(reader),
        (None, Some(coding)) => Err(ReadError::Invalid(format!("Transfer-Encoding is {coding:?}"))),
        (Some(_), Some(_)) => {
            Err(ReadError::Invalid("both Content-Length and Transfer-Encoding are present".to_owned()))
        }
    }
}

/// One line without its CRLF, taken from what is left of `budget`.
pub(super) fn read_line(reader: &mut impl BufRead, budget: &mut usize) -> Result<String, ReadError> {
    let mut line = Vec::new();
    io::Read::take(&mut *reader, *budget as u64).read_until(b'\n', &mut line)?;
    *budget -= line.len();
    if line.pop() != Some(b'\n') {
        if *budget == 0 {
            return Err(ReadError::Invalid("the request head is too long".to_owned()));
        }
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    if line.pop() != Some(b'\r') {
        return Err(ReadError::Invalid("a line of the request head does not end in CRLF".to_owned()));
    }
    String::from_utf8(line).map_err(|_| ReadError::Invalid("the request head is not UTF-8".to_owned()))
}

fn has_token(value: &str, token: &str) -> bool {
    value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Request, ReadError> {
        read(&mut text.as_bytes(), &mut io::sink())
    }

    fn invalid(text: &str) -> String {
        match parse(text) {
            Err(ReadError::Invalid(reason)) => reason,
            other => panic!("expected an invalid request, got {other:?}"),
        }
    }

    #[test]
    fn a_sized_body_is_read() {
        let request = parse("POST /p?q HTTP/1.1\r\nA: 1\r\na:2\r\nContent-Length: 3\r\n\r\nabcdef").unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/p?q"));
        assert_eq!(request.header_values("A").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(request.raw_body, b"abc");
        assert!(!request.closes());
    }

    #[test]
    fn a_chunked_body_is_joined_and_its_trailers_skipped() {
        let text = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: x, Close\r\n\r\n\
                    3;ext=1\r\nabc\r\n0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nnext";
        let mut reader = text.as_bytes();
        let request = read(&mut reader, &mut io::sink()).unwrap();
        assert_eq!(request.raw_body, b"abc0123456789");
        assert!(request.closes());
        assert_eq!(reader, b"next");
    }

    #[test]
    fn continue_is_granted_when_asked_for() {
        let text = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n";
        let mut interim = Vec::new();
        read(&mut text.as_bytes(), &mut interim).unwrap();
        assert_eq!(interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    }

    #[test]
    fn what_is_not_http_is_explained() {
        assert!(invalid("\u{16}\u{3}\r\n").contains("request line"));
        assert!(invalid("GET / HTTP/1.0\r\n\r\n").contains("request line"));
        assert!(invalid("GET / HTTP/1.1\n\n").contains("CRLF"));
        assert!(invalid("GET / HTTP/1.1\r\nnonsense\r\n\r\n").contains("not a header"));
        assert!(invalid("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n").contains("Content-Length"));
        assert!(invalid("GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n").contains("Transfer-Encoding"));
        assert!(
            invalid("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n")
                .contains("both")
        );
        assert!(
            invalid("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n").contains("chunk size")
        );
        assert!(invalid(&format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000))).contains("too long"));
    }

    #[test]
    fn a_cut_request_is_an_io_error() {
        for cut in ["GET", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab"] {
            assert!(matches!(parse(cut), Err(ReadError::Io(_))), "{cut:?}");
        }
    }
}
