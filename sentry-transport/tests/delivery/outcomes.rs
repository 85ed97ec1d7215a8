//! What becomes of events, by what the server says.

use std::time::Duration;

use ingest::{Reply, Server};
use sentry_core::Transport;
use sentry_core::protocol::client_report::{Category, Reason};

use crate::rig::{LONG, Rig, now, reported, reported_in};

#[test]
fn a_burst_arrives_completely() {
    const BURST: usize = 2_000;
    let server = Server::start();
    let rig = Rig::new(&server);
    let start = now();
    rig.send_many(BURST);
    assert!(rig.transport.flush(LONG));
    let took = start.elapsed();
    println!(
        "burst of {BURST}: {took:?}, {:.0}/s, {} connections",
        BURST as f64 / took.as_secs_f64(),
        server.log().connections()
    );
    assert_eq!(server.accepted_events().len(), BURST);
    assert_eq!(rig.total_lost(), 0);
    assert!(server.log().connections() <= 64, "connections are kept alive");
    server.assert_clean();
}

#[test]
fn a_burst_against_a_slow_server_arrives_completely() {
    const BURST: usize = 500;
    let server = Server::builder().latency(Duration::from_millis(20)).start();
    let rig = Rig::new(&server);
    rig.send_many(BURST);
    assert!(rig.transport.flush(LONG));
    assert_eq!(server.accepted_events().len(), BURST);
    assert_eq!(rig.total_lost(), 0);
}

#[test]
fn a_rate_limit_header_is_obeyed() {
    let server = Server::start();
    server.script([Reply::ok().header("X-Sentry-Rate-Limits", "60:error:organization")]);
    let rig = Rig::new(&server);
    rig.send("limits come with it");
    assert!(rig.transport.flush(LONG));
    rig.send_many(25);
    assert!(rig.transport.shutdown(LONG));
    assert_eq!(server.events().len(), 1);
    assert_eq!(rig.lost(Category::Error, Reason::RatelimitBackoff), 25);
    assert_eq!(reported(&server, "ratelimit_backoff", "error"), 25);
}

#[test]
fn a_429_stops_everything_and_is_not_reported() {
    let server = Server::start();
    server.script([Reply::status(429).header("Retry-After", "60")]);
    let rig = Rig::new(&server);
    rig.send("too many");
    assert!(rig.transport.flush(LONG));
    assert_eq!(rig.total_lost(), 0);
    rig.send("later");
    assert!(rig.transport.shutdown(LONG));
    assert_eq!(server.log().attempts(), 1);
    assert_eq!(rig.lost(Category::Error, Reason::RatelimitBackoff), 1);
}

#[test]
fn rejections_are_counted_reported_and_not_retried() {
    for status in [301, 400, 401, 403, 404, 413, 500, 501] {
        let server = Server::start();
        server.script([Reply::status(status)]);
        let rig = Rig::new(&server);
        rig.send("rejected");
        assert!(rig.transport.flush(LONG));
        assert_eq!(server.events().len(), 1, "{status}");
        assert_eq!(rig.lost(Category::Error, Reason::SendError), 1, "{status}");
        assert_eq!(reported(&server, "send_error", "error"), 1, "{status}");
        assert_eq!(rig.total_lost(), 1, "{status}");
    }
}

#[test]
fn the_last_losses_are_reported_at_the_end() {
    let server = Server::start();
    server.script([Reply::status(500), Reply::status(413)]);
    let rig = Rig::new(&server);
    rig.send("first");
    rig.send("second");
    rig.recorder.record(Reason::BeforeSend, Category::Error, 7);
    rig.recorder.record(Reason::SampleRate, Category::Transaction, 3);
    assert!(rig.transport.shutdown(LONG));
    assert_eq!(rig.lost(Category::Error, Reason::SendError), 2);
    let delivered: u64 = server
        .log()
        .accepted_envelopes()
        .iter()
        .flat_map(|envelope| envelope.items_of("client_report").map(ingest::Item::json).collect::<Vec<_>>())
        .flat_map(|report| report["discarded_events"].as_array().cloned().unwrap_or_default())
        .filter_map(|entry| entry["quantity"].as_u64())
        .sum();
    assert_eq!(delivered, 12);
}

#[test]
fn losses_alone_are_reason_enough_for_a_report() {
    let server = Server::start();
    let rig = Rig::new(&server);
    rig.recorder.record(Reason::SampleRate, Category::Error, 5);
    assert!(rig.transport.shutdown(LONG));
    assert_eq!(reported(&server, "sample_rate", "error"), 5);
    assert_eq!(server.envelopes().len(), 1);
}

#[test]
fn a_server_that_comes_back_gets_everything() {
    let server = Server::start();
    let addr = server.addr();
    let rig = Rig::new(&server);
    rig.send("before");
    assert!(rig.transport.flush(LONG));
    server.stop();

    rig.send_many(40);
    assert!(!rig.transport.flush(Duration::from_millis(150)));
    let successor = Server::builder().addr(addr).start();
    assert!(rig.transport.flush(LONG));
    assert_eq!(successor.accepted_events().len(), 40);
    assert_eq!(rig.total_lost(), 0);
}

#[test]
fn an_unavailable_server_is_tried_again_after_five_seconds() {
    let server = Server::start();
    server.script([Reply::status(503)]);
    let rig = Rig::new(&server);
    let start = now();
    rig.send("kept");
    assert!(rig.transport.flush(LONG));
    assert!(start.elapsed() >= Duration::from_secs(5));
    assert_eq!(server.accepted_events().len(), 1);
    assert_eq!(rig.total_lost(), 0);
}

#[test]
fn a_cut_connection_is_tried_again() {
    let server = Server::start();
    server.script([Reply::close_after_body(), Reply::reset()]);
    let rig = Rig::new(&server);
    rig.send("kept");
    assert!(rig.transport.flush(LONG));
    assert_eq!(server.accepted_events().len(), 1);
    assert_eq!(rig.total_lost(), 0);
}

#[test]
fn the_accounts_balance_when_a_shutdown_cuts_a_burst_off() {
    const BURST: usize = 4_000;
    let server = Server::builder().latency(Duration::from_millis(50)).start();
    let rig = Rig::new(&server);
    rig.send_many(BURST);
    assert!(!rig.transport.shutdown(Duration::from_millis(1_500)));
    rig.settle();
    let overflow = rig.lost(Category::Error, Reason::QueueOverflow);
    // The last report is on its way when the wait ends.
    assert!(server.wait_for(|log| reported_in(log, "queue_overflow", "error") == overflow, LONG));
    let delivered = server.accepted_events().len() as u64;
    let lost = rig.total_lost();
    println!("delivered {delivered}, lost {lost}, of these reported as overflow {overflow}");
    // What is cut off at the deadline may have arrived and is counted all the same: as much as may be under way.
    assert!((BURST as u64..=BURST as u64 + 72).contains(&(delivered + lost)));
}

#[test]
fn a_limit_is_found_in_an_answer_full_of_noise() {
    let server = Server::start();
    let long = format!("{}60:error:key", "1:unknown:key,".repeat(4_500));
    let noise = (0..80).fold(Reply::ok(), |reply, index| reply.header(&format!("X-Noise-{index}"), "noise"));
    server.script([noise.header("X-Sentry-Rate-Limits", &long)]);
    let rig = Rig::new(&server);
    rig.send("limits come with it");
    assert!(rig.transport.flush(LONG));
    rig.send("limited");
    assert!(rig.transport.shutdown(LONG));
    assert_eq!(server.events().len(), 1);
    assert_eq!(rig.lost(Category::Error, Reason::RatelimitBackoff), 1);
}
