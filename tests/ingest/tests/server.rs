//! The server seen by a client: answers, faults, bounds.

mod client;

use std::{
    io::{ErrorKind, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::{Duration, Instant},
};

use flate2::{Compression, write};
use ingest::{Reply, Server};

use self::client::{Client, PATIENCE};

#[expect(clippy::disallowed_methods, reason = "these tests measure the real clock")]
fn now() -> Instant {
    Instant::now()
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn events_come_in_over_one_kept_connection() {
    let server = Server::start();
    let mut client = Client::connect(server.addr());
    for number in 0..3 {
        let answer = client.exchange(&client::event(number)).unwrap();
        assert_eq!((answer.status, answer.body), (200, format!(r#"{{"id":"{:032x}"}}"#, number + 1)));
    }
    let messages: Vec<_> =
        server.wait_for_events(3, PATIENCE).iter().map(|event| event["message"].clone()).collect();
    assert_eq!(messages, ["0", "1", "2"]);
    assert_eq!(server.log().connections(), 1);
    assert_eq!(server.log().count("event"), 3);
    assert_eq!(server.envelopes()[2].event_id(), Some("00000000000000000000000000000003"));
    assert_eq!(server.requests()[0].header("user-agent"), Some("test/1.0"));
    server.clear();
    assert_eq!((server.events().len(), server.log().count("event")), (0, 0));
}

#[test]
fn every_framing_and_encoding_is_read() {
    let server = Server::start();
    let body = client::envelope(7);
    let mut gzip = write::GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(body.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut deflate = write::ZlibEncoder::new(Vec::new(), Compression::fast());
    deflate.write_all(body.as_bytes()).unwrap();
    let deflate = deflate.finish().unwrap();
    let (first, second) = body.split_at(40);
    let chunked = format!("{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n", first.len(), second.len());

    let mut client = Client::connect(server.addr());
    for (framing, body) in [
        (format!("Content-Encoding: gzip\r\nContent-Length: {}", gzip.len()), gzip.as_slice()),
        (format!("Content-Encoding: deflate\r\nContent-Length: {}", deflate.len()), &deflate),
        ("Transfer-Encoding: chunked".to_owned(), chunked.as_bytes()),
    ] {
        assert_eq!(client.exchange(&client::request(&framing, body)).unwrap().status, 200);
    }
    assert!(server.events().iter().all(|event| event["message"] == "7"));
    assert!(server.requests().iter().all(|request| request.body == body.as_bytes()));
    assert_eq!(server.requests()[0].raw_body, gzip);
}

#[test]
fn the_script_comes_first_and_the_default_after_it() {
    let server = Server::builder()
        .script([
            Reply::status(503).header("Retry-After", "3"),
            Reply::rate_limited("60:error:key").closing(),
        ])
        .otherwise(Reply::status(202).body("{}"))
        .start();
    let mut client = Client::connect(server.addr());
    let unavailable = client.exchange(&client::event(0)).unwrap();
    assert_eq!(unavailable.status, 503);
    assert!(unavailable.head.contains("\r\nRetry-After: 3\r\n"));
    let limited = client.exchange(&client::event(1)).unwrap();
    assert_eq!(limited.status, 429);
    assert!(limited.head.contains("\r\nX-Sentry-Rate-Limits: 60:error:key\r\nConnection: close\r\n"));
    assert_eq!(client.read_to_end().unwrap(), b"");
    assert_eq!(server.script_left(), 0);
    assert_eq!(client::send(&server, 2).unwrap().status, 202);
    assert_eq!((server.events().len(), server.accepted_events().len()), (3, 1));
}

#[test]
fn hang_reads_and_says_nothing() {
    let server = Server::builder().otherwise(Reply::hang()).start();
    let mut client = Client::connect(server.addr());
    client.write(&client::event(0)).unwrap();
    assert_eq!(server.wait_for_events(1, PATIENCE).len(), 1);
    client.set_patience(millis(50));
    assert!(matches!(client.read().err().unwrap().kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    assert_eq!(server.accepted_events(), Vec::<serde_json::Value>::new());
}

#[test]
fn drip_writes_byte_by_byte() {
    let server = Server::start();
    server.script([Reply::drip(millis(1)), Reply::drip(Duration::from_secs(10))]);
    let start = now();
    assert_eq!(client::send(&server, 0).unwrap().status, 200);
    assert!(start.elapsed() >= millis(80));

    let mut client = Client::connect(server.addr());
    client.set_patience(millis(50));
    client.write(&client::event(1)).unwrap();
    assert!(client.read().is_err());
}

#[test]
fn reset_ends_the_connection_before_it_is_read() {
    let server = Server::start();
    server.script([Reply::reset()]);
    let error = client::send(&server, 0).err().unwrap();
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error:?}");
    assert_eq!((server.log().attempts(), server.requests().len()), (1, 0));
    assert_eq!(client::send(&server, 1).unwrap().status, 200);
}

#[test]
fn close_after_body_keeps_what_it_read() {
    let server = Server::start();
    server.script([Reply::close_after_body()]);
    assert_eq!(client::send(&server, 0).err().unwrap().kind(), ErrorKind::UnexpectedEof);
    assert_eq!((server.events().len(), server.accepted_events().len()), (1, 0));
}

#[test]
fn reset_after_body_records_what_it_leaves_unread() {
    let server = Server::builder().script([Reply::ok(), Reply::reset_after_body()]).start();
    let mut client = Client::connect(server.addr());
    assert_eq!(client.exchange(&client::event(0)).unwrap().status, 200);
    let second = client::event(1);
    client.write(&second[..60]).unwrap();
    client.write(&second[60..]).unwrap();
    assert_eq!(client.read().err().unwrap().kind(), ErrorKind::ConnectionReset);
    assert_eq!((server.events().len(), server.accepted_events().len()), (2, 1));
}

#[test]
fn a_mix_comes_up_about_as_often_as_it_should() {
    let server = Server::builder().mix([(0.1, Reply::status(503)), (0.1, Reply::status(429))]).start();
    server.script([Reply::status(202)]);
    let mut client = Client::connect(server.addr());
    for number in 0..1_000 {
        client.exchange(&client::event(number)).unwrap();
    }
    let requests = server.requests();
    let count = |status| requests.iter().filter(|request| request.status == Some(status)).count();
    assert_eq!(requests[0].status, Some(202));
    assert!((50..150).contains(&count(503)) && (50..150).contains(&count(429)));
    assert_eq!(count(200) + count(503) + count(429), 999);
    server.mix([]);
    (0..50).for_each(|number| assert_eq!(client.exchange(&client::event(number)).unwrap().status, 200));
}

#[test]
fn a_server_that_refused_for_a_while_is_the_same_afterwards() {
    let server = Server::start();
    let mut client = Client::connect(server.addr());
    client.exchange(&client::event(0)).unwrap();
    server.refuse();
    assert!(client.exchange(&client::event(1)).is_err());
    assert!(std::net::TcpStream::connect(server.addr()).is_err());
    server.resume();
    server.resume();
    assert_eq!(client::send(&server, 1).unwrap().status, 200);
    assert_eq!(server.drain().count("event"), 2);
    assert_eq!((server.events().len(), server.log().count("event")), (0, 0));
    assert_eq!(client::send(&server, 2).unwrap().status, 200);
    assert_eq!(server.events().len(), 1);
}

#[test]
fn garbage_is_neither_http_nor_tls() {
    let server = Server::start();
    server.script([Reply::garbage()]);
    let mut client = Client::connect(server.addr());
    client.write(&client::event(0)).unwrap();
    assert_eq!(client.read_to_end().unwrap()[0], 0x15);
}

#[test]
fn a_blackhole_never_reads() {
    let server = Server::builder().otherwise(Reply::blackhole()).start();
    let mut client = Client::connect(server.addr());
    client.write(&client::event(0)).unwrap();
    assert!(server.wait_for(|log| log.attempts() == 1, PATIENCE));
    client.set_patience(millis(50));
    assert!(client.read().is_err());
    assert_eq!(server.requests(), []);
}

#[test]
fn faults_end_when_patience_does() {
    let server = Server::builder().patience(millis(30)).otherwise(Reply::hang()).start();
    assert_eq!(client::send(&server, 0).err().unwrap().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn latency_and_delays_add_up() {
    let server = Server::builder().latency(millis(30)).start();
    server.script([Reply::ok().after(millis(30))]);
    let start = now();
    client::send(&server, 0).unwrap();
    assert!(start.elapsed() >= millis(60));
    server.latency(Duration::ZERO);
    client::send(&server, 1).unwrap();
}

#[test]
fn stopping_interrupts_every_kind_of_waiting() {
    let server = Server::start();
    let minute = Duration::from_secs(60);
    let replies = [
        Reply::hang(),
        Reply::blackhole(),
        Reply::drip(minute),
        Reply::ok().after(minute),
        Reply::reset().after(minute),
        Reply::garbage(),
    ];
    let count = replies.len();
    server.script(replies);
    let mut clients: Vec<_> = (0..count).map(|_| Client::connect(server.addr())).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.write(&client::event(number)).unwrap();
    }
    let _idle = Client::connect(server.addr());
    let mut halfway = Client::connect(server.addr());
    assert!(server.wait_for(|log| log.attempts() == count && log.connections() == count + 2, PATIENCE));
    halfway.write(b"POST ").unwrap();
    let start = now();
    let addr = server.addr();
    drop(server);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(std::net::TcpStream::connect(addr).is_err());
}

#[test]
fn a_stopped_server_keeps_its_log_and_leaves_its_address_to_a_successor() {
    let server = Server::start();
    client::send(&server, 0).unwrap();
    server.stop();
    server.stop();
    assert_eq!(server.events().len(), 1);
    let successor = Server::builder().addr(server.addr()).start();
    assert_eq!(successor.dsn(), server.dsn());
    assert_eq!(client::send(&successor, 1).unwrap().status, 200);
}

#[test]
fn waiting_in_vain_ends_in_time_and_tells_what_came() {
    let server = Server::start();
    client::send(&server, 0).unwrap();
    assert!(!server.wait_for(|log| log.count("event") > 1, millis(20)));
    let panic = catch_unwind(AssertUnwindSafe(|| server.wait_for_events(2, millis(20)))).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(
        message.starts_with(r#"1 of 2 items of type "event" came within 20ms; 1 connections"#),
        "{message}"
    );
}

#[test]
fn surprises_are_problems_and_fail_the_test() {
    let server = Server::start();
    let body = "{}\n{\"type\":\"event\"}\n{}";
    let request =
        format!("PUT /api/1/store/ HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes();
    assert_eq!(Client::connect(server.addr()).exchange(&request).unwrap().status, 200);
    let problems = server.problems().join("\n");
    for part in [
        "request 0: PUT /api/1/store/ instead of POST /api/42/envelope/",
        "Content-Type is None",
        "User-Agent is None",
        "Host is missing",
        "X-Sentry-Auth is missing",
        "sent_at is missing",
        "event_id is missing",
        "item 0 (event): length is missing",
        "timestamp is null",
    ] {
        assert!(problems.contains(part), "{part:?} in {problems}");
    }
    assert!(catch_unwind(AssertUnwindSafe(|| server.assert_clean())).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(server))).is_err());
}

#[test]
fn allowed_problems_do_not_fail_the_test() {
    let server = Server::start();
    server.allow_problems();
    let answer = Client::connect(server.addr()).exchange(b"hello\r\n\r\n").unwrap();
    assert_eq!(answer.status, 400);
    assert_eq!(server.problems().len(), 1);
    let broken = client::request("Content-Encoding: gzip\r\nContent-Length: 3", b"abc");
    Client::connect(server.addr()).exchange(&broken).unwrap();
    assert!(server.problems()[1].contains("not valid \"gzip\""));
    server.assert_clean();
}

#[test]
fn wrong_authentication_is_a_problem() {
    let server = Server::start();
    server.allow_problems();
    for (auth, part) in [
        ("Bearer x", "is not `Sentry key=value"),
        ("Sentry sentry_version=7, sentry_client=a/1, sentry_key=other", "not the key of the DSN"),
        ("Sentry sentry_version=6, sentry_client=a/1, sentry_key=public", "sentry_version"),
        ("Sentry sentry_version=7, sentry_client=a, sentry_key=public", "sentry_client"),
        ("Sentry sentry_version=7, sentry_client=a/1, sentry_key=public, sentry_secret=x", "sentry_secret"),
    ] {
        let good = "Sentry sentry_version=7, sentry_client=test/1.0, sentry_key=public";
        let request = String::from_utf8(client::event(0)).unwrap().replace(good, auth);
        let before = server.problems().len();
        Client::connect(server.addr()).exchange(request.as_bytes()).unwrap();
        let problems = server.problems();
        assert!(problems.len() == before + 1 && problems[before].contains(part), "{part:?} in {problems:#?}");
    }
}

#[test]
fn a_request_cut_short_is_counted_and_no_problem() {
    let server = Server::start();
    let mut client = Client::connect(server.addr());
    client.write(&client::event(0)[..100]).unwrap();
    drop(client);
    assert!(server.wait_for(|log| log.aborted() == 1, PATIENCE));
    assert_eq!(server.requests(), []);
}

#[test]
fn a_hundred_connections_are_served_at_once() {
    const CONNECTIONS: usize = 100;
    const EACH: usize = 50;
    let server = Server::start();
    let start = now();
    thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let addr = server.addr();
            scope.spawn(move || {
                let mut client = Client::connect(addr);
                for number in 0..EACH {
                    let answer = client.exchange(&client::event(connection * EACH + number)).unwrap();
                    assert_eq!(answer.status, 200);
                }
            });
        }
    });
    let elapsed = start.elapsed();
    assert_eq!(server.wait_for_events(CONNECTIONS * EACH, PATIENCE).len(), CONNECTIONS * EACH);
    println!("{} requests in {elapsed:?}", CONNECTIONS * EACH);
    assert_eq!(server.log().connections(), CONNECTIONS);
}
