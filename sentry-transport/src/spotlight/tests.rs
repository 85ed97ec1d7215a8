use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread::Builder;

use sentry_core::Envelope;
use sentry_core::protocol::Event;

use super::*;

const LONG: Duration = Duration::from_secs(20);

/// Answers every request, or lets it hang; hands over request line, headers and body.
fn listen(answer: Option<&'static str>) -> (SocketAddr, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, requests) = channel();
    let serve = move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(reader.read_line(&mut head).unwrap() > 0);
            }
            let len = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
            let mut body = vec![0; len.parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            if seen.send((head, body)).is_err() {
                return;
            }
            match answer {
                Some(answer) => stream.write_all(answer.as_bytes()).unwrap(),
                None => open.push(stream),
            }
        }
    };
    Builder::new().spawn(serve).unwrap();
    (address, requests)
}

fn spotlight(address: SocketAddr) -> Spotlight {
    Spotlight::of(&ClientOptions::new().spotlight(format!("http://{address}/stream"))).unwrap()
}

fn copy(message: &str) -> Outbound {
    let event = Event { message: Some(message.to_owned()), ..Event::new() };
    Outbound::from_envelope(Envelope::from(event))
}

#[test]
fn an_envelope_is_posted_as_it_is() {
    let (address, requests) = listen(Some("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    let spotlight = spotlight(address);
    spotlight.send(copy("small"));
    spotlight.send(copy(&"large ".repeat(1_000)));
    assert!(spotlight.flush(LONG));
    let (head, body) = requests.recv_timeout(LONG).unwrap();
    assert!(head.starts_with("POST /stream HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("Host: {address}\r\n")) && !head.contains("gzip"), "{head}");
    assert!(head.contains("Content-Type: application/x-sentry-envelope\r\n"), "{head}");
    let envelope = Envelope::from_slice(&body).unwrap();
    assert_eq!(envelope.event().unwrap().message.as_deref(), Some("small"));
    assert!(envelope.headers().sent_at().is_some());
    let (head, _) = requests.recv_timeout(LONG).unwrap();
    assert!(head.contains("Content-Encoding: gzip\r\n"), "{head}");
}

#[test]
fn an_answer_of_any_status_is_enough() {
    let (address, _requests) = listen(Some("HTTP/1.1 500 Oops\r\n\r\n"));
    let spotlight = spotlight(address);
    spotlight.send(copy("a"));
    assert!(spotlight.flush(LONG));
    assert!(spotlight.is_idle());
}

#[test]
fn nobody_there_costs_a_flush_no_time_and_is_a_failure() {
    let spotlight = spotlight(ingest::refused_addr());
    let start = clock::instant();
    (0..50).for_each(|_| spotlight.send(copy("a")));
    assert!(!spotlight.flush(LONG), "dropped, not delivered");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(spotlight.is_idle());
}

#[test]
fn a_copy_gets_a_second_try_after_a_break() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, attempts) = channel();
    let serve = move || {
        // The first connection is dropped, the second one answered.
        for answer in ["", "HTTP/1.1 200 OK\r\n\r\n"] {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 64 * 1024]);
            let _ = stream.write_all(answer.as_bytes());
            seen.send(clock::instant()).unwrap();
        }
    };
    Builder::new().spawn(serve).unwrap();
    let spotlight = spotlight(address);
    spotlight.send(copy("a"));
    let first = attempts.recv_timeout(LONG).unwrap();
    let second = attempts.recv_timeout(LONG).unwrap();
    assert!(second - first >= Duration::from_millis(900));
    assert!(spotlight.flush(LONG));
}

#[test]
fn one_that_hangs_holds_nobody_beyond_the_deadline() {
    let (address, _requests) = listen(None);
    let spotlight = spotlight(address);
    let start = clock::instant();
    (0..5_000).for_each(|_| spotlight.send(copy("a")));
    assert!(!spotlight.close(Duration::from_millis(100)));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    spotlight.send(copy("too late"));
    assert!(!spotlight.is_idle(), "the one under way is all that is left");
}

#[test]
fn only_an_address_that_makes_sense_is_used() {
    for url in ["https://localhost/stream", "yes please"] {
        assert!(Spotlight::of(&ClientOptions::new().spotlight(url)).is_none());
    }
    assert!(Spotlight::of(&ClientOptions::new()).is_none());
    assert!(Spotlight::of(&ClientOptions::new().spotlight(true)).is_some());
}
