//! A sender of one's own: crashes go to a chat instead of a server, one line each.
//!
//!     CHAT_WEBHOOK=127.0.0.1:8065 cargo run --example webhook
//!
//! Queue, deadlines, retries and the panic hook are the SDK's; only the last step is here.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use sentry::protocol::Value;
use sentry::transports::{BoxFuture, Deadline, Request, Response, SendError, Sender, SenderTransport};
use sentry::{ClientOptions, Level};

#[derive(Debug)]
struct Webhook(String);

impl Sender for Webhook {
    fn send(&self, request: Request, _deadline: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
        Box::pin(async move {
            let envelope = request.envelope().map_err(|error| SendError::setup().with_source(error))?;
            let crash = envelope.event().filter(|event| event.level == Level::Fatal);
            let Some(title) = crash.and_then(|event| event.exception.last()?.value.clone()) else {
                return Ok(Response::new(200));
            };
            let body = format!("{{\"text\":{}}}", Value::from(format!("crash: {title}")));
            let mut chat = TcpStream::connect(&self.0).map_err(|_| SendError::connect())?;
            // A chat on this machine may be waited for. What takes longer belongs on a thread of its own.
            let _ = chat.set_read_timeout(Some(Duration::from_secs(1)));
            let (host, len) = (&self.0, body.len());
            let head = format!("POST /hook HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\n");
            let sent = write!(chat, "{head}Content-Length: {len}\r\n\r\n{body}");
            let answer = sent.and_then(|()| chat.read(&mut [0; 12]));
            answer.map(|_| Response::new(200)).map_err(|_| SendError::interrupted())
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "an example, not the SDK")]
fn main() {
    let chat = std::env::var("CHAT_WEBHOOK").unwrap_or_else(|_| "127.0.0.1:8065".to_owned());
    let _guard = sentry::init(ClientOptions::new().transport(SenderTransport::without_dsn(Webhook(chat))));
    let printer = std::thread::spawn(|| panic!("the invoice printer is on fire"));
    assert!(printer.join().is_err());
}
