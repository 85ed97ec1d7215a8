//! Eight threads write logs as fast as they can: each is received once and in the order its thread wrote it, or counted.
//!
//! Below the cap of the queue nothing is lost; above it everything that is lost is counted, in items and in bytes, and
//! memory stays what the queue may hold. A million logs per thread with `SENTRY_TEST_LONG` set, some thousands without.
#![expect(clippy::disallowed_methods, reason = "a test reads its environment and measures")]

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ingest::{Log, Server};
use sentry::protocol::client_report::Category;
use sentry::{Client, ClientOptions};

const THREADS: u64 = 8;
const PATIENCE: Duration = Duration::from_secs(60);

/// What the queue holds, what is under way, and what the allocator keeps.
const MEMORY: u64 = 96 << 20;

/// Tells the process that writes what to do.
const ORDER: &str = "SENTRY_TEST_FLOOD";

/// Begins the line in which it tells what became of it.
const TOLD: &str = "flood: ";

/// Threads that write no faster than is sent lose nothing.
#[test]
fn below_the_cap_nothing_is_lost() {
    let each = if is_long() { 1_000_000 } else { 5_000 };
    let flood = flood(each, Duration::ZERO, Pace::OfTheServer);
    assert_eq!(flood.lost_items, 0);
    assert_eq!(flood.lost_bytes, 0);
    assert_eq!(flood.received, THREADS * each);
    assert!(flood.grown <= MEMORY, "{} MiB", flood.grown >> 20);
}

/// Threads that write as fast as they can, to a server that is slow: what is lost is counted.
#[test]
fn above_the_cap_everything_that_is_lost_is_counted() {
    let each = if is_long() { 1_000_000 } else { 40_000 };
    let flood = flood(each, Duration::from_millis(100), Pace::Full);
    assert!(flood.lost_items > 0, "this is no flood");
    assert_eq!(flood.received + flood.lost_items, THREADS * each, "received + counted = written");
    // Each has its text and the attributes of its client.
    let size = flood.lost_bytes / flood.lost_items;
    assert!((200..1_000).contains(&size), "{size} bytes each");
    assert!(flood.grown <= MEMORY, "{} MiB", flood.grown >> 20);
}

/// How fast the threads write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Full,
    /// No faster than is sent: the queue holds far more than they let wait.
    OfTheServer,
}

struct Flood {
    received: u64,
    lost_items: u64,
    lost_bytes: u64,
    /// Bytes of memory, beyond what there was before, at most.
    grown: u64,
}

fn flood(each: u64, latency: Duration, pace: Pace) -> Flood {
    let server = Server::builder().latency(latency).start();
    // A process of its own: the memory of the server is none of ours.
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writes", "--ignored", "--nocapture", "--test-threads", "1"])
        .env(ORDER, format!("{} {each} {}", server.dsn(), pace == Pace::Full))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.stdout.take().unwrap();
    let mut seen = Seen::default();
    let text = thread::scope(|scope| {
        let text = scope.spawn(|| std::io::read_to_string(output).unwrap());
        while !text.is_finished() {
            // The server of the test remembers everything until it is asked.
            seen.take(&server.drain());
            thread::sleep(Duration::from_millis(5));
        }
        text.join().unwrap()
    });
    assert!(child.wait().unwrap().success(), "{text}");
    seen.take(&server.drain());
    seen.check_order();
    let told = text.lines().find_map(|line| line.strip_prefix(TOLD)).unwrap_or_else(|| panic!("{text}"));
    let told: Vec<u64> = told.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [lost_items, lost_bytes, grown] = told[..] else { panic!("{text}") };
    println!(
        "{THREADS} threads x {each} logs: received {}, counted {lost_items} ({lost_bytes} bytes), memory +{} MiB",
        seen.received,
        grown >> 20
    );
    Flood { received: seen.received, lost_items, lost_bytes, grown }
}

/// The process that writes.
#[test]
#[ignore = "started by the tests above"]
fn writes() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let mut order = order.split(' ');
    let mut next = || order.next().unwrap();
    let options = ClientOptions::new().dsn(next()).release("flood@1").server_name("host");
    let (each, is_full) = (next().parse().unwrap(), next() == "true");
    let client = Arc::new(Client::from(sentry::apply_defaults(options)));
    let before = resident();
    let done = AtomicBool::new(false);
    let mut grown = 0;
    thread::scope(|scope| {
        let writers: Vec<_> = (0..THREADS)
            .map(|thread| (thread, Arc::clone(&client)))
            .map(|(thread, client)| scope.spawn(move || write(&client, thread, each, is_full)))
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                grown = grown.max(resident().saturating_sub(before));
                thread::sleep(Duration::from_millis(5));
            }
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        assert!(client.close(Some(PATIENCE)), "everything has an answer");
        done.store(true, Ordering::SeqCst);
    });
    let losses = client.stats().losses;
    let lost = |category| {
        losses.iter().filter(|item| item.category() == category).map(|item| item.quantity()).sum::<u64>()
    };
    println!("\n{TOLD}{} {} {grown}", lost(Category::LogItem), lost(Category::LogByte));
}

fn write(client: &Arc<Client>, thread: u64, each: u64, is_full: bool) {
    let hub = sentry::Hub::new(Some(Arc::clone(client)), Arc::default());
    sentry::Hub::run(hub.into(), || {
        for number in 0..each {
            sentry::logger_info!(thread = thread, number = number, "written");
            while !is_full && number % 64 == 0 && client.stats().queued > 5_000 {
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
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
