//! A day in the life of a server, in a minute: the books balance to the unit.
//!
//! One in a hundred requests is reset, before or after its body was read; one in a hundred is answered with 503; for a while
//! connections are refused; for a while they are accepted and nobody answers. Events are captured at a steady rate all the
//! time. At the end each of them was delivered, which the server proves by its id, or counted as lost.
//!
//! The run takes a few seconds, with a small queue so that something is lost; with `SENTRY_TEST_LONG` set it takes a minute at
//! 2,000 events a second with the default options, for which a release build is needed. There nothing may be lost that was
//! captured in calm weather, when two in a hundred requests fail and the other ones show that the server is well.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::thread;
use std::time::{Duration, Instant};

use ingest::{Envelope, Log, Reply, Server};
use sentry::protocol::Uuid;
use sentry::{ClientOptions, Level};
use sentry_core::options::HttpOptions;
use sentry_core::protocol::client_report::{Category, Item};

struct Plan {
    length: Duration,
    /// Events a second.
    rate: u32,
    /// Until when the weather is calm; early enough before the storm that retries are over. None in a short run.
    calm: Duration,
    refused: Window,
    outage: Window,
    options: ClientOptions,
    /// For the delivery of what is left; a 503 alone keeps an event back for five seconds.
    patience: Duration,
}

/// From when to when, since the start.
struct Window(Duration, Duration);

impl Plan {
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch for the machine that runs this test, not an option"
    )]
    fn of_the_environment() -> Self {
        if std::env::var_os("SENTRY_TEST_LONG").is_some() { Self::long() } else { Self::short() }
    }

    fn long() -> Self {
        let seconds = Duration::from_secs;
        Self {
            length: seconds(60),
            rate: 2_000,
            calm: seconds(8),
            refused: Window(seconds(15), seconds(20)),
            outage: Window(seconds(30), seconds(40)),
            options: ClientOptions::new(),
            patience: seconds(120),
        }
    }

    fn short() -> Self {
        let millis = Duration::from_millis;
        let http = HttpOptions { request_timeout: millis(800), ..Default::default() };
        Self {
            length: millis(3_500),
            rate: 200,
            calm: Duration::ZERO,
            refused: Window(millis(700), millis(1_000)),
            outage: Window(millis(1_600), millis(2_600)),
            options: ClientOptions {
                transport_channel_capacity: NonZeroUsize::new(250),
                ..ClientOptions::new()
            }
            .http(http),
            patience: millis(60_000),
        }
    }
}

impl Window {
    fn contains(&self, since_start: Duration) -> bool {
        (self.0..self.1).contains(&since_start)
    }
}

/// What the server has to say, request by request.
#[derive(Default)]
struct Books {
    /// How often each event was taken in and acknowledged.
    acknowledged: BTreeMap<String, usize>,
    /// How often each event was taken in and its connection ended without a word.
    unanswered: BTreeMap<String, usize>,
    /// Losses of the category `error` in reports that were acknowledged.
    reported: u64,
}

impl Books {
    fn enter(&mut self, log: &Log) {
        for request in log.requests() {
            let Ok(envelope) = Envelope::parse(&request.body) else { continue };
            let known = self.event(&envelope, request.status);
            if request.is_accepted() && !known {
                self.reported += envelope.items_of("client_report").map(errors_in).sum::<u64>();
            }
        }
    }

    /// Whether this very event was acknowledged before, and what came with it then.
    fn event(&mut self, envelope: &Envelope, status: Option<u16>) -> bool {
        let (Some(id), true) = (envelope.event_id(), envelope.items_of("event").next().is_some()) else {
            return false;
        };
        let page = match status {
            Some(200) => &mut self.acknowledged,
            None => &mut self.unanswered,
            Some(_) => return false,
        };
        let times = page.entry(id.to_owned()).or_default();
        *times += 1;
        status.is_some() && *times > 1
    }

    /// Copies of an event that the server has got in excess of one.
    fn duplicates(&self) -> usize {
        let ids: BTreeSet<_> = self.acknowledged.keys().chain(self.unanswered.keys()).collect();
        let copies = |id| self.acknowledged.get(id).unwrap_or(&0) + self.unanswered.get(id).unwrap_or(&0);
        ids.into_iter().map(|id| copies(id) - 1).sum()
    }
}

fn errors_in(report: &ingest::Item) -> u64 {
    let report = report.json();
    let entries = report["discarded_events"].as_array().into_iter().flatten();
    entries.filter(|entry| entry["category"] == "error").filter_map(|entry| entry["quantity"].as_u64()).sum()
}

#[test]
fn every_event_of_a_bad_day_is_delivered_or_counted() {
    let plan = Plan::of_the_environment();
    let mix = [(0.005, Reply::reset()), (0.005, Reply::reset_after_body()), (0.01, Reply::status(503))];
    let server = Server::builder().mix(mix).start();
    let guard = sentry::init((server.dsn(), plan.options.clone()));

    let (captured, calm, mut books) = live_through(&plan, &server);
    server.mix([]);
    let settling = now();
    assert!(guard.close(Some(plan.patience)), "everything has an answer");
    let settling = settling.elapsed();
    books.enter(&server.drain());

    let stats = guard.stats();
    let lost: u64 =
        stats.losses.iter().filter(|item| item.category() == Category::Error).map(Item::quantity).sum();
    let delivered = books.acknowledged.len();
    println!(
        "captured {}, delivered {delivered}, lost {lost} ({:?}), reported {}; duplicates {}, unanswered {}; close {settling:?}",
        captured.len(),
        stats.losses,
        books.reported,
        books.duplicates(),
        books.unanswered.values().sum::<usize>(),
    );
    println!("{stats:?}");
    assert_eq!(captured.len() as u64, delivered as u64 + lost, "captured = delivered + lost");
    assert_eq!(stats.accepted, captured.len() as u64);
    assert_eq!((stats.delivered, stats.dropped), (delivered as u64, lost));
    assert_eq!((stats.queued, stats.limited, stats.spooled), (0, 0, 0));
    assert_eq!(books.reported, lost, "the server knows of every loss");
    let ids: BTreeSet<_> = captured.iter().collect();
    assert!(books.acknowledged.keys().all(|id| ids.contains(id)));
    let lost_in_calm = captured[..calm].iter().filter(|id| !books.acknowledged.contains_key(*id)).count();
    println!("{lost_in_calm} of {calm} events of calm weather were lost");
    assert_eq!(lost_in_calm, 0);
    assert!(books.duplicates() as u64 <= stats.ambiguous_retries, "a duplicate has a reason, and is counted");
}

/// Captures until the day is over; the ids of all events, how many of them were captured in calm weather, and what the
/// server has written down.
fn live_through(plan: &Plan, server: &Server) -> (Vec<String>, usize, Books) {
    let (mut captured, mut calm, mut books) = (Vec::new(), 0, Books::default());
    let start = now();
    let (mut step, mut timeline) = (0_u32, Vec::new());
    while start.elapsed() < plan.length {
        let since_start = start.elapsed();
        weather(plan, server, since_start);
        let due = (since_start.as_secs_f64() * f64::from(plan.rate)) as usize;
        while captured.len() < due {
            let id: Uuid = sentry::capture_message(&format!("event {}", captured.len()), Level::Info);
            captured.push(id.simple().to_string());
        }
        if since_start < plan.calm {
            calm = captured.len();
        }
        step += 1;
        if step.is_multiple_of(20) {
            books.enter(&server.drain());
            timeline.resize(since_start.as_secs() as usize + 1, 0);
            timeline[since_start.as_secs() as usize] = books.acknowledged.len();
        }
        // The pace of the captures is time itself.
        thread::sleep(Duration::from_millis(5));
    }
    weather(plan, server, plan.length);
    println!("delivered by the end of each second: {timeline:?}");
    (captured, calm, books)
}

fn weather(plan: &Plan, server: &Server, since_start: Duration) {
    if plan.refused.contains(since_start) {
        server.refuse();
    } else {
        server.resume();
    }
    let outage = plan.outage.contains(since_start);
    server.otherwise(if outage { Reply::hang() } else { Reply::ok() });
}

#[expect(clippy::disallowed_methods, reason = "a test paces itself with the clock of the system")]
fn now() -> Instant {
    Instant::now()
}
