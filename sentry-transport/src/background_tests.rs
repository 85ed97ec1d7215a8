//! The worker against a scripted sender: no sockets, no runtime.

use std::sync::Arc;
use std::time::Duration;

use sentry_core::client_report::Recorder;
use sentry_core::options::FloodControl;
use sentry_core::protocol::client_report::{Category, Item, Reason};
use sentry_core::protocol::{DynamicSamplingContext, Event, Exception, SessionUpdate, TraceId};
use sentry_core::{ClientOptions, Outbound, Telemetry, Transport, TransportOptions, clock};

#[path = "background_books_tests.rs"]
mod books;
#[path = "background_rest_tests.rs"]
mod rest;

use super::*;
use crate::sender::Response;
use crate::sender::scripted::{Reply, Scripted};

const LONG: Duration = Duration::from_secs(20);

struct Rig {
    transport: BackgroundTransport,
    sender: Arc<Scripted>,
    recorder: Recorder,
}

fn rig(script: impl IntoIterator<Item = Reply>) -> Rig {
    rig_reporting(script, REPORT_INTERVAL)
}

fn rig_reporting(script: impl IntoIterator<Item = Reply>, report_interval: Duration) -> Rig {
    rig_with(script, |setup| setup.report_interval = report_interval)
}

fn rig_with(script: impl IntoIterator<Item = Reply>, change: impl FnOnce(&mut Setup)) -> Rig {
    let recorder = Recorder::default();
    let options = ClientOptions {
        dsn: Some("http://public@localhost/42".parse().unwrap()),
        client_report_recorder: recorder.clone(),
        ..ClientOptions::default()
    };
    let options = TransportOptions::try_from_client_options(&options).unwrap();
    let sender = Arc::new(Scripted::new(script));
    let mut setup = Setup {
        make_sender: {
            let sender = Arc::clone(&sender);
            Box::new(move || Arc::clone(&sender) as _)
        },
        runtime: Runtime::Park,
        report_interval: REPORT_INTERVAL,
        wire: Wire::new(&options),
        errors: None,
        request_timeout: options.http.request_timeout,
        max_in_flight: None,
        open_store: None,
        home: None,
        keeps_all: false,
        pace: options.cache.pace,
        flood_control: options.flood_control,
        backpressure: true,
        revival: options.revival.clone(),
        gate: options.consent_gate.clone(),
        records: OnceLock::new(),
    };
    change(&mut setup);
    let transport = BackgroundTransport { queue: Queue::new(setup, recorder.clone()) };
    Rig { transport, sender, recorder }
}

impl Rig {
    fn send(&self, message: &str) {
        self.transport.send_envelope(Event { message: Some(message.into()), ..Event::new() }.into());
    }

    fn lost(&self, category: Category, reason: Reason) -> u64 {
        let of = |item: &&Item| (item.category(), item.reason()) == (category, reason);
        self.recorder.totals().iter().find(of).map_or(0, Item::quantity)
    }

    fn total_lost(&self) -> u64 {
        self.recorder.totals().iter().map(Item::quantity).sum()
    }

    /// Waits until the books are closed: the worker counts what a deadline has cut off when it gets to run.
    fn settle(&self) {
        wait_until(|| self.recorder.stats().queued == 0);
    }

    /// Requests that carried an event with this message.
    fn tries(&self, message: &str) -> usize {
        self.sender.bodies().iter().filter(|body| body.contains(&format!("\"{message}\""))).count()
    }
}

fn wait_until(done: impl Fn() -> bool) {
    let patience = clock::instant() + LONG;
    while !done() {
        assert!(clock::instant() < patience, "in vain");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn answer(status: u16) -> Reply {
    Reply::Answer(Response::new(status))
}

#[test]
fn nothing_is_started_for_a_transport_that_is_not_used() {
    let rig = rig([]);
    let start = clock::instant();
    assert!(rig.transport.flush(LONG));
    assert!(rig.transport.shutdown(LONG));
    assert!(start.elapsed() < LONG / 4, "neither waits for its deadline");
    assert!(rig.sender.bodies().is_empty());
}

#[test]
fn a_refused_item_is_sent_again_until_it_arrives() {
    let rig = rig([Reply::Refuse, Reply::Refuse, Reply::Refuse]);
    rig.send("kept");
    assert!(rig.transport.flush(LONG));
    assert_eq!(rig.tries("kept"), 4);
    assert_eq!(rig.total_lost(), 0);
}

#[test]
fn what_may_have_arrived_is_sent_again_with_the_same_id_only() {
    let rig = rig([Reply::Interrupted]);
    rig.send("again");
    assert!(rig.transport.flush(LONG));
    let bodies = rig.sender.bodies();
    let id = |body: &String| body.split('"').nth(3).map(str::to_owned);
    assert_eq!(rig.tries("again"), 2);
    assert_eq!(id(&bodies[0]), id(&bodies[1]));
}

#[test]
fn an_item_without_an_id_is_not_sent_twice() {
    let rig = rig([Reply::Interrupted]);
    let session: SessionUpdate<'static> = serde_json::from_str(
        r#"{"sid":"3de50ba8-0000-4000-8000-9ecb8d7d8da2","init":true,"started":"2024-01-01T00:00:00Z",
            "attrs":{"release":"r"},"status":"ok","errors":0}"#,
    )
    .unwrap();
    rig.transport.send_envelope(session.into());
    assert!(rig.transport.flush(LONG));
    assert_eq!(rig.lost(Category::Session, Reason::NetworkError), 1);
    assert!(rig.sender.bodies()[1].contains("client_report"));
}

#[test]
fn a_server_that_always_resets_holds_an_item_for_six_tries_only() {
    let rig = rig(vec![Reply::Interrupted; 6]);
    rig.send("poison");
    // Each flush is allowed to knock at the closed gate.
    for _ in 0..400 {
        if rig.transport.flush(Duration::from_millis(50)) {
            break;
        }
    }
    assert_eq!(rig.tries("poison"), 6);
    assert_eq!(rig.lost(Category::Error, Reason::NetworkError), 1);
}

#[test]
fn a_panicking_sender_costs_its_item_and_nothing_else() {
    let rig = rig([Reply::Panic]);
    rig.send("first");
    assert!(rig.transport.flush(LONG));
    rig.send("second");
    assert!(rig.transport.flush(LONG));
    assert_eq!(rig.lost(Category::Error, Reason::InternalSdkError), 1);
    assert_eq!(rig.tries("second"), 1);
}

#[test]
fn a_hanging_request_holds_up_neither_others_nor_a_flush() {
    let rig = rig([Reply::Hang]);
    rig.send("hung");
    rig.sender.wait_for(1);
    rig.send("free");
    rig.sender.wait_for(2);
    let start = clock::instant();
    assert!(!rig.transport.flush(Duration::from_millis(50)));
    assert!(start.elapsed() < Duration::from_secs(2));
    assert!(!rig.transport.shutdown(Duration::from_millis(50)));
    rig.settle();
    assert_eq!(rig.lost(Category::Error, Reason::NetworkError), 1);
}

#[test]
fn a_client_report_is_the_last_thing_sent_and_says_everything() {
    let rig = rig([answer(400), answer(413), answer(500), answer(429)]);
    for message in ["a", "b", "c"] {
        rig.send(message);
        rig.sender.wait_for(1);
    }
    assert!(rig.transport.shutdown(LONG));
    assert_eq!(rig.lost(Category::Error, Reason::SendError), 3);
}

#[test]
fn a_refusing_host_ends_a_shutdown_early_and_everything_is_counted() {
    let rig = rig(vec![Reply::Refuse; 100]);
    for _ in 0..50 {
        rig.send("never");
    }
    let start = clock::instant();
    assert!(!rig.transport.shutdown(LONG));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(rig.lost(Category::Error, Reason::NetworkError), 50);
    rig.send("after the end");
    assert_eq!(rig.lost(Category::Error, Reason::QueueOverflow), 1);
    assert!(rig.transport.shutdown(LONG));
}

#[test]
fn a_proxy_without_a_server_ends_a_short_shutdown_early() {
    let rig = rig(vec![answer(503); 100]);
    rig.send("unavailable");
    let start = clock::instant();
    assert!(!rig.transport.shutdown(Duration::from_secs(3)));
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(rig.lost(Category::Error, Reason::SendError), 1);
}

#[test]
fn a_limit_stops_what_is_queued_and_what_comes_later() {
    let limited = Response::new(200).with_header("X-Sentry-Rate-Limits", "60:error:key");
    let rig = rig([Reply::Answer(limited)]);
    rig.send("first");
    assert!(rig.transport.flush(LONG));
    for _ in 0..10 {
        rig.send("limited");
    }
    assert!(rig.transport.flush(LONG));
    assert_eq!(rig.tries("limited"), 0);
    assert_eq!(rig.lost(Category::Error, Reason::RatelimitBackoff), 10);
    let bodies = rig.sender.bodies();
    assert!(
        bodies.last().unwrap().contains(r#""reason":"ratelimit_backoff","category":"error","quantity":10"#)
    );
}

#[test]
fn a_report_inside_a_429_is_reported_again_later() {
    let once = Response::new(429).with_header("X-Sentry-Rate-Limits", "60:transaction:key");
    let rig = rig([Reply::Answer(once)]);
    rig.recorder.record(Reason::BeforeSend, Category::Error, 3);
    rig.send("carrier");
    assert!(rig.transport.flush(LONG));
    let bodies = rig.sender.bodies();
    assert_eq!(bodies.iter().filter(|body| body.contains("before_send")).count(), 2);
    assert_eq!(rig.total_lost(), 3);
}

#[test]
fn many_threads_lose_nothing() {
    let rig = rig([]);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let rig = &rig;
            scope.spawn(move || (0..250).for_each(|item| rig.send(&format!("{thread}-{item}"))));
        }
    });
    assert!(rig.transport.flush(LONG));
    assert_eq!(rig.sender.bodies().len(), 2_000);
    assert_eq!(rig.total_lost(), 0);
}

#[test]
fn dropped_without_a_shutdown_it_goes_on_in_the_background() {
    let rig = rig([]);
    for _ in 0..100 {
        rig.send("background");
    }
    drop(rig.transport);
    rig.sender.wait_for(100);
}

#[test]
fn a_future_that_panics_when_it_is_dropped_costs_nothing() {
    let rig = rig([Reply::PanicInDrop]);
    rig.send("first");
    assert!(rig.transport.flush(LONG));
    rig.send("second");
    assert!(rig.transport.flush(LONG));
    assert_eq!((rig.tries("second"), rig.total_lost()), (1, 0));
}

#[test]
fn losses_leave_on_their_own_though_the_worker_was_idle() {
    let limited = Response::new(200).with_header("X-Sentry-Rate-Limits", "60:error:key");
    let rig = rig_reporting([Reply::Answer(limited)], Duration::from_millis(100));
    rig.send("first");
    assert!(rig.transport.flush(LONG));
    std::thread::sleep(Duration::from_millis(20));
    for expected in 2..4 {
        // Nobody flushes, and nothing else is sent.
        (0..5).for_each(|_| rig.send("limited"));
        rig.sender.wait_for(expected);
        assert!(rig.sender.bodies()[expected - 1].contains("ratelimit_backoff"));
    }
}

#[test]
fn losses_of_others_leave_on_their_own_though_the_worker_was_idle() {
    let rig = rig_reporting([], Duration::from_millis(100));
    rig.send("first");
    assert!(rig.transport.flush(LONG));
    for expected in 2..4 {
        std::thread::sleep(Duration::from_millis(150));
        (0..5).for_each(|_| rig.recorder.record(Reason::BeforeSend, Category::Error, 1));
        rig.sender.wait_for(expected);
        assert!(rig.sender.bodies()[expected - 1].contains("before_send"));
    }
}

#[test]
fn an_item_gathers_no_reports_through_an_outage() {
    let rig = rig(vec![Reply::Refuse; 4]);
    rig.send("kept");
    for _ in 0..8 {
        rig.recorder.record(Reason::BeforeSend, Category::Error, 1);
        rig.transport.flush(Duration::from_millis(130));
    }
    assert!(rig.transport.flush(LONG));
    let bodies = rig.sender.bodies();
    let kept: Vec<_> = bodies.iter().filter(|body| body.contains("\"kept\"")).collect();
    assert!(kept.len() > 2, "{}", kept.len());
    assert!(kept.iter().all(|body| body.matches("client_report").count() <= 1), "{kept:#?}");
    assert_eq!(rig.lost(Category::Error, Reason::BeforeSend), 8);
    assert!(rig.recorder.is_empty(), "everything is reported in the end");
}

#[test]
fn what_a_flickering_proxy_refuses_does_not_pile_up() {
    // Healthy until there is a backlog, then every fourth answer says that the server is away.
    let flickers = |index: &usize| *index >= 300 && index.is_multiple_of(4);
    let rig = rig((0..4_000).map(|index| answer(if flickers(&index) { 503 } else { 200 })));
    (0..3_000).for_each(|index| rig.send(&format!("{index}")));
    std::thread::sleep(Duration::from_millis(700));
    let tried = rig.sender.bodies().len();
    // Every fourth of those that are tried waits on this side of the lanes; at most 192 may, and what was under way.
    assert!(tried <= 300 + 4 * 192 + 72, "{tried}: the rest waits in the lanes, which are bounded in bytes");
    assert!(!rig.transport.shutdown(Duration::from_millis(100)));
    rig.settle();
    let bodies = rig.sender.bodies();
    let delivered = bodies.iter().enumerate().filter(|(index, _)| !flickers(index));
    let delivered = delivered.filter(|(_, body)| body.contains("event_id")).count();
    assert_eq!(delivered as u64 + rig.total_lost(), 3_000);
}

#[test]
fn a_worker_that_could_not_be_started_is_not_waited_for() {
    let rig = rig([]);
    rig.recorder.record(Reason::BeforeSend, Category::Error, 1);
    rig.transport.queue.shared().fail_worker();
    let start = clock::instant();
    assert!(!rig.transport.flush(LONG));
    rig.transport.shutdown(LONG);
    assert!(start.elapsed() < Duration::from_secs(2));
}

fn log(body: usize) -> Outbound {
    Outbound::from_telemetry(Telemetry::log(format!(r#"{{"body":"log {body}"}}"#).into_bytes()))
}

/// How many logs each request carried.
fn logs_by_request(bodies: &[String]) -> Vec<usize> {
    bodies.iter().map(|body| body.matches(r#""body":"log "#).count()).filter(|count| *count > 0).collect()
}

#[test]
fn logs_travel_a_hundred_at_a_time_and_a_flush_takes_the_rest_along() {
    let rig = rig([]);
    (0..250).for_each(|index| rig.transport.send(log(index)));
    assert!(rig.transport.flush(LONG));
    let mut sizes = logs_by_request(&rig.sender.bodies());
    sizes.sort_unstable();
    assert_eq!(sizes, [50, 100, 100]);
    let stats = rig.recorder.stats();
    assert_eq!((stats.accepted, stats.delivered, stats.queued), (250, 250, 0));
}

#[test]
fn a_single_log_leaves_within_five_seconds_without_being_asked() {
    let rig = rig([]);
    rig.transport.send(log(1));
    std::thread::sleep(Duration::from_millis(300));
    assert!(rig.sender.bodies().is_empty(), "it waits for company");
    rig.sender.wait_for(1);
    assert_eq!(logs_by_request(&rig.sender.bodies()), [1]);
}

#[test]
fn logs_that_are_given_up_are_counted_one_by_one() {
    let rig = rig([Reply::Hang, Reply::Hang, Reply::Hang]);
    (0..250).for_each(|index| rig.transport.send(log(index)));
    assert!(!rig.transport.shutdown(Duration::from_millis(200)));
    rig.settle();
    assert_eq!(
        rig.lost(Category::LogItem, Reason::NetworkError)
            + rig.lost(Category::LogItem, Reason::QueueOverflow),
        250
    );
    let stats = rig.recorder.stats();
    assert_eq!((stats.accepted, stats.dropped, stats.queued), (250, 250, 0));
}

#[test]
fn spans_of_different_traces_travel_apart() {
    let rig = rig([]);
    for index in 0..30 {
        let context = Arc::new(DynamicSamplingContext::new());
        let span = Telemetry::span(b"{}".to_vec(), TraceId::from([index % 3; 16]), context);
        rig.transport.send(Outbound::from_telemetry(span));
    }
    assert!(rig.transport.flush(LONG));
    let bodies = rig.sender.bodies();
    assert_eq!(bodies.iter().filter(|body| body.contains(r#""item_count":10"#)).count(), 3);
    for trace in 0..3 {
        let id = TraceId::from([trace; 16]).to_string();
        assert_eq!(bodies.iter().filter(|body| body.lines().next().unwrap().contains(&id)).count(), 1);
    }
}

fn session(errors: u64) -> Envelope {
    let json = format!(
        r#"{{"sid":"3de50ba8-0000-4000-8000-9ecb8d7d8da2","seq":{errors},"init":false,"status":"ok",
            "started":"2024-01-01T00:00:00Z","attrs":{{"release":"r"}},"errors":{errors}}}"#
    );
    serde_json::from_str::<SessionUpdate<'static>>(&json).unwrap().into()
}

#[test]
fn updates_of_one_session_never_overtake_each_other() {
    let rig = rig([Reply::Refuse, Reply::Refuse]);
    (0..20).for_each(|errors| rig.transport.send_envelope(session(errors)));
    rig.send("an event of no session");
    assert!(rig.transport.flush(LONG));
    let bodies = rig.sender.bodies();
    let updates =
        bodies.iter().filter_map(|body| body.split(r#""errors":"#).nth(1)?.split([',', '}']).next());
    let updates: Vec<u32> = updates.map(|errors| errors.parse().unwrap()).collect();
    assert!(updates.is_sorted(), "{updates:?}");
    assert_eq!(updates.last(), Some(&19));
    assert_eq!(rig.total_lost(), 0);
}

fn same_error() -> Event<'static> {
    let exception = Exception { ty: "Timeout".into(), value: Some("of 30 s".into()), ..Exception::default() };
    Event { exception: vec![exception].into(), ..Event::default() }
}

#[test]
fn a_flood_of_one_error_is_cut_and_counted_and_the_next_one_says_so() {
    let mut options = FloodControl { burst: 10, per_minute: 60, ..FloodControl::default() };
    let rig = rig_with([], |setup| setup.flood_control = options);
    let start = clock::instant();
    (0..100).for_each(|_| rig.transport.send_envelope(same_error().into()));
    // One more passes for each second that this took.
    let most = 10 + usize::try_from(start.elapsed().as_secs()).unwrap();
    rig.send("a message is no error");
    assert!(rig.transport.flush(LONG));
    let passed = rig.tries("Timeout");
    assert!((10..=most).contains(&passed), "{passed}");
    assert_eq!(rig.tries("a message is no error"), 1);
    let suppressed = rig.lost(Category::Error, Reason::RatelimitBackoff);
    assert_eq!(passed as u64 + suppressed, 100);
    std::thread::sleep(Duration::from_millis(1_100));
    rig.transport.send_envelope(same_error().into());
    assert!(rig.transport.flush(LONG));
    // Those that passed late have told of some.
    let bodies = rig.sender.bodies();
    let told = bodies.iter().filter_map(|body| body.split(r#""suppressed_events":"#).nth(1));
    let told =
        told.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse::<u64>().unwrap());
    assert_eq!(told.sum::<u64>(), suppressed);

    options.enabled = false;
    let rig = rig_with([], |setup| setup.flood_control = options);
    (0..100).for_each(|_| rig.transport.send_envelope(same_error().into()));
    assert!(rig.transport.flush(LONG));
    assert_eq!(rig.tries("Timeout"), 100);
}

#[test]
fn stats_add_up_whatever_the_server_says() {
    let rig = rig([answer(429), answer(500), Reply::Interrupted, answer(413)].into_iter().cycle().take(40));
    (0..60).for_each(|index| rig.send(&format!("{index}")));
    (0..60).for_each(|index| rig.transport.send(log(index)));
    rig.transport.shutdown(Duration::from_millis(700));
    rig.settle();
    let stats = rig.recorder.stats();
    assert_eq!(stats.accepted, 120);
    assert_eq!(stats.queued, 0, "{stats:?}");
    assert_eq!(stats.delivered + stats.limited + stats.dropped, 120, "{stats:?}");
    assert!(stats.limited > 0 && stats.dropped > 0, "{stats:?}");
}
