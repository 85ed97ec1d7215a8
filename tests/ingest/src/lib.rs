//! A scripted ingest server inside the test process.
//!
//! It listens on `127.0.0.1`, speaks real HTTP/1.1 over real sockets, answers from a script, keeps what it received,
//! and complains about everything the wire protocol does not allow. It shares no code with the SDK: the envelope reader
//! and the checks are written from the protocol alone, so that a mistake cannot hide on both sides of the wire.
//!
//! ```text
//!  client ──► accept ──► one thread per connection:  script says which Reply ──► read ─► decode ─► check ─► record
//!                                                                          │                                 │
//!                                                              answer, or misbehave                  Log + condvar
//!                                                                                                            │
//!  test  ◄── requests() envelopes() events() problems() wait_for*() ◄────────────────────────────────────────┘
//! ```
//!
//! - [`Server`] is the server; [`Reply`] is one line of its script, faults included.
//! - [`Request`] and [`Envelope`] are what it received, [`Log`] all of it.
//! - [`report::render`] prints an event the way a person wants to read it.
//! - [`Stalls`] tells how long a busy machine kept the process waiting, for limits in wall-clock time.
//! - A server that saw a protocol violation panics when dropped, unless [`Server::allow_problems`] was called: a test
//!   passes only if the client behaved.
//!
//! Everything is bounded in time and size: no connection outlives 60 seconds of silence, no body 200 MiB.
//!
//! ```
//! use std::{io::Read, io::Write, net::TcpStream, time::Duration};
//!
//! let server = ingest::Server::start();
//! server.script([ingest::Reply::status(429).header("Retry-After", "60")]);
//!
//! // What a client would send. Tests use the SDK instead.
//! let payload = r#"{"event_id":"c993afb6b4ac48a6b61b2558e601d65d","timestamp":1.5,"platform":"native","message":"hi"}"#;
//! let body = format!(
//!     "{{\"event_id\":\"c993afb6b4ac48a6b61b2558e601d65d\",\"sent_at\":\"2025-01-02T03:04:05Z\"}}\n\
//!      {{\"type\":\"event\",\"length\":{}}}\n{payload}\n",
//!     payload.len()
//! );
//! let mut stream = TcpStream::connect(server.addr())?;
//! write!(
//!     stream,
//!     "POST /api/42/envelope/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: demo/1.0\r\n\
//!      Content-Type: application/x-sentry-envelope\r\nContent-Length: {}\r\n\
//!      X-Sentry-Auth: Sentry sentry_version=7, sentry_client=demo/1.0, sentry_key=public\r\n\r\n{body}",
//!     body.len()
//! )?;
//! let mut answer = String::new();
//! stream.read_to_string(&mut answer)?;
//!
//! assert!(answer.starts_with("HTTP/1.1 429 "));
//! let events = server.wait_for_events(1, Duration::from_secs(5));
//! assert_eq!(events[0]["message"], "hi");
//! server.assert_clean();
//! # std::io::Result::Ok(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod check;
mod clock;
mod decode;
mod envelope;
mod http;
mod log;
mod reply;
pub mod report;
mod server;
mod stalls;

pub use crate::{
    envelope::{Envelope, Item, Malformed},
    http::Request,
    log::Log,
    reply::Reply,
    server::{Builder, PROJECT, PUBLIC_KEY, Server, refused_addr, unknown_host},
    stalls::Stalls,
};
