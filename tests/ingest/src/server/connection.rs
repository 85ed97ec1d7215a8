//! One connection: requests in, answers or faults out, until one side has enough.

use std::{
    io::{self, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use super::shared::Shared;
use crate::{
    check, clock, decode,
    envelope::Envelope,
    http::{self, ReadError, Request},
    reply::{Action, Answer, Fault},
};

/// A TLS alert record (fatal, handshake failure), then bytes that are neither TLS nor HTTP.
const GARBAGE: &[u8] = b"\x15\x03\x03\x00\x02\x02\x28\x00\xff\xfe\xfd\r\n\r\n\x00garbage";

/// The longest request that is recorded and not read.
const LOOK_LIMIT: usize = 1024 * 1024;

/// Serves a connection to its end.
pub(super) fn serve(stream: TcpStream, id: usize, shared: &Shared) {
    // The socket ends as the client, the clock or `Shared::stop` decide; none of it is a failure of the test.
    let _ = Connection { reader: BufReader::with_capacity(32 * 1024, stream), id, shared }.run();
}

struct Connection<'a> {
    reader: BufReader<TcpStream>,
    id: usize,
    shared: &'a Shared,
}

impl Connection<'_> {
    fn run(&mut self) -> io::Result<()> {
        while self.request_starts()? {
            let reply = self.shared.next_reply();
            let goes_on = match reply.action {
                Action::Fault(Fault::Garbage) => {
                    self.shared.pause(reply.delay);
                    self.write_garbage()?;
                    false
                }
                Action::Fault(Fault::ResetAfterBody) => {
                    self.look_at_the_request(reply.delay)?;
                    false
                }
                action if action.leaves_the_request_unread() => {
                    self.shared.pause(reply.delay);
                    self.misbehave(&action);
                    false
                }
                action => self.exchange(&action, reply.delay)?,
            };
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    /// Waits for the first byte of a request and leaves it in the socket, where `Fault::Reset` needs it: closing a socket
    /// with unread bytes is what makes the kernel send a reset.
    fn request_starts(&self) -> io::Result<bool> {
        Ok(!self.reader.buffer().is_empty() || self.stream().peek(&mut [0])? > 0)
    }

    /// Records a request and leaves it in the socket, so that the close resets the connection.
    fn look_at_the_request(&self, delay: Duration) -> io::Result<()> {
        let mut seen = vec![0; LOOK_LIMIT];
        let deadline = clock::now() + self.shared.patience;
        while clock::now() < deadline {
            let length = self.stream().peek(&mut seen)?;
            if let Ok(request) = http::read(&mut &seen[..length], &mut self.stream()) {
                self.record(request, None);
                self.shared.pause(delay);
                return Ok(());
            }
            // Nothing says when there is more to look at than there was.
            if length == LOOK_LIMIT || !self.shared.pause(Duration::from_millis(1)) {
                break;
            }
        }
        Ok(())
    }

    /// Reads a request and acts on it; says whether the connection can take another.
    fn exchange(&mut self, action: &Action, delay: Duration) -> io::Result<bool> {
        let mut interim = self.reader.get_ref().try_clone()?;
        let request = match http::read(&mut self.reader, &mut interim) {
            Ok(request) => request,
            Err(ReadError::Invalid(reason)) => {
                self.shared.update(|log| log.complain(format!("connection {}: {reason}", self.id)));
                self.write(&Answer::bad_request(), None, true)?;
                return Ok(false);
            }
            Err(ReadError::Io(error)) => {
                if !self.shared.is_stopping() {
                    self.shared.update(|log| log.abort());
                }
                return Err(error);
            }
        };
        let closes = request.closes();
        let event_id = self.record(request, action.status());
        if !self.shared.pause(delay) {
            return Ok(false);
        }
        match action {
            Action::Answer(answer) => {
                let closes = closes || answer.close;
                self.write(answer, event_id.as_deref(), closes)?;
                Ok(!closes)
            }
            Action::Fault(_) => {
                self.misbehave(action);
                Ok(false)
            }
        }
    }

    /// Checks and keeps a request, before it is answered: a client that has its answer may look at the log.
    fn record(&self, mut request: Request, status: Option<u16>) -> Option<String> {
        request.connection = self.id;
        request.status = status;
        let mut problems = Vec::new();
        check::request(&request, &mut problems);
        let envelope = match open(&mut request) {
            Ok(envelope) => {
                check::envelope(&envelope, &self.shared.dsn, &mut problems);
                Some(envelope)
            }
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        let event_id = envelope.as_ref().and_then(Envelope::event_id).map(str::to_owned);
        self.shared.update(|log| {
            let number = log.requests().len();
            for problem in problems {
                log.complain(format!("request {number}: {problem}"));
            }
            log.record(request, envelope.as_ref());
        });
        event_id
    }

    fn write(&self, answer: &Answer, event_id: Option<&str>, closes: bool) -> io::Result<()> {
        let bytes = http::encode(answer, event_id, closes);
        let Some(interval) = answer.drip else { return self.stream().write_all(&bytes) };
        for byte in bytes {
            self.stream().write_all(&[byte])?;
            if !self.shared.pause(interval) {
                break;
            }
        }
        Ok(())
    }

    fn misbehave(&self, action: &Action) {
        if matches!(action, Action::Fault(Fault::Blackhole | Fault::Hang)) {
            self.shared.pause(self.shared.patience);
        }
    }

    fn write_garbage(&self) -> io::Result<()> {
        self.stream().write_all(GARBAGE)?;
        self.stream().shutdown(Shutdown::Write)?;
        // Unread bytes would turn the close into a reset, which could overtake the garbage.
        self.stream().set_read_timeout(Some(self.shared.patience.min(Duration::from_secs(1))))?;
        io::copy(&mut self.stream().take(decode::LIMIT as u64), &mut io::sink())?;
        Ok(())
    }

    /// Reading and writing go through the shared reference; the buffer is for request heads only.
    fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }
}

/// Decodes the body in place and reads it as an envelope.
fn open(request: &mut Request) -> Result<Envelope, String> {
    request.body = decode::decode(request.header("Content-Encoding"), &request.raw_body, decode::LIMIT)?;
    Envelope::parse(&request.body).map_err(|error| format!("malformed envelope: {error}"))
}
