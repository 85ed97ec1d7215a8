//! A client as small as can be: it writes what it is told and reads what it gets.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use ingest::Server;

/// Nothing on loopback takes longer, unless it would take forever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// An open connection.
pub(crate) struct Client(BufReader<TcpStream>);

/// An answer: its status, its head, its body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn set_patience(&self, patience: Duration) {
        self.0.get_ref().set_read_timeout(Some(patience)).unwrap();
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    pub(crate) fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn read(&mut self) -> io::Result<Answer> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut body)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok(Answer { status, head, body: String::from_utf8(body).unwrap() })
    }

    pub(crate) fn exchange(&mut self, bytes: &[u8]) -> io::Result<Answer> {
        self.write(bytes)?;
        self.read()
    }
}

/// An envelope with one event of this number.
pub(crate) fn envelope(number: usize) -> String {
    let id = format!("{:032x}", number + 1);
    let payload = format!(
        r#"{{"event_id":"{id}","timestamp":1.5,"platform":"native","message":"{number}","tags":{{"n":"{number}"}}}}"#
    );
    format!(
        "{{\"event_id\":\"{id}\",\"sent_at\":\"2025-01-02T03:04:05Z\"}}\n\
         {{\"type\":\"event\",\"length\":{}}}\n{payload}\n",
        payload.len()
    )
}

/// A whole request around a body of this framing.
pub(crate) fn request(framing: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "POST /api/42/envelope/ HTTP/1.1\r\nHost: localhost\r\nUser-Agent: test/1.0\r\n\
         Content-Type: application/x-sentry-envelope\r\n{framing}\r\n\
         X-Sentry-Auth: Sentry sentry_version=7, sentry_client=test/1.0, sentry_key=public\r\n\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A whole request around one event of this number.
pub(crate) fn event(number: usize) -> Vec<u8> {
    let body = envelope(number);
    request(&format!("Content-Length: {}", body.len()), body.as_bytes())
}

/// One event over a connection of its own.
pub(crate) fn send(server: &Server, number: usize) -> io::Result<Answer> {
    Client::connect(server.addr()).exchange(&event(number))
}
