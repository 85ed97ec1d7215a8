//! One `POST` over plain HTTP/1.1.
//!
//! Of our own, not one of the senders': Spotlight must be there with any transport, and needs neither TLS nor proxies nor
//! a pool. Every step ends at the deadline.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use sentry_core::clock;

use super::address::Address;
use crate::encode::Encoded;
use crate::sender::Deadline;

/// A status line is shorter; whatever sends more is no web server.
const MAX_HEAD: u64 = 8 * 1024;

/// Sends an envelope. An answer is a success, whatever it says: there is somebody, and the envelope was seen.
///
/// # Errors
/// When there is no answer until the deadline.
pub(super) fn post(to: &Address, user_agent: &str, body: &Encoded, deadline: Deadline) -> io::Result<()> {
    let mut stream = connect(to, deadline)?;
    let encoding = if body.gzip { "Content-Encoding: gzip\r\n" } else { "" };
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {user_agent}\r\nContent-Type: \
         application/x-sentry-envelope\r\n{encoding}Content-Length: {}\r\nConnection: close\r\n\r\n",
        to.path,
        to.authority,
        body.bytes.len(),
    );
    write_all(&mut stream, head.as_bytes(), deadline)?;
    write_all(&mut stream, &body.bytes, deadline)?;
    read_answer(&mut stream, deadline)
}

/// A name may have several addresses, `localhost` usually has two.
fn connect(to: &Address, deadline: Deadline) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (to.host.as_str(), to.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left(deadline)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// In pieces: a timeout applies to each, so a peer that reads slowly cannot stretch it.
fn write_all(stream: &mut TcpStream, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
    for piece in bytes.chunks(64 * 1024) {
        stream.set_write_timeout(Some(left(deadline)?))?;
        stream.write_all(piece)?;
    }
    Ok(())
}

fn read_answer(stream: &mut TcpStream, deadline: Deadline) -> io::Result<()> {
    let mut head = Vec::new();
    let mut piece = [0; 512];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && (head.len() as u64) < MAX_HEAD {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => head.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if head.starts_with(b"HTTP/1.") {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
    }
}

fn left(deadline: Deadline) -> io::Result<Duration> {
    match deadline.remaining(clock::instant()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}
