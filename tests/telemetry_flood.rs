//! Eight threads write logs as fast as they can: each is received once and in the order its thread wrote it, or counted.
//!
//! Below the cap of the queue nothing is lost; above it everything that is lost is counted, in items and in bytes, and
//! memory stays what the queue may hold. A million logs per thread with `SENTRY_TEST_LONG` set, some thousands without.
#![expect(clippy::disallowed_methods, reason = "a test reads its environment and measures")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ingest::{Log, Server};
use sentry::protocol::client_report::Category;
use sentry::{Client, ClientOptions};

const THREADS: u64 = 8;
const PATIENCE: Duration = Duration::from_secs(60);

/// Threads that write no faster than is sent lose nothing.
#[test]
fn below_the_cap_nothing_is_lost() {
    let each = if is_long() { 1_000_000 } else { 5_000 };
    let flood = flood(each, Duration::ZERO, |client| {
        // The queue holds far more than this.
        while client.stats().queued > 5_000 {
            thread::sleep(Duration::from_millis(1));
        }
    });
    assert_eq!(flood.lost_items, 0);
    assert_eq!(flood.lost_bytes, 0);
    assert_eq!(flood.received, THREADS * each);
}

/// Threads that write as fast as they can, to a server that is slow: what is lost is counted.
#[test]
fn above_the_cap_everything_that_is_lost_is_counted() {
    let each = if is_long() { 1_000_000 } else { 40_000 };
    let flood = flood(each, Duration::from_millis(100), |_| {});
    assert!(flood.lost_items > 0, "this is no flood");
    assert_eq!(flood.received + flood.lost_items, THREADS * each, "received + counted = written");
    // Each has its text and the attributes of its client.
    let size = flood.lost_bytes / flood.lost_items;
    assert!((200..1_000).contains(&size), "{size} bytes each");
    // What the queue holds, what is under way, and what the allocator keeps.
    assert!(flood.grown <= 96 << 20, "{} MiB", flood.grown >> 20);
}

struct Flood {
    received: u64,
    lost_items: u64,
    lost_bytes: u64,
    /// Bytes of memory, beyond what there was before, at most.
    grown: u64,
}

fn flood(each: u64, latency: Duration, pause: impl Fn(&Client) + Sync) -> Flood {
    let server = Server::builder().latency(latency).start();
    let options = ClientOptions::new().dsn(&server.dsn()).release("flood@1").server_name("host");
    let client = std::sync::Arc::new(Client::from(sentry::apply_defaults(options)));
    let (begun, before) = (Instant::now(), resident());
    let done = AtomicBool::new(false);
    let mut seen = Seen::default();
    let mut grown = 0;
    thread::scope(|scope| {
        let writers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (client, pause) = (&client, &pause);
                scope.spawn(move || {
                    let hub =
                        sentry::Hub::new(Some(std::sync::Arc::clone(client)), std::sync::Arc::default());
                    sentry::Hub::run(hub.into(), || {
                        for number in 0..each {
                            sentry::logger_info!(thread = thread, number = number, "written");
                            if number % 64 == 0 {
                                pause(client);
                            }
                        }
                    });
                })
            })
            .collect();
        scope.spawn(|| {
            // The server of the test remembers everything until it is asked.
            while !done.load(Ordering::SeqCst) {
                seen.take(&server.drain());
                grown = grown.max(resident().saturating_sub(before));
                thread::sleep(Duration::from_millis(5));
            }
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        println!("{THREADS} threads x {each} logs written in {:?}", begun.elapsed());
        assert!(client.close(Some(PATIENCE)), "everything has an answer");
        println!("answered after {:?}", begun.elapsed());
        done.store(true, Ordering::SeqCst);
    });
    seen.take(&server.drain());
    seen.check_order();
    let losses = client.stats().losses;
    let lost = |category| {
        losses.iter().filter(|item| item.category() == category).map(|item| item.quantity()).sum::<u64>()
    };
    let flood = Flood {
        received: seen.received,
        lost_items: lost(Category::LogItem),
        lost_bytes: lost(Category::LogByte),
        grown,
    };
    println!(
        "received {}, counted {} ({} bytes), memory +{} MiB",
        flood.received,
        flood.lost_items,
        flood.lost_bytes,
        grown >> 20
    );
    flood
}

/// What the server has seen.
#[derive(Default)]
struct Seen {
    received: u64,
    /// For each thread: from where to where a request has its logs, numbers and times.
    stretches: BTreeMap<u64, Vec<[(u64, f64); 2]>>,
}

impl Seen {
    fn take(&mut self, log: &Log) {
        assert_eq!(log.problems(), Vec::<String>::new());
        for item in log.accepted_envelopes().iter().flat_map(|envelope| envelope.items_of("log")) {
            let batch = item.json();
            let mut stretches: BTreeMap<u64, [(u64, f64); 2]> = BTreeMap::new();
            for record in batch["items"].as_array().unwrap() {
                let number = |key: &str| record["attributes"][key]["value"].as_u64().unwrap();
                let at = (number("number"), record["timestamp"].as_f64().unwrap());
                self.received += 1;
                let [_, last] = stretches.entry(number("thread")).or_insert([at; 2]);
                assert!(last.0 <= at.0 && last.1 <= at.1, "{at:?} after {last:?}");
                *last = at;
            }
            for (thread, stretch) in stretches {
                self.stretches.entry(thread).or_default().push(stretch);
            }
        }
    }

    /// Several requests are under way at once and overtake each other. Apart from that the logs of a thread are in order.
    fn check_order(&mut self) {
        for (thread, stretches) in &mut self.stretches {
            stretches.sort_by_key(|[first, _]| first.0);
            for pair in stretches.windows(2) {
                let ([_, last], [first, _]) = (pair[0], pair[1]);
                assert!(last.0 < first.0 && last.1 <= first.1, "thread {thread}: {first:?} after {last:?}");
            }
        }
    }
}

fn is_long() -> bool {
    std::env::var_os("SENTRY_TEST_LONG").is_some()
}

/// Bytes of this process in memory; 0 where that cannot be told.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}
