//! `flush`, `shutdown` and drop end in time whatever the server does.

use std::net::TcpListener;
use std::time::Duration;

use ingest::{Reply, Server, Stalls};
use sentry_core::Transport;

use crate::rig::{LONG, Rig, now};

const TIMEOUT: Duration = Duration::from_millis(200);

/// We promise 50 ms over the timeout; loaded test machines get more, and what they stalled meanwhile.
const MARGIN: Duration = Duration::from_millis(200);

/// Runs the three ways to wait against a transport with `queued` items and prints what they took.
fn measure(what: &str, dsn: &str, queued: usize) {
    let timed = |name: &str, limit: Duration, wait: &mut dyn FnMut()| {
        let (stalls, start) = (Stalls::watch(), now());
        wait();
        let took = start.elapsed();
        let stalled = stalls.total();
        println!("{what:>12} {queued:>5} queued  {name:<8} {took:?}, stalled {stalled:?}");
        assert!(took <= limit + MARGIN + stalled, "{what}: {name} took {took:?}, stalled {stalled:?}");
    };

    let rig = Rig::to(dsn);
    rig.send_many(queued);
    timed("flush", TIMEOUT, &mut || {
        assert!(!rig.transport.flush(TIMEOUT), "{what}: nothing can have been sent")
    });
    let mut transport = Some(rig.transport);
    timed("drop", Duration::ZERO, &mut || drop(transport.take()));

    let rig = Rig::to(dsn);
    rig.send_many(queued);
    timed("shutdown", TIMEOUT, &mut || {
        assert!(!rig.transport.shutdown(TIMEOUT), "{what}: nothing can have been sent")
    });
    rig.settle();
    assert_eq!(rig.total_lost(), queued as u64, "{what}: what was given up is counted");
    let mut transport = Some(rig.transport);
    timed("drop", Duration::ZERO, &mut || drop(transport.take()));
}

fn against(what: &str, reply: Reply) {
    let server = Server::builder().otherwise(reply).start();
    server.allow_problems();
    for queued in [1, 30, 3_000] {
        measure(what, &server.dsn(), queued);
    }
}

#[test]
fn a_server_that_never_answers() {
    against("hang", Reply::hang());
}

#[test]
fn a_server_that_drips() {
    against("drip", Reply::drip(Duration::from_millis(20)));
}

#[test]
fn a_server_that_never_reads() {
    against("black hole", Reply::blackhole());
}

#[test]
fn a_server_that_speaks_tls() {
    against("garbage", Reply::garbage());
}

#[test]
fn a_server_that_resets() {
    against("reset", Reply::reset());
}

#[test]
fn a_server_that_refuses() {
    let dsn = format!("http://public@{}/42", ingest::refused_addr());
    for queued in [1, 30, 3_000] {
        measure("refuse", &dsn, queued);
    }
}

#[test]
fn a_server_whose_connections_are_never_accepted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let dsn = format!("http://public@{}/42", listener.local_addr().unwrap());
    measure("no accept", &dsn, 30);
}

#[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
#[test]
fn a_server_that_speaks_no_tls_where_the_dsn_wants_it() {
    let server = Server::builder().otherwise(Reply::garbage()).start();
    server.allow_problems();
    measure("https", &server.dsn().replacen("http://", "https://", 1), 30);
}

#[test]
fn a_name_that_does_not_resolve() {
    measure("no such name", &format!("http://public@{}/42", ingest::unknown_host()), 30);
}

#[test]
fn an_unused_transport_ends_at_once() {
    let server = Server::start();
    let (stalls, start) = (Stalls::watch(), now());
    let rig = Rig::new(&server);
    assert!(rig.transport.flush(LONG));
    assert!(rig.transport.shutdown(LONG));
    drop(rig.transport);
    let took = start.elapsed();
    println!("unused: {took:?}");
    assert!(took < Duration::from_millis(50) + stalls.total());
    assert_eq!(server.log().connections(), 0);
}

#[test]
fn an_idle_transport_ends_at_once() {
    let server = Server::start();
    let rig = Rig::new(&server);
    rig.send("one");
    assert!(rig.transport.flush(LONG));
    let (stalls, start) = (Stalls::watch(), now());
    assert!(rig.transport.shutdown(LONG));
    drop(rig.transport);
    let took = start.elapsed();
    println!("idle: {took:?}");
    assert!(took < Duration::from_millis(50) + stalls.total());
}

#[test]
fn one_queued_event_is_delivered_before_a_shutdown_returns() {
    let server = Server::start();
    for _ in 0..20 {
        let rig = Rig::new(&server);
        rig.send("one");
        let start = now();
        assert!(rig.transport.shutdown(LONG));
        println!("one queued: {:?}", start.elapsed());
        assert!(start.elapsed() < LONG / 4, "it does not wait for its deadline");
    }
    assert_eq!(server.accepted_events().len(), 20);
}

#[test]
fn any_timeout_is_taken() {
    let server = Server::start();
    let rig = Rig::new(&server);
    rig.send("one");
    assert!(rig.transport.flush(Duration::MAX));
    rig.send("two");
    let (stalls, start) = (Stalls::watch(), now());
    rig.transport.flush(Duration::ZERO);
    rig.transport.shutdown(Duration::ZERO);
    let took = start.elapsed();
    assert!(took < MARGIN + stalls.total(), "{took:?}");
}
