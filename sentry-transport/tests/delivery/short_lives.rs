//! Transports that live for a moment, as in command-line tools and tests: nothing may stall.

use std::time::Duration;

use ingest::{Reply, Server};
use sentry_core::Transport;

use crate::rig::{LONG, Rig, now};

/// Far above what a healthy one takes, far below any timeout inside.
const LIMIT: Duration = Duration::from_secs(2);

#[test]
fn many_short_lives_with_parallel_requests_all_end_quickly() {
    let server = Server::start();
    let mut slowest = Duration::ZERO;
    for round in 0..200 {
        let rig = Rig::new(&server);
        let events = 1 + round % 24;
        let start = now();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| rig.send_many(events));
            }
        });
        let done = if round % 3 == 0 { rig.transport.flush(LONG) } else { rig.transport.shutdown(LONG) };
        let took = start.elapsed();
        slowest = slowest.max(took);
        assert!(done && took < LIMIT, "round {round}: {done} after {took:?}");
        assert_eq!(rig.total_lost(), 0, "round {round}");
    }
    println!("slowest of 200: {slowest:?}");
    let sent: usize = (0..200).map(|round| 2 * (1 + round % 24)).sum();
    assert_eq!(server.accepted_events().len(), sent);
}

#[test]
fn connections_that_end_after_each_answer_stall_nothing() {
    let server = Server::builder().otherwise(Reply::ok().closing()).start();
    for round in 0..60 {
        let rig = Rig::new(&server);
        rig.send_many(20);
        let start = now();
        assert!(rig.transport.shutdown(LONG), "round {round}");
        assert!(start.elapsed() < LIMIT, "round {round}: {:?}", start.elapsed());
    }
    assert_eq!(server.accepted_events().len(), 1_200);
}

#[test]
fn flushes_from_many_threads_end_together() {
    let server = Server::builder().latency(Duration::from_millis(2)).start();
    let rig = Rig::new(&server);
    let start = now();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    rig.send("one");
                    assert!(rig.transport.flush(LONG));
                }
            });
        }
    });
    println!("8 x 25 flushes: {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(server.accepted_events().len(), 200);
}
